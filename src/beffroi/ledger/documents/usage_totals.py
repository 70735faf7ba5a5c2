"""Use by application, the parts of a month added up; pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from beffroi.energy.model import weaker
from beffroi.ledger.model import Usage, UsageUnit

ENERGY_UNITS = (UsageUnit.ENERGY_MARGINAL_KWH, UsageUnit.ENERGY_IDLE_KWH)


def application_id(usage: Usage) -> str:
    """Name an application with its organisation."""
    return f"{usage.organisation}/{usage.application}"


def by_application(usage: Iterable[Usage]) -> Mapping[str, Usage]:
    """Add up what each application used, by its name with its organisation's, in that order."""
    found: dict[str, Usage] = {}
    for one in usage:
        name = application_id(one)
        found[name] = _sum(found[name], one) if name in found else one
    return dict(sorted(found.items()))


def energy_kwh(usage: Usage) -> Decimal:
    """Add an application's own energy and its share of idle."""
    return sum((usage.quantities.get(unit, Decimal(0)) for unit in ENERGY_UNITS), Decimal(0))


def _sum(one: Usage, other: Usage) -> Usage:
    units = one.quantities.keys() | other.quantities.keys()
    quantities = {
        unit: one.quantities.get(unit, Decimal(0)) + other.quantities.get(unit, Decimal(0))
        for unit in sorted(units)
    }
    return msgspec.structs.replace(
        one,
        since=min(one.since, other.since),
        until=max(one.until, other.until),
        quantities=quantities,
        minutes=one.minutes + other.minutes,
        energy_method=weaker(one.energy_method, other.energy_method),
    )
