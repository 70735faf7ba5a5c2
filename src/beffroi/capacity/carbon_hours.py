"""The hourly carbon intensity of a grid, as the shape of a week: when a kWh weighs more."""

from collections.abc import Iterable
from datetime import datetime
from math import fsum, isfinite
from zoneinfo import ZoneInfo

from beffroi.capacity.model import HOURS_OF_WEEK
from beffroi.kernel.errors import InvalidInputError

FLAT: tuple[float, ...] = (1.0,) * HOURS_OF_WEEK


def week_shape(readings: Iterable[tuple[datetime, float]], zone: ZoneInfo) -> tuple[float, ...]:
    """Return how each hour of the week compares with all of them, 1 on average.

    A year with gaps is welcome: each hour of the week is the mean of its readings. What a year's
    series says of the level is left out, since published levels differ by four; the shape is
    multiplied by a yearly factor that has its own source.

    Args:
        readings: An aware time in each hour, and grams of CO2 equivalent per kWh.
        zone: Where the hours of the week are counted.

    Raises:
        InvalidInputError: A reading is below 0 or no number, or an hour of the week has none.
    """
    by_hour: list[list[float]] = [[] for _ in range(HOURS_OF_WEEK)]
    for at, grams in readings:
        if not (isfinite(grams) and grams >= 0):
            raise InvalidInputError("capacity.intensity_absurd", at=at.isoformat(), value=grams)
        local = at.astimezone(zone)
        by_hour[local.weekday() * 24 + local.hour].append(grams)
    return shape_of([fsum(one) / len(one) if one else None for one in by_hour])


def shape_of(week: Iterable[float | None]) -> tuple[float, ...]:
    """Divide the 168 hours of a week, from Monday 0 h, by their mean.

    Raises:
        InvalidInputError: An hour has no value, there are not 168, or all are 0.
    """
    hours = list(week)
    known = [hour for hour in hours if hour is not None and hour >= 0]
    if len(hours) != HOURS_OF_WEEK or len(known) != HOURS_OF_WEEK:
        raise InvalidInputError("capacity.intensity_hours_missing", known=len(known))
    total = fsum(known)
    if total == 0:
        raise InvalidInputError("capacity.intensity_all_zero")
    return tuple(hour * HOURS_OF_WEEK / total for hour in known)
