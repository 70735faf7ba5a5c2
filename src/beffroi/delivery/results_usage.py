"""What was taken between two readings of counters; pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from beffroi.delivery.visits import SLOT_S, VisitCounts, slot_start

# Everything that was counted of: kept beside its parts, so that a site's share is found quickly.
ALL: Final = "_all"
HOST: Final = "_host"
NGINX: Final = "_nginx"
FILLER: Final = "_filler"
POSTGRESQL: Final = "_postgresql"


class UsageReading(msgspec.Struct, frozen=True):
    """Counters of an application or of a part of the platform, as read.

    Attributes:
        organisation: Empty for a part of the platform.
        run: What its counters count for: another run begins at 0.
        cpu_s: CPU time since the run began.
        memory_bytes: What it holds now.
        joules: Energy since the run began; 0 without a meter.
    """

    subject: str
    organisation: str
    run: str
    at: datetime
    cpu_s: float
    memory_bytes: int
    joules: float = 0.0


class SlotUsage(msgspec.Struct, frozen=True):
    """What a subject took in one slot."""

    subject: str
    organisation: str
    slot: datetime
    cpu_s: float
    memory_byte_s: float
    running_s: float
    joules: float


class SlotFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of an application, and all of the machine's that it is a part of.

    Attributes:
        observed_s: How long anybody looked.
        all_origin: Requests of all applications that the filler or an origin answered.
        all_memory_byte_s: Of applications and parts of the platform.
    """

    slot: datetime
    counts: VisitCounts
    cpu_s: float
    memory_byte_s: float
    running_s: float
    nginx_cpu_s: float
    filler_cpu_s: float
    postgresql_cpu_s: float
    host_cpu_s: float
    host_joules: float
    observed_s: float
    all_requests: int
    all_bytes: int
    all_origin: int
    all_memory_byte_s: float


def usage_deltas(
    earlier: Mapping[str, UsageReading], later: Iterable[UsageReading]
) -> Iterator[SlotUsage]:
    """Give what each subject took since the earlier readings, by slot.

    The counter of another run began anew: all it shows was taken since. So was that of a subject
    which was not there before; only the very first readings of all count for nothing, as nobody
    knows since when these counters run. One that goes back within its run was read while a
    process handed its time to its parent: nothing is counted, and the next reading goes on from
    there. What was taken between two readings is spread evenly over the time between them.
    """
    before = max((reading.at for reading in earlier.values()), default=None)
    if before is None:
        return
    for reading in later:
        known = earlier.get(reading.subject)
        since = before if known is None else known.at
        goes_on = known is not None and known.run == reading.run
        yield from _spread(
            reading,
            since,
            max(0.0, reading.cpu_s - (known.cpu_s if known and goes_on else 0.0)),
            max(0.0, reading.joules - (known.joules if known and goes_on else 0.0)),
        )


def _spread(
    reading: UsageReading, since: datetime, cpu_s: float, joules: float
) -> Iterator[SlotUsage]:
    """Divide between slots in proportion to time; all to the last one when the clock went back."""
    duration_s = (reading.at - since).total_seconds()
    begin = slot_start(since) if duration_s > 0 else slot_start(reading.at)
    while begin <= reading.at:
        end = begin + timedelta(seconds=SLOT_S)
        if duration_s > 0:
            inside_s = (min(end, reading.at) - max(begin, since)).total_seconds()
            part = inside_s / duration_s
        else:
            inside_s, part = 0.0, 1.0
        if part > 0:
            yield SlotUsage(
                reading.subject,
                reading.organisation,
                begin,
                cpu_s * part,
                reading.memory_bytes * inside_s,
                inside_s,
                joules * part,
            )
        begin = end
