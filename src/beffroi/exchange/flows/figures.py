"""What a flow carried, as a drawing; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.exchange.flows.model import FlowMinute

STEPS: Final = 36
HEIGHT: Final = 20


class Rates(msgspec.Struct, frozen=True):
    """What a flow carried and refused over a time, in steps of equal length.

    Attributes:
        carried: Area under the steps, as the path of an SVG of ``STEPS`` by ``HEIGHT``.
        refused: The same of what was refused, to the same scale.
        most_per_minute: What the highest step stands for.
    """

    since: datetime
    until: datetime
    carried: str
    refused: str
    most_per_minute: float


def rates_of(minutes: Sequence[FlowMinute], now: datetime, over: timedelta) -> Rates:
    """Draw the minutes of the last time.

    Args:
        minutes: In order; some may be older.
        now: Where the drawing ends.
        over: How long it is.
    """
    since, step = now - over, over / STEPS
    carried, refused = [0] * STEPS, [0] * STEPS
    for one in minutes:
        place = int((one.minute - since) / step)
        if 0 <= place < STEPS:
            carried[place] += one.carried
            refused[place] += one.refused
    most = max((*carried, *refused))
    per_minute = most / (step / timedelta(minutes=1))
    return Rates(since, now, _area(carried, most), _area(refused, most), per_minute)


def _area(counts: Sequence[int], most: int) -> str:
    """Return the area under steps; nothing where there is none."""
    if not any(counts):
        return ""
    path = f"M0 {HEIGHT}"
    for count in counts:
        height = round(HEIGHT * count / most)
        path += f"V{HEIGHT - (max(1, height) if count else 0)}h1"
    return f"{path}V{HEIGHT}z"
