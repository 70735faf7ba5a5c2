"""From readings of meters to records of use, each joule and second once; pure.

Amounts are whole numbers of fine units (microseconds, millijoules, MiB times milliseconds): what
is divided between minutes adds up exactly, and a sum is the same in whatever order it is made.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.energy.model import PowerModel
from beffroi.energy.ports import MeterCapabilities
from beffroi.kernel.counters import Continuity, Counter, Gain, gained

# Held values are not stretched over a longer silence, and counters fall into hours instead.
LONGEST_MINUTE_BY_MINUTE: Final = timedelta(hours=2)
LONGEST_GAP: Final = timedelta(days=40)
# Where nobody tells when a run began it is taken to be between two rounds, a minute apart.
_LONGEST_NEW_RUN: Final = timedelta(minutes=2)
# Ticks of the kernel and the time that reading takes make short gains look fast.
_SLACK_S: Final = 5.0
# The bounds of what a territory may declare, and links of 100 Gbit/s.
_MOST_CPUS: Final = 4096.0
_MOST_BYTES: Final = 10_000_000 * 2.0**30
_MOST_BYTES_PER_S: Final = 12.5e9
_MOST_REQUESTS_PER_S: Final = 1e6
# Published power curves err by a third; disks and cards that they leave out may double it.
_MOST_POWER: Final = 3.0


class Meter(StrEnum):
    """What is read of an application, or of a host."""

    CPU_S = "cpu_s"
    MEMORY_BYTES = "memory_bytes"
    STORAGE_BYTES = "storage_bytes"
    DATABASE_BYTES = "database_bytes"
    BACKUP_BYTES = "backup_bytes"
    TRAFFIC_BYTES = "traffic_bytes"
    REQUESTS = "requests"
    HOST_CPU_S = "host_cpu_s"
    HOST_ENERGY_J = "host_energy_j"


HELD: Final = frozenset(
    {Meter.MEMORY_BYTES, Meter.STORAGE_BYTES, Meter.DATABASE_BYTES, Meter.BACKUP_BYTES}
)
# Their totals are kept for ever: what the first one read shows may be years old.
_NEVER_ANEW: Final = frozenset({Meter.TRAFFIC_BYTES, Meter.REQUESTS})
_FINE: Final[Mapping[Meter, int]] = {
    Meter.CPU_S: 1_000_000,
    Meter.HOST_CPU_S: 1_000_000,
    Meter.HOST_ENERGY_J: 1000,
}


class MeterReading(msgspec.Struct, frozen=True):
    """What a meter shows now.

    Attributes:
        subject: An application, or a host.
        organisation: Whose the application is; empty for a host.
        run: What a counter counts for: another run begins at 0. What is held has runs too where
            it begins and ends, as memory does.
        value: Of a counter what it shows, of the others what is held now.
        began_at: When the run began, where that is known.
    """

    subject: str
    organisation: str
    meter: Meter
    run: str
    value: float
    at: datetime
    began_at: datetime | None = None


class KeptReading(msgspec.Struct, frozen=True):
    """A meter as read last, in fine units.

    Attributes:
        doubted_value, doubted_at: A later reading that seemed absurd: the next one tells whether
            it was (then it is left out) or whether the counter jumped (then the jump is).
    """

    subject: str
    meter: Meter
    run: str
    value: int
    at: datetime
    doubted_value: int | None = None
    doubted_at: datetime | None = None


MeterKey = tuple[str, Meter]


class Doubt(StrEnum):
    """Why a reading was put aside."""

    NO_QUANTITY = "no_quantity"
    TOO_MUCH = "too_much"
    TOO_FAST = "too_fast"
    TOO_LATE = "too_late"


class SuspectReading(msgspec.Struct, frozen=True):
    """A reading that cannot be, and what was read before."""

    reading: MeterReading
    before: float | None
    reason: Doubt


class MeteredTenant(msgspec.Struct, frozen=True):
    """An application that stands on a host, whether it runs or rests."""

    application: str
    organisation: str
    reserved_mib: int


class MeteredHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host whose energy is divided between its applications.

    Attributes:
        meter: What the meter that its readings come from can tell.
    """

    name: str
    power: PowerModel
    cpus: int
    memory_mib: int
    tenants: tuple[MeteredTenant, ...]
    meter: MeterCapabilities | None = None

    @property
    def most_w(self) -> float:
        """The power above which a reading is absurd."""
        return (self.power.idle_w() + self.power.marginal_w(1)).high * _MOST_POWER


class MeterGain(msgspec.Struct, frozen=True):
    """What one meter gave since it was read before: a gain, or what was held all the while."""

    reading: MeterReading
    amount: int
    since: datetime
    continuity: Continuity

    @property
    def until(self) -> datetime:
        """When it was read."""
        return self.reading.at


class MeterRound(msgspec.Struct, frozen=True):
    """What a round of readings comes to.

    Attributes:
        kept: What to keep of each meter that was read.
    """

    gains: tuple[MeterGain, ...]
    kept: tuple[KeptReading, ...]
    suspects: tuple[SuspectReading, ...]


class _Judged(msgspec.Struct, frozen=True):
    kept: KeptReading | None = None
    gain: MeterGain | None = None
    suspect: SuspectReading | None = None


def read_round(
    earlier: Mapping[MeterKey, KeptReading],
    readings: Iterable[MeterReading],
    hosts: Sequence[MeteredHost],
) -> MeterRound:
    """Tell what each meter gave since it was read before."""
    watched: dict[Meter, datetime] = {}
    for kept in earlier.values():
        watched[kept.meter] = max(kept.at, watched.get(kept.meter, kept.at))
    bounds = _Bounds(hosts)
    judged = [
        _judged(
            earlier.get((reading.subject, reading.meter)),
            reading,
            watched.get(reading.meter),
            bounds,
        )
        for reading in readings
    ]
    return MeterRound(
        gains=tuple(one.gain for one in judged if one.gain is not None),
        kept=tuple(one.kept for one in judged if one.kept is not None),
        suspects=tuple(one.suspect for one in judged if one.suspect is not None),
    )


class _Bounds:
    """The most that a meter can show: of what is held at once, of what is counted in a second."""

    def __init__(self, hosts: Sequence[MeteredHost]) -> None:
        self._hosts = {host.name: host for host in hosts}
        cpus = max((float(host.cpus) for host in hosts), default=_MOST_CPUS)
        memory = max((host.memory_mib * 2.0**20 for host in hosts), default=_MOST_BYTES)
        self._most = {
            Meter.CPU_S: cpus,
            Meter.MEMORY_BYTES: memory,
            Meter.TRAFFIC_BYTES: _MOST_BYTES_PER_S,
            Meter.REQUESTS: _MOST_REQUESTS_PER_S,
        }

    def most(self, reading: MeterReading) -> float:
        host = self._hosts.get(reading.subject)
        match reading.meter:
            case Meter.HOST_CPU_S:
                return float(host.cpus) if host else _MOST_CPUS
            case Meter.HOST_ENERGY_J:
                return host.most_w if host else math.inf
        return self._most.get(reading.meter, _MOST_BYTES)


def _judged(
    kept: KeptReading | None,
    reading: MeterReading,
    watched_since: datetime | None,
    bounds: _Bounds,
) -> _Judged:
    if not (math.isfinite(reading.value) and 0 <= reading.value < 2**63 / _fine(reading.meter)):
        return _Judged(suspect=_suspect(kept, reading, Doubt.NO_QUANTITY))
    if reading.meter in HELD:
        return _held(kept, reading, watched_since, bounds.most(reading))
    return _counted(kept, reading, watched_since, bounds.most(reading))


def _held(
    kept: KeptReading | None,
    reading: MeterReading,
    watched_since: datetime | None,
    most_bytes: float,
) -> _Judged:
    if reading.value > most_bytes:
        return _Judged(suspect=_suspect(kept, reading, Doubt.TOO_MUCH))
    now = _kept(reading)
    goes_on = kept is not None and kept.run == reading.run
    since = kept.at if kept is not None and goes_on else _begun(reading, watched_since)
    if since is None or reading.at - since > LONGEST_MINUTE_BY_MINUTE:
        return _Judged(now)
    continuity = Continuity.GOES_ON if goes_on else Continuity.BEGAN_ANEW
    begun = since if goes_on else _new_run_since(reading, since)
    held_ms = max(0.0, (reading.at - begun).total_seconds() * 1000)
    amount = round(reading.value * held_ms / 2**20)
    return _Judged(now, MeterGain(reading, amount, begun, continuity))


def _counted(
    kept: KeptReading | None,
    reading: MeterReading,
    watched_since: datetime | None,
    most_per_s: float,
) -> _Judged:
    now = _kept(reading)
    later = Counter(now.run, now.value, now.at)
    earlier = Counter(kept.run, kept.value, kept.at) if kept is not None else None
    found = gained(earlier, later, _begun(reading, watched_since))
    if found is None or (kept is None and reading.meter in _NEVER_ANEW):
        return _Judged(now)
    if abs(now.at - found.since) > LONGEST_GAP:
        return _Judged(now, suspect=_suspect(kept, reading, Doubt.TOO_LATE))
    most = most_per_s * _fine(reading.meter)
    if not _too_fast(found, now.at, most):
        return _Judged(now, _gain(reading, found))
    if kept is None or found.continuity is not Continuity.GOES_ON:
        return _Judged(now, suspect=_suspect(kept, reading, Doubt.TOO_FAST))
    if kept.doubted_value is not None and kept.doubted_at is not None:
        doubted = Counter(kept.run, kept.doubted_value, kept.doubted_at)
        again = gained(doubted, later, None)
        if again and again.continuity is Continuity.GOES_ON and not _too_fast(again, now.at, most):
            return _Judged(now, _gain(reading, again))
    put_aside = msgspec.structs.replace(kept, doubted_value=now.value, doubted_at=now.at)
    return _Judged(put_aside, suspect=_suspect(kept, reading, Doubt.TOO_FAST))


def _begun(reading: MeterReading, watched_since: datetime | None) -> datetime | None:
    """Return since when a run that was not read before may have been watched."""
    if watched_since is None or reading.began_at is None:
        return watched_since
    return max(watched_since, min(reading.began_at, reading.at))


def _new_run_since(reading: MeterReading, since: datetime) -> datetime:
    return since if reading.began_at is not None else max(since, reading.at - _LONGEST_NEW_RUN)


def _too_fast(gain: Gain, at: datetime, most_per_s: float) -> bool:
    return gain.amount > most_per_s * (max(0.0, (at - gain.since).total_seconds()) + _SLACK_S)


def _gain(reading: MeterReading, found: Gain) -> MeterGain:
    return MeterGain(reading, int(found.amount), found.since, found.continuity)


def _kept(reading: MeterReading) -> KeptReading:
    value = round(reading.value * _fine(reading.meter))
    return KeptReading(reading.subject, reading.meter, reading.run, value, reading.at)


def _suspect(kept: KeptReading | None, reading: MeterReading, reason: Doubt) -> SuspectReading:
    before = kept.value / _fine(reading.meter) if kept else None
    return SuspectReading(reading, before, reason)


def _fine(meter: Meter) -> int:
    return _FINE.get(meter, 1)


def running_since(gain: MeterGain) -> datetime:
    """Tell since when a subject ran whose CPU time this is."""
    if gain.continuity is Continuity.BEGAN_ANEW:
        return _new_run_since(gain.reading, gain.since)
    return gain.since
