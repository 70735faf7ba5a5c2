"""Ledgers drawn at random: bodies, keys, costs, rates and use of a month."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from beffroi.ledger.model import (
    Accounts,
    AllocationKey,
    Body,
    BodyKind,
    Charging,
    CostCentre,
    CostNature,
    Issuer,
    KeyBasis,
    Rate,
    UsageUnit,
)
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.rating import segments
from tests.support.shared_accounts import (
    JULY,
    used,
)

BODIES = ("aubin", "bosc", "caux", "dieppe")
KEYS = ("even", "fixed", "heads", "mixed", "use")
UNITS = (UsageUnit.CPU_CORE_H, UsageUnit.STORAGE_GIB_H, UsageUnit.ENERGY_IDLE_KWH)
ISSUER = Issuer(
    title="Issuer",
    siret="20004321400010",
    address=("1 place",),
    postcode="93700",
    town="Drancy",
    number_prefix="CTT",
)


def _body(name: str, draw: st.DrawFn, charging: Charging) -> Body:
    return Body(
        name=name,
        title=name,
        kind=BodyKind.COMMUNE,
        organisations=(name, f"{name}-b"),
        siret="21931111500014",
        inhabitants=draw(st.integers(0, 100_000)),
        charging=charging,
    )


def _keys(draw: st.DrawFn, bodies: Mapping[str, Body]) -> dict[str, AllocationKey]:
    weight = st.decimals(0, 1000, places=3)
    count = sum(body.charging is Charging.SHARES_COSTS for body in bodies.values())
    fields: dict[str, dict[str, Any]] = {
        "even": {},
        "heads": {},
        "fixed": {"weights": {name: draw(weight) for name in bodies}},
        "use": {"units": {unit: draw(weight) for unit in UNITS}},
        "mixed": {"parts": {name: draw(weight) for name in ("even", "fixed", "heads", "use")}},
    }
    basis = {"even": "equal", "heads": "inhabitants", "use": "usage"}
    floor = draw(st.integers(0, 100 // count))
    ceiling = draw(st.integers(-(-100 // count), 100))
    return {
        name: AllocationKey(
            name=name,
            title=name,
            basis=KeyBasis(basis.get(name, name)),
            floor_percent=Decimal(floor),
            ceiling_percent=Decimal(ceiling),
            **fields[name],
        )
        for name in KEYS
    }


def _cost(name: str, draw: st.DrawFn) -> CostCentre:
    return CostCentre(
        name=name,
        title=name,
        nature=draw(st.sampled_from(CostNature)),
        key=draw(st.sampled_from(KEYS)),
        since=draw(st.dates(date(2025, 1, 1), date(2026, 8, 1))),
        until=draw(st.none() | st.dates(date(2026, 8, 2), date(2027, 1, 1))),
        amount_eur=draw(st.decimals(-1_000_000, 1_000_000, places=2)),
        life_years=draw(st.integers(1, 10)),
        eur_per_kwh=draw(st.decimals(0, 1, places=5)),
        pue=draw(st.decimals(1, 3, places=2)),
    )


def _rate(name: str, draw: st.DrawFn) -> Rate:
    return Rate(
        name=name,
        title=name,
        since=draw(st.dates(date(2025, 1, 1), date(2026, 7, 31))),
        eur=draw(st.decimals(0, 100, places=6)),
        unit=draw(st.none() | st.sampled_from(UNITS)),
        included=draw(st.decimals(0, 100, places=2)),
    )


@st.composite
def ledgers(draw: st.DrawFn) -> MonthRecords:
    """Draw a month of any accounts: keys of every basis, costs of every nature, revenue."""
    sharers = draw(st.lists(st.sampled_from(BODIES), min_size=1, unique=True))
    bodies = {name: _body(name, draw, Charging.SHARES_COSTS) for name in sharers}
    keys = _keys(draw, bodies)
    bodies["habitat"] = _body("habitat", draw, Charging.BY_RATES)
    costs = {name: _cost(name, draw) for name in draw(st.sets(st.sampled_from("abcd")))}
    rates = {name: _rate(name, draw) for name in draw(st.sets(st.sampled_from("rst"), min_size=1))}
    accounts = Accounts(
        issuer=ISSUER,
        bodies=bodies,
        keys={**keys, "revenue": msgspec.structs.replace(keys["mixed"], name="revenue")},
        costs=costs,
        rates=rates,
    )
    quantity = st.integers(0, 10**10).map(lambda micro: str(Decimal(micro).scaleb(-6)))
    usage = [
        used("site", organisation, {unit: draw(quantity) for unit in UNITS}, span)
        for organisation in draw(st.sets(st.sampled_from([*sharers, "habitat", "habitat-b"])))
        for span in segments(accounts, JULY)
    ]
    return month_records(accounts, 1, JULY, usage)
