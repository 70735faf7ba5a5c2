r"""Regular expressions read into the steps of a machine.

POSIX extended expressions and what people add to them: ``\d``, ``\w``, ``\s``, ``(?:...)``,
``(?i)`` at the beginning. What no machine without memory can decide is refused: back-references
and look-around.

Source: IEEE 1003.2, as ETSI GS CIM 009 v1.9.1 (clause 4.9) has it.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from beffroi.exchange.query.scanning import Scanner

Letter = Callable[[str], bool]
_STEPS_MOST: Final = 600
_REPEATS_MOST: Final = 255
_CLASSES: Final[dict[str, Letter]] = {
    "alpha": str.isalpha,
    "digit": lambda one: one in "0123456789",
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda one: one in " \t",
    "punct": lambda one: one.isascii() and one.isprintable() and not one.isalnum() and one != " ",
    "xdigit": lambda one: one in "0123456789abcdefABCDEF",
    "print": str.isprintable,
    "graph": lambda one: one.isprintable() and not one.isspace(),
    "cntrl": lambda one: not one.isprintable(),
}
_ESCAPES: Final[dict[str, Letter]] = {
    "d": str.isdecimal,
    "w": lambda one: one == "_" or one.isalnum(),
    "s": str.isspace,
}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}


class Step(msgspec.Struct):
    """A step of the machine: takes a letter, or leads on by itself.

    Attributes:
        letter: Which letters it takes; None where it takes none.
        ways: Numbers of the steps that follow.
        where: "^" and "$" let through at the beginning and at the end alone.
    """

    letter: Letter | None = None
    ways: list[int] = []
    where: str = ""


class Machine(msgspec.Struct, frozen=True):
    """Steps; the first is where it starts, the last where it has found what it looks for."""

    steps: list[Step]
    first: int
    last: int


class Head(msgspec.Struct, frozen=True):
    """What every text that an expression finds has to hold.

    Attributes:
        anchored: It begins with ``literal``.
        literal: It holds this.
        rest: What follows ``literal`` in the expression.
    """

    anchored: bool
    literal: str
    rest: str


def read_machine(parameter: str, text: str, begins: int) -> Machine:
    """Read an expression.

    Raises:
        BadRequestDataError: It cannot be read, or takes more than 600 steps.
    """
    return _Reader(Scanner(parameter, text, begins)).machine()


def head_of(text: str) -> Head:
    """Tell how a readable expression begins."""
    anchored = text.startswith("^")
    rest = text[1:] if anchored else text
    if "|" in rest or rest.startswith("(?i)"):
        return Head(anchored=False, literal="", rest=text)
    literal = ""
    while rest and rest[0] not in "\\^$.[]|()?*+{}":
        literal, rest = literal + rest[0], rest[1:]
    if literal and rest[:1] in {"?", "*", "+", "{"}:
        literal, rest = literal[:-1], literal[-1] + rest
    return Head(anchored, literal, rest)


class _Reader:
    """Reads one expression, making steps as it goes; a piece is where it begins and ends."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._steps: list[Step] = []
        self._any_case = False

    def machine(self) -> Machine:
        """Read the whole."""
        self._any_case = self._scanner.takes("(?i)")
        first, last = self._either()
        if self._scanner.at < len(self._scanner.text):
            raise self._scanner.mistake("exchange.pattern_unexpected")
        return Machine(self._steps, first, last)

    def _step(self, letter: Letter | None = None, where: str = "") -> int:
        if len(self._steps) >= _STEPS_MOST:
            raise self._scanner.mistake("exchange.pattern_too_large", at=0, most=_STEPS_MOST)
        self._steps.append(Step(letter, [], where))
        return len(self._steps) - 1

    def _link(self, start: int, end: int) -> None:
        self._steps[start].ways.append(end)

    def _either(self) -> tuple[int, int]:
        pieces = [self._sequence()]
        while self._scanner.takes("|"):
            pieces.append(self._sequence())
        if len(pieces) == 1:
            return pieces[0]
        first, last = self._step(), self._step()
        for start, end in pieces:
            self._link(first, start)
            self._link(end, last)
        return first, last

    def _sequence(self) -> tuple[int, int]:
        first = last = self._step()
        while self._scanner.at < len(self._scanner.text) and self._scanner.text[
            self._scanner.at
        ] not in {"|", ")"}:
            start, end = self._repeated()
            self._link(last, start)
            last = end
        return first, last

    def _repeated(self) -> tuple[int, int]:
        begun = self._scanner.at
        piece = self._atom()
        after_atom = self._scanner.at
        least, most = self._repeats()
        if self._scanner.at == after_atom:
            return piece
        after = self._scanner.at
        self._scanner.takes("?")
        if self._scanner.text[self._scanner.at : self._scanner.at + 1] in {"*", "+", "?"}:
            raise self._scanner.mistake("exchange.pattern_repeated_twice")
        resume = self._scanner.at
        first = last = self._step()
        for number in range(max(least, 1 if most is None else most)):
            start, end = piece
            if number:
                self._scanner.at = begun
                start, end = self._atom()
            self._link(last, start)
            over = self._step()
            self._link(end, over)
            if number >= least:
                self._link(last, over)
            if most is None and number == max(least, 1) - 1:
                self._link(over, start)
            last = over
        self._scanner.at = max(after, resume)
        return first, last

    def _repeats(self) -> tuple[int, int | None]:
        scanner = self._scanner
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if scanner.takes(sign):
                return bounds
        if not scanner.sees("{"):
            return 1, 1
        begun = scanner.at
        body, closed, _ = scanner.text[begun + 1 :].partition("}")
        low, comma, high = body.partition(",")
        if not closed or not low.isdecimal() or (high and not high.isdecimal()):
            raise scanner.mistake("exchange.pattern_repeat_unreadable")
        scanner.at = begun + len(body) + 2
        least, most = int(low[:4]), int(high[:4] or 0) if high else None
        if not comma:
            most = least
        if max(least, most or 0) > _REPEATS_MOST or (most is not None and most < least):
            raise scanner.mistake("exchange.pattern_repeat_range", at=begun, most=_REPEATS_MOST)
        return least, most

    def _atom(self) -> tuple[int, int]:
        scanner = self._scanner
        sign = scanner.text[scanner.at]
        if sign in "*+?{":
            raise scanner.mistake("exchange.pattern_nothing_repeated")
        if sign == "(":
            return self._group()
        scanner.at += 1
        if sign in "^$":
            return self._piece(where=sign)
        if sign == ".":
            return self._piece(lambda one: one != "\n")
        if sign == "[":
            return self._piece(self._cased(self._bracket()))
        if sign == "\\":
            return self._piece(self._cased(self._escape()))
        return self._piece(self._cased(sign.__eq__))

    def _piece(self, letter: Letter | None = None, where: str = "") -> tuple[int, int]:
        start, end = self._step(letter, where), self._step()
        self._link(start, end)
        return start, end

    def _cased(self, letter: Letter) -> Letter:
        if not self._any_case:
            return letter
        return lambda one: letter(one.lower()) or letter(one.upper())

    def _group(self) -> tuple[int, int]:
        scanner = self._scanner
        begun = scanner.at
        scanner.at += 1
        if scanner.takes("?") and not scanner.takes(":"):
            raise scanner.mistake("exchange.pattern_group_refused", at=begun)
        scanner.enter()
        piece = self._either()
        if not scanner.takes(")"):
            raise scanner.mistake("exchange.asked_sign_expected", sign=")")
        scanner.leave()
        return piece

    def _escape(self) -> Letter:
        sign = self._scanner.text[self._scanner.at : self._scanner.at + 1]
        self._scanner.at += 1
        if sign in _CONTROLS:
            return _CONTROLS[sign].__eq__
        known = _ESCAPES.get(sign.lower())
        if known is not None:
            return known if sign.islower() else lambda one: not known(one)
        if not sign or sign.isalnum():
            raise self._scanner.mistake("exchange.pattern_escape_refused", at=self._scanner.at - 2)
        return sign.__eq__

    def _bracket(self) -> Letter:
        scanner = self._scanner
        begun = scanner.at - 1
        refuses = scanner.takes("^")
        tests: list[Letter] = []
        singles: set[str] = set()
        while (not tests and not singles) or not scanner.takes("]"):
            if scanner.at >= len(scanner.text):
                raise scanner.mistake("exchange.pattern_bracket_open", at=begun)
            self._bracket_part(tests, singles)
        listed = tuple(tests)
        taken = frozenset(singles)
        return lambda one: (one in taken or any(test(one) for test in listed)) is not refuses

    def _bracket_part(self, tests: list[Letter], singles: set[str]) -> None:
        scanner = self._scanner
        if scanner.takes("[:"):
            name, closed, _ = scanner.text[scanner.at :].partition(":]")
            if not closed or name not in _CLASSES:
                raise scanner.mistake("exchange.pattern_class_unknown", known=", ".join(_CLASSES))
            scanner.at += len(name) + 2
            tests.append(_CLASSES[name])
            return
        low = scanner.text[scanner.at]
        scanner.at += 1
        if low == "\\":
            tests.append(self._escape())
            return
        following = scanner.text[scanner.at : scanner.at + 2]
        if len(following) == 2 and following[0] == "-" and following[1] not in "]\\[":
            high = following[1]
            if high < low:
                raise scanner.mistake("exchange.pattern_range_backwards", at=scanner.at - 1)
            scanner.at += 2
            tests.append(lambda one: low <= one <= high)
            return
        singles.add(low)
