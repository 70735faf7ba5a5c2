"""Whatever the inventory: a plan that holds, or an error that says why there is none."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.capacity.model import (
    Amounts,
    Criticality,
    Host,
    Inventory,
    Plan,
    Policy,
    SiteLoss,
    Workload,
)
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import MODELS, by_day, planned, what_fails

REFUSALS = {
    "capacity.no_plan",
    "capacity.no_room",
    "capacity.no_room_of",
    "capacity.plan_not_found",
    "capacity.room_short",
    "capacity.workload_too_large",
}
_SITES = ("lomme", "lille")
_MODELS = st.sampled_from(sorted(MODELS))


@st.composite
def hosts(draw: st.DrawFn) -> tuple[Host, ...]:
    count = draw(st.integers(1, 7))
    return tuple(
        Host(
            name=f"h{number}",
            model=draw(_MODELS),
            site=draw(st.sampled_from(_SITES)),
            organisations=draw(st.sampled_from([(), (), (), ("housing",)])),
            switched_off=draw(st.integers(0, 9)) == 0,
        )
        for number in range(count)
    )


@st.composite
def workloads(draw: st.DrawFn, names: list[str]) -> tuple[Workload, ...]:
    count = draw(st.integers(0, 14))
    return tuple(_workload(draw, number, names) for number in range(count))


def _workload(draw: st.DrawFn, number: int, names: list[str]) -> Workload:
    cores = draw(st.integers(100, 6_000))
    host = draw(st.sampled_from(["", *names]))
    return Workload(
        name=f"w{number}",
        amounts=Amounts(cores, draw(st.integers(1, 40)) * 1024, draw(st.integers(0, 200))),
        organisation=draw(st.sampled_from(["", "housing", "town"])),
        cpu_by_hour=draw(
            st.sampled_from([(), by_day(100, cores, 8, 12), by_day(50, cores, 20, 23)])
        ),
        apart=draw(st.sampled_from(["", "", "", "web", "db"])),
        across_sites=draw(st.integers(0, 7)) == 0,
        together=draw(st.sampled_from(["", "", "", "", "pair"])),
        sites=draw(st.sampled_from([(), (), (), ("lomme",), ("lille",)])),
        licence=draw(st.sampled_from(["", "", "", "", "", "oracle"])),
        criticality=draw(st.sampled_from(Criticality)),
        host=host,
        fixed=bool(host) and draw(st.integers(0, 11)) == 0,
        downtime_s=draw(st.sampled_from([0, 0, 60, 600])),
        windows=draw(st.sampled_from([(), (), (2, 3, 26)])),
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    there = draw(hosts())
    return Inventory(
        sites=_SITES,
        models=MODELS,
        hosts=there,
        workloads=draw(workloads([host.name for host in there])),
        buys=draw(st.sampled_from([(), ("blade",), ("blade", "oracle")])),
        policy=Policy(
            spare_hosts=draw(st.integers(0, 2)), site_loss=draw(st.sampled_from(SiteLoss))
        ),
    )


def plan_or_refusal(inventory: Inventory) -> Plan | InvalidInputError:
    try:
        return planned(inventory)
    except InvalidInputError as error:
        return error


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(inventory=inventories())
def test_a_plan_holds_or_says_why_there_is_none(inventory: Inventory) -> None:
    plan = plan_or_refusal(inventory)
    if isinstance(plan, InvalidInputError):
        assert plan.code in REFUSALS
        return
    assert what_fails(plan) == []
    assert plan.proof.gap >= 0
    assert plan.proof.hosts <= len(inventory.hosts) or inventory.buys
    assert len(plan.hosts) == len({one.host.name for one in plan.hosts})


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(inventory=inventories())
def test_the_same_inventory_gives_the_same_plan(inventory: Inventory) -> None:
    first, second = plan_or_refusal(inventory), plan_or_refusal(inventory)

    if isinstance(first, InvalidInputError) or isinstance(second, InvalidInputError):
        assert vars(first) == vars(second)
        return
    assert (first.hosts, first.placement, first.moves) == (
        second.hosts,
        second.placement,
        second.moves,
    )
