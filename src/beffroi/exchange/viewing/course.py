"""The course of numbers over a day, a week, a month or a year, as it is drawn; pure.

Each step of the time has the mean of what was measured in it, and its least and most.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final, Self

import msgspec

from beffroi.exchange.model import Iri
from beffroi.exchange.viewing.figures import short, told_number, told_quantity, told_unit
from beffroi.kernel.catalogue import Language

WIDTH: Final = 300
HEIGHT: Final = 100
STEPS_MOST: Final = 96
_MARGIN: Final = 2
_GAP: Final = 2.5
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_OLDEST: Final = datetime(1000, 1, 1, tzinfo=UTC)
_NEWEST: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Span(StrEnum):
    """How long a course is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


# How long a step is, how many there are, and what the time begins with a whole number of: figures
# of hours and days that were reckoned before answer for what begins with one.
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_STEPS: Final = {
    Span.DAY: (15 * _MINUTE, 96, 15 * _MINUTE),
    Span.WEEK: (2 * _HOUR, 84, _HOUR),
    Span.MONTH: (8 * _HOUR, 93, _HOUR),
    Span.YEAR: (4 * _DAY, 92, _DAY),
}


class Window(msgspec.Struct, frozen=True):
    """The time of a course; ``until`` is not in it."""

    span: Span
    until: datetime

    @classmethod
    def around(cls, span: Span, latest: datetime) -> Self:
        """Return the window that ends with a moment, of the years 1000 to 9000."""
        unit = _STEPS[span][2]
        latest = min(max(latest, _OLDEST), _NEWEST)
        return cls(span, latest - (latest - _EPOCH) % unit + unit)

    @property
    def step(self) -> timedelta:
        """Return how long a step is."""
        return _STEPS[self.span][0]

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return self.step * _STEPS[self.span][1]

    @property
    def since(self) -> datetime:
        """Return when it begins."""
        return self.until - self.length


class Step(msgspec.Struct, frozen=True):
    """What was measured in a step.

    Attributes:
        at: When it begins.
        count: How many numbers.
    """

    at: datetime
    mean: float
    least: float
    most: float
    count: int


class ToldStep(msgspec.Struct, frozen=True):
    """A step as people read it, without the unit.

    Attributes:
        x: Where it begins in the drawing.
    """

    at: datetime
    x: int
    mean: str
    least: str
    most: str
    count: int


class Course(msgspec.Struct, frozen=True):
    """A course as it is drawn.

    Attributes:
        line: Of the means, in a space of 300 by 100; interrupted where nothing was measured.
        band: Between the least and the most of each step; "" where they are one everywhere.
        least: Of all, with the unit; so is ``most``.
        steps: In words.
        step_width: Of a step in the drawing.
    """

    iri: Iri
    name: str
    unit: str
    line: str
    band: str
    count: int
    least: str
    most: str
    steps: tuple[ToldStep, ...]
    step_width: int


def courses(
    measured: Mapping[Iri, Sequence[Step]],
    units: Mapping[Iri, str],
    window: Window,
    language: Language,
) -> list[Course]:
    """Draw each attribute's steps, which are in order.

    Args:
        measured: By attribute; one without steps is left out.
        units: Their UN/CEFACT codes.
        window: Which time the drawing shows.
        language: Of the numbers.
    """
    return [
        _course(iri, steps, units.get(iri, ""), window, language)
        for iri, steps in measured.items()
        if steps
    ]


def steps_csv(steps: Sequence[Step], unit_code: str) -> str:
    """Write steps as CSV: times in UTC, numbers in full, with the code of their unit."""
    lines = ["from,mean,least,most,count,unitCode"]
    lines += [
        f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ},{one.mean},{one.least},{one.most},{one.count},"
        f"{_cell(unit_code)}"
        for one in steps
    ]
    return "\r\n".join(lines) + "\r\n"


def _cell(text: str) -> str:
    """Write a text as a cell that no table takes for a formula."""
    safe = f"'{text}" if text[:1] in _FORMULA else text
    return '"' + safe.replace('"', '""') + '"' if safe else ""


def _course(
    iri: Iri, steps: Sequence[Step], unit: str, window: Window, language: Language
) -> Course:
    least, most = min(one.least for one in steps), max(one.most for one in steps)
    runs = [_placed(run, window, least, most) for run in _runs(steps, window)]
    ranges = any(one.least < one.most for one in steps)
    return Course(
        iri=iri,
        name=short(iri),
        unit=told_unit(unit),
        line="".join(_line(run) for run in runs),
        band="".join(_band(run) for run in runs) if ranges else "",
        count=sum(one.count for one in steps),
        least=told_quantity(least, unit, language),
        most=told_quantity(most, unit, language),
        steps=tuple(
            ToldStep(
                one.at,
                max(0, int((one.at - window.since) / window.length * WIDTH)),
                told_number(one.mean, language),
                told_number(one.least, language),
                told_number(one.most, language),
                one.count,
            )
            for one in steps
        ),
        step_width=math.ceil(window.step / window.length * WIDTH),
    )


def _runs(steps: Sequence[Step], window: Window) -> list[list[Step]]:
    """Part steps where more time passed than two and a half times what usually does."""
    apart = [later.at - one.at for one, later in pairwise(steps)]
    usual_s = median(one.total_seconds() for one in apart) if apart else 0.0
    gap = _GAP * max(timedelta(seconds=usual_s), window.step)
    runs = [[steps[0]]]
    for passed, one in zip(apart, steps[1:], strict=True):
        if passed > gap:
            runs.append([])
        runs[-1].append(one)
    return runs


class _Spot(msgspec.Struct, frozen=True):
    x: int
    mean: int
    low: int
    high: int


def _placed(run: Sequence[Step], window: Window, least: float, most: float) -> list[_Spot]:
    def height(value: float) -> int:
        share = (most - value) / (most - least) if most > least else 0.5
        return round(share * (HEIGHT - 2 * _MARGIN)) + _MARGIN

    return [
        _Spot(
            round((one.at + window.step / 2 - window.since) / window.length * WIDTH),
            *(height(value) for value in (one.mean, one.least, one.most)),
        )
        for one in run
    ]


def _line(run: Sequence[_Spot]) -> str:
    if len(run) == 1:
        return f"M{run[0].x} {run[0].mean}h0"
    return "M" + "L".join(f"{one.x} {one.mean}" for one in run)


def _band(run: Sequence[_Spot]) -> str:
    """Return the area between least and most; of a step alone, a bar."""
    upper = [f"{one.x} {one.high}" for one in run]
    lower = [f"{one.x} {one.low}" for one in reversed(run)]
    if len(run) == 1:
        return f"M{upper[0]}h1V{run[0].low}h-1z"
    return f"M{'L'.join(upper + lower)}z"
