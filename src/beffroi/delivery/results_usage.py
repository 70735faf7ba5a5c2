"""What was taken between two readings of counters; pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from beffroi.delivery.visits import SLOT_S, VisitCounts
from beffroi.kernel.counters import Counter, Gain, gained, slot_parts

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

    Only the very first readings of all count for nothing. A counter goes back within its run when
    it is read while a process hands its time to its parent. What was taken between two readings
    is spread evenly over the time between them.
    """
    watched_since = max((reading.at for reading in earlier.values()), default=None)
    for reading in later:
        known = earlier.get(reading.subject)
        cpu = gained(
            Counter(known.run, known.cpu_s, known.at) if known else None,
            Counter(reading.run, reading.cpu_s, reading.at),
            watched_since,
        )
        energy = gained(
            Counter(known.run, known.joules, known.at) if known else None,
            Counter(reading.run, reading.joules, reading.at),
            watched_since,
        )
        if cpu is not None and energy is not None:
            yield from _spread(reading, cpu, energy.amount)


def _spread(reading: UsageReading, cpu: Gain, joules: float) -> Iterator[SlotUsage]:
    for slot in slot_parts(cpu.since, reading.at, SLOT_S):
        yield SlotUsage(
            reading.subject,
            reading.organisation,
            slot.start,
            cpu.amount * slot.part,
            reading.memory_bytes * slot.inside_s,
            slot.inside_s,
            joules * slot.part,
        )
