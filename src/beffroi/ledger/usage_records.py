"""From what meters gave to records of minutes, energy included; pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from beffroi.kernel.counters import Continuity, SlotPart, slot_parts, whole_shares
from beffroi.ledger.attribution import (
    Attribution,
    HostLoad,
    MeasuredEnergy,
    TenantLoad,
    attributed,
)
from beffroi.ledger.metering import (
    LONGEST_MINUTE_BY_MINUTE,
    Meter,
    MeteredHost,
    MeterGain,
    running_since,
)
from beffroi.ledger.usage_sums import HostEnergy

MINUTE_S: Final = 60
_HOUR_S: Final = 3600
# Readings of one round are taken within this time.
_ROUND_S: Final = 5
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIELDS: Final[Mapping[Meter, str]] = {
    Meter.CPU_S: "cpu_us",
    Meter.MEMORY_BYTES: "memory_mib_ms",
    Meter.STORAGE_BYTES: "storage_mib_ms",
    Meter.DATABASE_BYTES: "database_mib_ms",
    Meter.BACKUP_BYTES: "backup_mib_ms",
    Meter.TRAFFIC_BYTES: "traffic_bytes",
    Meter.REQUESTS: "requests",
}


class UsageRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What an application used in a minute.

    Attributes:
        minutes: How many minutes of it are known whole; none after a silence of hours, in which
            what was held is not known.
        modelled: Whether a part of its energy comes from a model.
    """

    application: str
    organisation: str
    minute: datetime
    minutes: int
    cpu_us: int = 0
    memory_mib_ms: int = 0
    storage_mib_ms: int = 0
    database_mib_ms: int = 0
    backup_mib_ms: int = 0
    traffic_bytes: int = 0
    requests: int = 0
    running_ms: int = 0
    marginal_mj: int = 0
    idle_mj: int = 0
    modelled: bool = False


class HostEnergyRecord(HostEnergy, frozen=True, kw_only=True):
    """A host's energy in a minute; the parts add up to ``energy_mj``."""

    minute: datetime


class HostShare(msgspec.Struct, frozen=True):
    """A host's energy over a time, divided."""

    host: str
    since: datetime
    until: datetime
    attribution: Attribution


class _Minutes:
    """Adds up what falls into each minute of each application."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, str, datetime], defaultdict[str, int]] = defaultdict(
            lambda: defaultdict(int)
        )

    def add(self, whose: tuple[str, str], field: str, amount: int, parts: list[SlotPart]) -> None:
        for part, share in zip(parts, whole_shares(amount, parts), strict=True):
            self._sums[(*whose, part.start)][field] += share

    def stand_for(self, whose: tuple[str, str], parts: list[SlotPart], slot_s: int) -> None:
        for part in parts:
            sums = self._sums[(*whose, part.start)]
            sums["minutes"] = max(sums["minutes"], int(slot_s == MINUTE_S))

    def model(self, whose: tuple[str, str], parts: list[SlotPart]) -> None:
        for part in parts:
            self._sums[(*whose, part.start)]["modelled"] = 1

    def records(self) -> Iterator[UsageRecord]:
        for (application, organisation, minute), sums in self._sums.items():
            modelled = bool(sums.pop("modelled", 0))
            yield UsageRecord(
                application=application,
                organisation=organisation,
                minute=minute,
                modelled=modelled,
                **{"minutes": 0, **sums},
            )


def usage_records(
    gains: Iterable[MeterGain], shares: Iterable[HostShare]
) -> tuple[UsageRecord, ...]:
    """Divide what applications used between minutes; between hours after a long silence."""
    minutes = _Minutes()
    for gain in gains:
        field = _FIELDS.get(gain.reading.meter)
        if field is None:
            continue
        whose = (gain.reading.subject, gain.reading.organisation)
        slot_s = _slot_s(gain.since, gain.until)
        parts = slot_parts(gain.since, gain.until, slot_s)
        minutes.add(whose, field, gain.amount, parts)
        minutes.stand_for(whose, parts, slot_s)
        if gain.reading.meter is Meter.CPU_S:
            since = running_since(gain)
            running = slot_parts(since, gain.until, _slot_s(since, gain.until))
            minutes.add(whose, "running_ms", _ms(since, gain.until), running)
    for share in shares:
        slot_s = _slot_s(share.since, share.until)
        parts = slot_parts(share.since, share.until, slot_s)
        for one in share.attribution.shares:
            whose = (one.application, one.organisation)
            minutes.stand_for(whose, parts, slot_s)
            minutes.add(whose, "marginal_mj", one.marginal_mj, parts)
            minutes.add(whose, "idle_mj", one.idle_mj, parts)
            if share.attribution.modelled:
                minutes.model(whose, parts)
    return tuple(minutes.records())


def host_energy_records(shares: Iterable[HostShare]) -> tuple[HostEnergyRecord, ...]:
    """Divide the energy of hosts between minutes; the parts add up in each of them."""
    return tuple(record for share in shares for record in _energy_records(share))


def _energy_records(share: HostShare) -> Iterator[HostEnergyRecord]:
    whole = share.attribution
    parts = slot_parts(share.since, share.until, _slot_s(share.since, share.until))

    def divided(*amounts: int) -> list[int]:
        return [
            sum(ones)
            for ones in zip(*(whole_shares(amount, parts) for amount in amounts), strict=True)
        ]

    idle = divided(*(one.idle_mj for one in whole.shares), 0)
    marginal = divided(*(one.marginal_mj for one in whole.shares), 0)
    unreserved, platform = divided(whole.unreserved_mj), divided(whole.platform_mj)
    below = divided(whole.energy_mj - whole.low_mj)
    above = divided(whole.high_mj - whole.energy_mj)
    for number, part in enumerate(parts):
        energy = idle[number] + marginal[number] + unreserved[number] + platform[number]
        yield HostEnergyRecord(
            host=share.host,
            minute=part.start,
            energy_mj=energy,
            low_mj=max(0, energy - below[number]),
            high_mj=energy + above[number],
            idle_mj=idle[number],
            marginal_mj=marginal[number],
            unreserved_mj=unreserved[number],
            platform_mj=platform[number],
            modelled=whole.modelled,
        )


def host_shares(gains: Sequence[MeterGain], hosts: Iterable[MeteredHost]) -> list[HostShare]:
    """Divide the energy of each host whose CPU time was read.

    What a meter counted is taken where it saw the whole time: after a silence, a reset or a jump
    the energy is modelled, so that none is counted twice and none invented. A clock that was set
    back leaves no time to model, and takes nothing away from what was metered.
    """
    spent = {(gain.reading.subject, gain.reading.meter): gain for gain in gains}
    found = []
    for host in hosts:
        cpu = spent.get((host.name, Meter.HOST_CPU_S))
        if cpu is None:
            continue
        load = _host_load(host, spent, cpu, spent.get((host.name, Meter.HOST_ENERGY_J)))
        if load.duration_s > 0 or load.measured is not None:
            found.append(HostShare(host.name, cpu.since, cpu.until, attributed(load)))
    return found


def _host_load(
    host: MeteredHost,
    spent: Mapping[tuple[str, Meter], MeterGain],
    cpu: MeterGain,
    energy: MeterGain | None,
) -> HostLoad:
    measured = None
    if energy is not None and host.meter is not None and _saw_all(energy, cpu):
        measured = MeasuredEnergy(energy.amount / 1000, host.meter)
    tenants = []
    for tenant in host.tenants:
        own = spent.get((tenant.application, Meter.CPU_S))
        cpu_s = own.amount / 1e6 if own else 0.0
        tenants.append(
            TenantLoad(tenant.application, tenant.organisation, cpu_s, tenant.reserved_mib)
        )
    return HostLoad(
        duration_s=max(0.0, (cpu.until - cpu.since).total_seconds()),
        power=host.power,
        cpus=host.cpus,
        memory_mib=host.memory_mib,
        cpu_s=cpu.amount / 1e6,
        tenants=tuple(tenants),
        measured=measured,
    )


def _saw_all(energy: MeterGain, cpu: MeterGain) -> bool:
    same_begin = abs((energy.since - cpu.since).total_seconds()) <= _ROUND_S
    return same_begin and energy.continuity is Continuity.GOES_ON


def _slot_s(since: datetime, until: datetime) -> int:
    return MINUTE_S if until - since <= LONGEST_MINUTE_BY_MINUTE else _HOUR_S


def _ms(since: datetime, until: datetime) -> int:
    """Count the milliseconds that began between: those of adjoining times add up exactly."""
    return max(0, (until - _EPOCH) // _MILLISECOND - (since - _EPOCH) // _MILLISECOND)
