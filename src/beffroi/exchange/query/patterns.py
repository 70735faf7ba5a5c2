"""Regular expressions that take a time in proportion to the text, whatever they are.

They come from anybody: an engine that goes back would let one request hold a worker for hours.
This one follows every possibility at once and remembers where they led.
"""

from collections.abc import Iterable
from typing import Final

from beffroi.exchange.query.pattern_reading import Head, Machine, head_of, read_machine

_REMEMBERED_MOST: Final = 2_000


class _Situation:
    """Steps that the machine may be at, at once."""

    __slots__ = ("at_end", "edges", "found", "steps")

    def __init__(self, steps: frozenset[int], *, found: bool, at_end: bool) -> None:
        self.steps = steps
        self.found = found
        self.at_end = at_end
        self.edges: dict[str, _Situation] = {}


class Pattern:
    """An expression that is looked for anywhere in a text.

    Args:
        parameter: What the asker calls it.
        text: The expression.
        begins: Where it stands in a longer text.

    Raises:
        BadRequestDataError: It cannot be read, or is too large.
    """

    def __init__(self, parameter: str, text: str, begins: int = 0) -> None:
        self.text = text
        self._machine: Machine = read_machine(parameter, text, begins)
        self._forget()

    @property
    def head(self) -> Head:
        """How it begins."""
        return head_of(self.text)

    def found_in(self, text: str) -> bool:
        """Tell whether the text holds it."""
        situation = self._start
        for letter in text:
            if situation.found:
                return True
            following = situation.edges.get(letter)
            if following is None:
                following = self._follow(situation, letter)
            situation = following
        return situation.found or situation.at_end

    def _forget(self) -> None:
        self._known: dict[frozenset[int], _Situation] = {}
        self._edges = 0
        self._again = self._reached([self._machine.first], "")
        beginning = self._reached([self._machine.first], "^")
        self._start = self._made(beginning, "^$")

    def _situation(self, steps: frozenset[int]) -> _Situation:
        known = self._known.get(steps)
        if known is None:
            known = self._known[steps] = self._made(steps, "$")
        return known

    def _made(self, steps: frozenset[int], ends: str) -> _Situation:
        last = self._machine.last
        return _Situation(steps, found=last in steps, at_end=last in self._reached(steps, ends))

    def _follow(self, situation: _Situation, letter: str) -> _Situation:
        taken: list[int] = []
        for number in situation.steps:
            step = self._machine.steps[number]
            if step.letter is not None and step.letter(letter):
                taken += step.ways
        reached = self._reached(taken, "") | self._again
        self._edges += 1
        if self._edges > _REMEMBERED_MOST:
            self._forget()
            return self._situation(reached)
        following = situation.edges[letter] = self._situation(reached)
        return following

    def _reached(self, numbers: Iterable[int], passing: str) -> frozenset[int]:
        """Go on by every way that takes no letter, and by the anchors that are passed here."""
        reached: set[int] = set()
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number in reached:
                continue
            reached.add(number)
            step = self._machine.steps[number]
            if step.letter is None and (not step.where or step.where in passing):
                waiting += step.ways
        return frozenset(reached)
