"""A host's energy divided: exactly, never below nothing, and more work never costs less."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.energy.model import SMALL, XEON, power_model
from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.ledger.attribution import HostLoad, MeasuredEnergy, TenantLoad, attributed

POWER = power_model(SMALL, 12, shared=False)
WALL = MeterCapabilities("plug", Coverage.MACHINE, accuracy=0.05)
CHIP = MeterCapabilities("RAPL", Coverage.PROCESSORS, accuracy=0.05)


def _tenant(name: str, cpu_s: float, reserved_mib: int) -> TenantLoad:
    return TenantLoad(name, "ville", cpu_s, reserved_mib)


def _load(
    *tenants: TenantLoad,
    cpu_s: float = 0,
    joules: float | None = None,
    meter: MeterCapabilities = WALL,
) -> HostLoad:
    return HostLoad(
        duration_s=60,
        power=POWER,
        cpus=12,
        memory_mib=32_768,
        cpu_s=max(cpu_s, sum(tenant.cpu_s for tenant in tenants)),
        tenants=tenants,
        measured=None if joules is None else MeasuredEnergy(joules, meter),
    )


CPU = st.floats(0, 200)
TENANTS = st.lists(st.tuples(CPU, st.integers(0, 20_000)), max_size=6).map(
    lambda drawn: tuple(_tenant(f"a{number}", *one) for number, one in enumerate(drawn))
)
JOULES = st.none() | st.floats(0, 20_000)


def test_at_rest_each_takes_its_reserve_and_the_spare_is_apart() -> None:
    found = attributed(_load(_tenant("bus", 0, 8192), _tenant("wiki", 0, 8192)))
    idle_mj = round(POWER.idle_w().value * 60_000)
    assert found.energy_mj == idle_mj
    assert [share.idle_mj for share in found.shares] == pytest.approx([idle_mj / 4] * 2, abs=1)
    assert found.unreserved_mj == pytest.approx(idle_mj / 2, abs=1)
    assert [share.marginal_mj for share in found.shares] == [0, 0]


def test_work_is_shared_by_cpu_time_and_what_no_application_took_is_the_platform_s() -> None:
    found = attributed(_load(_tenant("bus", 30, 0), _tenant("wiki", 60, 0), cpu_s=120))
    marginal = found.energy_mj - round(POWER.idle_w().value * 60_000)
    assert [share.marginal_mj for share in found.shares] == pytest.approx(
        [marginal / 4, marginal / 2], abs=1
    )
    assert found.platform_mj == pytest.approx(marginal / 4, abs=1)


def test_what_was_measured_is_what_is_divided() -> None:
    found = attributed(_load(_tenant("bus", 30, 8192), joules=4000))
    assert (found.energy_mj, found.modelled) == (4_000_000, False)
    assert (found.low_mj, found.high_mj) == (3_800_000, 4_200_000)


def test_the_rest_of_a_machine_is_modelled_where_the_meter_sees_its_processors_alone() -> None:
    rest = POWER.rest_w().scaled(60)
    load = msgspec.structs.replace(_load(), measured=MeasuredEnergy(600, CHIP))
    found = attributed(load)
    assert found.energy_mj == round((600 + rest.value) * 1000)
    assert (found.low_mj, found.high_mj) == (
        round((600 * 0.95 + rest.low) * 1000),
        round((600 * 1.05 + rest.high) * 1000),
    )
    assert found.modelled


def test_work_is_paid_for_where_the_meter_sees_the_processors_alone() -> None:
    """Half of 32 threads are busy and the processors take 58 W: less than all of it at rest."""
    power = power_model(XEON, 32, shared=False)
    load = HostLoad(
        duration_s=60,
        power=power,
        cpus=32,
        memory_mib=65_536,
        cpu_s=16 * 60,
        tenants=(_tenant("bus", 16 * 60, 0),),
        measured=MeasuredEnergy(58 * 60, CHIP),
    )
    found = attributed(load)
    total_w = 58 + power.rest_w().value
    assert found.energy_mj == round(total_w * 60_000)
    added_mj = (total_w - power.idle_w().value) * 60_000
    assert found.shares[0].marginal_mj == pytest.approx(added_mj, abs=2)
    assert found.shares[0].marginal_mj > 35 * 60_000


def test_more_reserve_than_memory_leaves_no_spare() -> None:
    found = attributed(_load(_tenant("bus", 0, 30_000), _tenant("wiki", 0, 30_000)))
    assert found.unreserved_mj == 0


@given(tenants=TENANTS, more_cpu_s=CPU, joules=JOULES, meter=st.sampled_from([WALL, CHIP]))
def test_the_parts_are_the_whole(
    tenants: tuple[TenantLoad, ...],
    more_cpu_s: float,
    joules: float | None,
    meter: MeterCapabilities,
) -> None:
    spent = sum(tenant.cpu_s for tenant in tenants)
    found = attributed(_load(*tenants, cpu_s=spent + more_cpu_s, joules=joules, meter=meter))
    parts = [found.unreserved_mj, found.platform_mj]
    for share in found.shares:
        parts += [share.marginal_mj, share.idle_mj]
    assert sum(parts) == found.energy_mj
    assert min(parts) >= 0
    assert found.low_mj <= found.energy_mj <= found.high_mj


@given(
    tenants=TENANTS.filter(bool),
    more_cpu_s=CPU,
    joules=JOULES,
    meter=st.sampled_from([WALL, CHIP]),
)
def test_more_cpu_time_never_takes_less_energy(
    tenants: tuple[TenantLoad, ...],
    more_cpu_s: float,
    joules: float | None,
    meter: MeterCapabilities,
) -> None:
    first, *others = tenants
    busier = msgspec.structs.replace(first, cpu_s=first.cpu_s + more_cpu_s)
    before = attributed(_load(first, *others, joules=joules, meter=meter)).shares[0]
    after = attributed(_load(busier, *others, joules=joules, meter=meter)).shares[0]
    assert after.marginal_mj + after.idle_mj >= before.marginal_mj + before.idle_mj - 2
