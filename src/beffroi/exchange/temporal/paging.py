"""What of history fits into one answer, and how far that goes; pure.

Source: ETSI GS CIM 009 v1.9.1, clause 6.3.10.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from beffroi.exchange.errors import TooComplexQueryError
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.temporal.model import Cut, Selection

RowT = TypeVar("RowT")


def fitting(
    rows: Sequence[RowT], time_of: Callable[[RowT], datetime], most: int
) -> tuple[Sequence[RowT], bool]:
    """Return the rows that an answer holds, and whether others follow.

    What follows starts at a time that the answer has nothing of: none is lost, none comes twice.

    Args:
        rows: In the order of their times, one more than fit where others follow.
        time_of: Tells the time of one.
        most: How many fit.

    Raises:
        TooComplexQueryError: More have the same time than fit.
    """
    if len(rows) <= most:
        return rows, False
    first_left = time_of(rows[most])
    kept = [row for row in rows[:most] if time_of(row) != first_left]
    if not kept:
        raise TooComplexQueryError(
            "exchange.too_many_at_once", most=most, at=written_instant(first_left)
        )
    return kept, True


def cut_of(times: Sequence[datetime], selection: Selection) -> Cut:
    """Tell the range of times that an answer covers which could not hold all.

    Args:
        times: Of what it holds.
        selection: What was asked for.
    """
    asked = selection.times
    if selection.last is not None:
        return Cut(asked.high or max(times), min(times), selection.last, {})
    return Cut(asked.low or min(times), max(times), None, {})


def content_range(cut: Cut) -> str:
    """Write the range for the header Content-Range."""
    start, end = written_instant(cut.start), written_instant(cut.end)
    return f"date-time {start}-{end}/{'*' if cut.size is None else cut.size}"
