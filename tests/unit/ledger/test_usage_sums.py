"""Sums of records in the units that people are charged in."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from beffroi.energy.model import Method
from beffroi.ledger.model import UsageUnit
from beffroi.ledger.usage_sums import UsageSum, added, kwh, usage_of
from tests.unit.ledger.meters import NOON, after

AMOUNTS = st.lists(st.integers(0, 2**62), min_size=11, max_size=11)


def _sum(*amounts: int, application: str = "bus", modelled: bool = False) -> UsageSum:
    fields = UsageSum.__struct_fields__
    whole = (application, "ville", *amounts, modelled, NOON, after(60))
    return msgspec.convert(dict(zip(fields, whole, strict=True)), UsageSum)


def test_fine_units_become_those_of_the_ledger() -> None:
    hour_ms = 3_600_000
    sums = _sum(
        *(hour_ms * 1000, 1024 * hour_ms, 2048 * hour_ms, 512 * hour_ms, 256 * hour_ms),
        *(2**30, 1000, hour_ms, 3_600_000_000, 1_800_000_000, 60),
    )
    found = usage_of(sums, NOON, after(3600))
    assert {unit: str(value) for unit, value in found.quantities.items()} == {
        UsageUnit.CPU_CORE_H: "1.000000",
        UsageUnit.MEMORY_GIB_H: "1.000000",
        UsageUnit.STORAGE_GIB_H: "2.000000",
        UsageUnit.DATABASE_GIB_H: "0.500000",
        UsageUnit.BACKUP_GIB_H: "0.250000",
        UsageUnit.TRAFFIC_GIB: "1.000000",
        UsageUnit.REQUESTS_1000: "1.000000",
        UsageUnit.RUNNING_H: "1.000000",
        UsageUnit.ENERGY_MARGINAL_KWH: "1.000000",
        UsageUnit.ENERGY_IDLE_KWH: "0.500000",
    }
    assert (found.minutes, found.energy_method) == (60, Method.METERED)


def test_what_was_not_used_is_absent() -> None:
    assert usage_of(_sum(*[0] * 11), NOON, after(60)).quantities == {}


def test_a_part_that_is_modelled_makes_the_sum_modelled() -> None:
    [found] = added([_sum(*[1] * 11), _sum(*[1] * 11, modelled=True)])
    assert usage_of(found, NOON, after(60)).energy_method is Method.MODELLED


def test_a_sum_lasts_from_the_first_record_to_the_last() -> None:
    later = msgspec.structs.replace(_sum(*[1] * 11), begins_at=after(60), ends_at=after(120))
    [found] = added([later, _sum(*[1] * 11)])
    assert (found.begins_at, found.ends_at) == (NOON, after(120))


def test_energy_is_told_in_kwh() -> None:
    assert kwh(5_400_000_000) == Decimal("1.500000")


@given(st.lists(st.tuples(st.sampled_from(["bus", "wiki"]), AMOUNTS), max_size=8))
def test_a_sum_is_the_same_in_whatever_order_it_is_made(
    drawn: list[tuple[str, list[int]]],
) -> None:
    sums = [_sum(*amounts, application=name) for name, amounts in drawn]
    assert added(sums) == added(reversed(sums))
    assert sum(one.cpu_us for one in added(sums)) == sum(one.cpu_us for one in sums)
