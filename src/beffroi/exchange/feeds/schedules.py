"""When a source is asked again."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

_PERIOD: Final = re.compile(r"([0-9]{1,6})\s*(s|min|h)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3_600}
_CRON_FIELDS: Final = 5
_SHORTEST_S: Final = 1
_LONGEST_S: Final = 366 * 86_400
_ANY_MOMENT: Final = datetime(2024, 1, 1, tzinfo=UTC)


def is_schedule(told: str) -> bool:
    """Tell whether a text says when: a period of a second to a year, or five fields of cron."""
    try:
        next_time(told, _ANY_MOMENT)
    except ValueError:
        return False
    return True


def next_time(told: str, after: datetime) -> datetime:
    """Return when a source is asked next.

    Args:
        told: As ``5 min``, or ``0 6 * * 1-5``, which is in UTC.
        after: When it was asked last.

    Raises:
        ValueError: It says nothing of that kind.
    """
    if (period := _PERIOD.fullmatch(told.strip())) is not None:
        seconds = int(period[1]) * _SECONDS[period[2]]
        if not _SHORTEST_S <= seconds <= _LONGEST_S:
            raise ValueError(told)
        return after + timedelta(seconds=seconds)
    if len(told.split()) != _CRON_FIELDS:
        raise ValueError(told)
    try:
        return next(CronSim(told, after))
    except (CronSimError, StopIteration) as error:
        raise ValueError(told) from error
