"""Sums of records, and what they are in the units that people are charged in; pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import msgspec

from beffroi.energy.model import Method
from beffroi.ledger.model import Usage, UsageUnit

_SIX_DECIMALS: Final = Decimal("0.000001")
_MS_PER_H: Final = 3_600_000
_MIB_PER_GIB: Final = 1024
_MJ_PER_KWH: Final = 3_600_000_000
# How many of a record's fine units make one of what is charged.
_PER_UNIT: Final[Mapping[UsageUnit, tuple[str, int]]] = {
    UsageUnit.CPU_CORE_H: ("cpu_us", 1000 * _MS_PER_H),
    UsageUnit.MEMORY_GIB_H: ("memory_mib_ms", _MIB_PER_GIB * _MS_PER_H),
    UsageUnit.STORAGE_GIB_H: ("storage_mib_ms", _MIB_PER_GIB * _MS_PER_H),
    UsageUnit.DATABASE_GIB_H: ("database_mib_ms", _MIB_PER_GIB * _MS_PER_H),
    UsageUnit.BACKUP_GIB_H: ("backup_mib_ms", _MIB_PER_GIB * _MS_PER_H),
    UsageUnit.TRAFFIC_GIB: ("traffic_bytes", 2**30),
    UsageUnit.REQUESTS_1000: ("requests", 1000),
    UsageUnit.RUNNING_H: ("running_ms", _MS_PER_H),
    UsageUnit.ENERGY_MARGINAL_KWH: ("marginal_mj", _MJ_PER_KWH),
    UsageUnit.ENERGY_IDLE_KWH: ("idle_mj", _MJ_PER_KWH),
}


class UsageSum(msgspec.Struct, frozen=True):
    """What an application used over a time, in the units of the records.

    Attributes:
        minutes: How many minutes of it are known whole.
        begins_at, ends_at: From the first record to the end of the last one.
    """

    application: str
    organisation: str
    cpu_us: int
    memory_mib_ms: int
    storage_mib_ms: int
    database_mib_ms: int
    backup_mib_ms: int
    traffic_bytes: int
    requests: int
    running_ms: int
    marginal_mj: int
    idle_mj: int
    minutes: int
    modelled: bool
    begins_at: datetime
    ends_at: datetime

    def __add__(self, other: "UsageSum") -> "UsageSum":
        """Add what the same application used over another time."""
        amounts = {name: getattr(self, name) + getattr(other, name) for name in _AMOUNTS}
        return msgspec.structs.replace(
            self,
            modelled=self.modelled or other.modelled,
            begins_at=min(self.begins_at, other.begins_at),
            ends_at=max(self.ends_at, other.ends_at),
            **amounts,
        )


_AMOUNTS: Final = UsageSum.__struct_fields__[2:-3]


class HostEnergy(msgspec.Struct, frozen=True):
    """The energy of a host over a time, in millijoules.

    Attributes:
        energy_mj: All of it: ``idle_mj`` and ``marginal_mj`` of its applications, the idle part
            that nobody reserved, and what the platform itself took.
        low_mj, high_mj: Its interval.
        modelled: Whether a part of it comes from a model.
    """

    host: str
    energy_mj: int
    low_mj: int
    high_mj: int
    idle_mj: int
    marginal_mj: int
    unreserved_mj: int
    platform_mj: int
    modelled: bool


def added(sums: Iterable[UsageSum]) -> list[UsageSum]:
    """Add the sums of each application, ordered by its name."""
    found: dict[tuple[str, str], UsageSum] = {}
    for one in sums:
        key = (one.application, one.organisation)
        found[key] = found[key] + one if key in found else one
    return [found[key] for key in sorted(found)]


def usage_of(sums: UsageSum, since: datetime, until: datetime) -> Usage:
    """Tell a sum in the units of the ledger, each rounded once, half to even."""
    quantities = {
        unit: (Decimal(amount) / per_unit).quantize(_SIX_DECIMALS, ROUND_HALF_EVEN)
        for unit, (name, per_unit) in _PER_UNIT.items()
        if (amount := getattr(sums, name))
    }
    return Usage(
        application=sums.application,
        organisation=sums.organisation,
        since=since,
        until=until,
        quantities=quantities,
        minutes=sums.minutes,
        energy_method=Method.MODELLED if sums.modelled else Method.METERED,
    )


def kwh(millijoules: int) -> Decimal:
    """Tell an energy in kWh, with six decimals."""
    return (Decimal(millijoules) / _MJ_PER_KWH).quantize(_SIX_DECIMALS, ROUND_HALF_EVEN)
