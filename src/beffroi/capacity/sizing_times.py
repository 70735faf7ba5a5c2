"""Instants as exports write them: seconds, milliseconds, or dates with or without a zone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beffroi.capacity.inventories.findings import WrongValueError, wrong
from beffroi.capacity.sizing_series import LOCAL_ZONE, Instants

_MILLISECONDS_FROM: Final = 1e11
_LATEST_S: Final = 1e10
_FORMS: Final = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
UNUSABLE: Final = np.iinfo(np.int64).min


class InstantReader:
    """Reads instants; a date without a zone is local time.

    The hour that autumn repeats is told by the order of a machine's rows: once a machine has had
    an instant, the same time of day again is the second one.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int] | WrongValueError] = {}
        self._last: dict[str, int] = {}

    def read(
        self, texts: Sequence[str], machines: Sequence[str]
    ) -> tuple[Instants, dict[int, WrongValueError]]:
        """Return seconds since 1970, ``UNUSABLE`` where the text is none, and why it is none.

        Args:
            texts: What is written.
            machines: Of which machine each is.
        """
        numbers = _as_numbers(texts)
        if numbers is not None:
            return numbers, {}
        found = np.empty(len(texts), dtype=np.int64)
        wrong_at: dict[int, WrongValueError] = {}
        for place, (text, machine) in enumerate(zip(texts, machines, strict=True)):
            instants = self._known.get(text)
            if instants is None:
                instants = self._known[text] = _instants(text)
            if isinstance(instants, WrongValueError):
                wrong_at[place], found[place] = instants, UNUSABLE
            else:
                found[place] = self._in_order(instants, machine)
        return found, wrong_at

    def _in_order(self, instants: tuple[int, int], machine: str) -> int:
        first, second = instants
        instant = second if first <= self._last.get(machine, UNUSABLE) else first
        self._last[machine] = instant
        return instant


def _as_numbers(texts: Sequence[str]) -> NDArray[np.int64] | None:
    """Return instants written as numbers, or nothing when one of them is not."""
    try:
        numbers = np.array(texts, dtype=np.float64)
    except ValueError:
        return None
    numbers = np.where(numbers >= _MILLISECONDS_FROM, numbers / 1000, numbers)
    if not (np.isfinite(numbers).all() and (abs(numbers) < _LATEST_S).all()):
        return None
    return np.rint(numbers).astype(np.int64)


def _instants(text: str) -> tuple[int, int] | WrongValueError:
    """Return the two instants that a text may mean, mostly the same one twice."""
    number = _as_numbers([text])
    if number is not None:
        return int(number[0]), int(number[0])
    written = _date_of(text)
    if written is None:
        return wrong("capacity.not_an_instant")
    if written.tzinfo is not None:
        instant = int(written.timestamp())
        return instant, instant
    first = written.replace(tzinfo=LOCAL_ZONE)
    if first.astimezone(UTC).astimezone(LOCAL_ZONE).replace(tzinfo=None) != written:
        return wrong("capacity.hour_skipped")
    return int(first.timestamp()), int(first.replace(fold=1).timestamp())


def _date_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for form in _FORMS:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is local by rule
        except ValueError:
            continue
    return None
