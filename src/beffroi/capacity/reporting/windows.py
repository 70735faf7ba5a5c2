"""Hours of the week in which workloads may be moved, in words."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from beffroi.capacity.model import HOURS_OF_WEEK
from beffroi.capacity.reporting.sheet import word
from beffroi.kernel.catalogue import Language, sentence

_HOURS: Final = 24


def told_hour(hour: int, language: Language) -> str:
    """Write an hour of the week, Monday 0 h first."""
    return f"{_day(hour // _HOURS, language)} {hour % _HOURS}\N{NO-BREAK SPACE}h"


def told_windows(hours: Sequence[int], language: Language) -> str:
    """Write hours of the week as spans, days with the same spans together."""
    if not hours or len(hours) == HOURS_OF_WEEK:
        return word(language, "any_hour")
    by_spans: defaultdict[str, list[str]] = defaultdict(list)
    for day in range(HOURS_OF_WEEK // _HOURS):
        inside = [hour % _HOURS for hour in hours if hour // _HOURS == day]
        if inside:
            by_spans[", ".join(_spans(inside))].append(_day(day, language))
    return "; ".join(f"{', '.join(days)} {spans}" for spans, days in by_spans.items())


def _spans(hours: Iterable[int]) -> list[str]:
    found: list[list[int]] = []
    for hour in sorted(hours):
        if found and found[-1][1] == hour:
            found[-1][1] = hour + 1
        else:
            found.append([hour, hour + 1])
    return [f"{begin}–{end}\N{NO-BREAK SPACE}h" for begin, end in found]  # noqa: RUF001


def _day(day: int, language: Language) -> str:
    return sentence(language, f"capacity.days.{day}")
