"""Reading the files of the ROADEF/EURO challenge 2012: a model, a placement.

Both are whole numbers parted by blanks. Source: the challenge's problem statement, section 3.
"""

from pathlib import Path
from typing import Final

from beffroi.capacity.rebalancing.model import (
    Balance,
    Machine,
    MoveWeights,
    Process,
    Reassignment,
    ResourceKind,
    Service,
)
from beffroi.kernel.errors import InvalidInputError

HIGHEST: Final = 2**31 - 1
"""Highest value that is read: costs and penalties then stay within 64 bits."""
_MOST_THINGS: Final = 1_000_000


def read_model(file: Path) -> Reassignment:
    """Read an instance.

    Raises:
        InvalidInputError: The file cannot be read, or a value in it cannot be.
    """
    values = _Values(file)
    resources = tuple(
        ResourceKind(bool(values.take(1)), values.take()) for _ in range(values.take_count())
    )
    machines = _machines(values, len(resources))
    services = _services(values)
    processes = _processes(values, len(services), len(resources))
    last = len(resources) - 1
    balances = tuple(
        Balance(values.take(last), values.take(last), values.take(), values.take())
        for _ in range(values.take(_MOST_THINGS))
    )
    weights = MoveWeights(values.take(), values.take(), values.take())
    values.end()
    return Reassignment(
        resources=resources,
        machines=machines,
        services=services,
        processes=processes,
        balances=balances,
        weights=weights,
    )


def read_placement(file: Path, problem: Reassignment) -> tuple[int, ...]:
    """Read the machine of each process.

    Raises:
        InvalidInputError: The file cannot be read, or does not name one machine per process.
    """
    values = _Values(file)
    found = values.take_many(len(problem.processes), len(problem.machines) - 1)
    values.end()
    return found


def _machines(values: "_Values", resources: int) -> tuple[Machine, ...]:
    count = values.take_count()
    return tuple(
        Machine(
            values.take(_MOST_THINGS),
            values.take(_MOST_THINGS),
            values.take_many(resources),
            values.take_many(resources),
            values.take_many(count),
        )
        for _ in range(count)
    )


def _services(values: "_Values") -> tuple[Service, ...]:
    count = values.take_count()
    return tuple(
        Service(values.take(_MOST_THINGS), values.take_many(values.take(_MOST_THINGS), count - 1))
        for _ in range(count)
    )


def _processes(values: "_Values", services: int, resources: int) -> tuple[Process, ...]:
    return tuple(
        Process(values.take(services - 1), values.take_many(resources), values.take())
        for _ in range(values.take_count())
    )


class _Values:
    """The words of a file, one after the other."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._text = file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "ASCII"
            raise InvalidInputError(
                "capacity.challenge_file_unreadable", file=str(file), reason=reason
            ) from error
        self._words = self._text.split()
        self._next = 0

    def take(self, highest: int = HIGHEST, lowest: int = 0) -> int:
        """Read one whole number."""
        if self._next == len(self._words):
            raise InvalidInputError(
                "capacity.challenge_file_ends", file=str(self._file), count=len(self._words)
            )
        word = self._words[self._next]
        if not word.isdecimal() or not lowest <= int(word) <= highest:
            line, column = self._position()
            raise InvalidInputError(
                "capacity.challenge_value_invalid",
                file=str(self._file),
                line=line,
                column=column,
                value=word,
                lowest=lowest,
                highest=highest,
            )
        self._next += 1
        return int(word)

    def take_count(self) -> int:
        """Read how many of a thing there are, of which there must be one."""
        return self.take(_MOST_THINGS, lowest=1)

    def take_many(self, count: int, highest: int = HIGHEST) -> tuple[int, ...]:
        """Read several whole numbers."""
        return tuple(self.take(highest) for _ in range(count))

    def end(self) -> None:
        """Refuse what follows the last value."""
        if self._next < len(self._words):
            line, column = self._position()
            raise InvalidInputError(
                "capacity.challenge_file_continues",
                file=str(self._file),
                line=line,
                column=column,
                value=self._words[self._next],
            )

    def _position(self) -> tuple[int, int]:
        """Return the line of the next word and its place among the words of the line, from 1."""
        before = self._next
        for number, line in enumerate(self._text.splitlines(), start=1):
            words = len(line.split())
            if before < words:
                return number, before + 1
            before -= words
        raise IndexError(self._next)
