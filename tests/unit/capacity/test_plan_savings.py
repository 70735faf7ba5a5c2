"""What a plan saves, and what a second plan for the sizes allotted tells of it."""

import msgspec
import pytest

from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Bound,
    Decision,
    Host,
    HostDecision,
    Inventory,
    Plan,
    Proof,
    Reason,
    Workload,
)
from beffroi.capacity.savings import change_of_plan, savings_of_plan
from beffroi.capacity.savings_terms import SavingsAsked, SizingBasis, Step
from tests.unit.capacity.test_savings import (
    BLADE,
    OLD,
    assert_parts_add_up,
    by_step,
    uncertain,
)


def plan_of(workloads: tuple[Workload, ...]) -> Plan:
    """Return the plan that puts two old hosts' workloads on one blade, with a spare."""
    old = tuple(Host(name=f"old{number}", model=OLD.name, site="A") for number in (1, 2))
    new = tuple(Host(name=f"new{number}", model=BLADE.name, site="A") for number in (1, 2))
    why = Reason("made_up")
    return Plan(
        inventory=Inventory(
            sites=("A",),
            models={OLD.name: OLD, BLADE.name: BLADE},
            hosts=old,
            workloads=workloads,
            buys=(BLADE.name,),
        ),
        hosts=(
            *(HostDecision(host, Decision.SWITCH_OFF, why) for host in old),
            HostDecision(new[0], Decision.BUY, why),
            HostDecision(new[1], Decision.BUY, why, spare=True),
        ),
        placement=dict.fromkeys((one.name for one in workloads), "new1"),
        moves=(),
        proof=Proof(bound=Bound(2, why), hosts=2, optimal=True, checks=(), replays=()),
        method="greedy",
        took_s=0.1,
    )


def test_a_plan_tells_who_runs_before_and_after() -> None:
    day = tuple(1_600 if hour % 24 < 12 else 0 for hour in range(HOURS_OF_WEEK))
    workloads = (
        Workload(name="one", amounts=Amounts(1_600, 1, 1), cpu_by_hour=day, host="old1"),
        Workload(name="other", amounts=Amounts(3_200, 1, 1), host="old2"),
    )
    change = change_of_plan(plan_of(workloads), use={"other": (800,) * 168}, spares_off=True)
    assert [host.name for host in change.before] == ["old1", "old2"]
    assert change.before[0].load[:13] == (0.1,) * 12 + (0.0,)
    assert set(change.before[1].load) == {0.05}
    assert [(host.name, host.bought, host.spare) for host in change.sized] == [
        ("new1", True, False),
        ("new2", True, True),
    ]
    assert change.sized[0].load[0] == pytest.approx(2_400 / 32_000)
    assert [host.name for host in change.running_after] == ["new1"]


def test_a_workload_made_smaller_does_not_work_less() -> None:
    now = (Workload(name="one", amounts=Amounts(3_200, 1, 1), host="old1"),)
    small = (Workload(name="one", amounts=Amounts(1_000, 1, 1), host="old1"),)
    change = change_of_plan(plan_of(small), unsized=plan_of(now), use={}, spares_off=False)
    assert change.sized[0].load[0] == change.consolidated[0].load[0] == 0.1
    assert change.before[0].load[0] == 0.2


def planned_on(blades: int, cpu_milli: int) -> Plan:
    """Return a plan of that many blades at work for workloads of one size."""
    workloads = tuple(
        Workload(name=f"w{number}", amounts=Amounts(cpu_milli, 1, 1), host="old1")
        for number in range(4)
    )
    made = plan_of(workloads)
    why = Reason("made_up")
    new = tuple(
        Host(name=f"new{number}", model=BLADE.name, site="A") for number in range(1, blades + 1)
    )
    return msgspec.structs.replace(
        made,
        hosts=(*made.hosts[:2], *(HostDecision(host, Decision.BUY, why) for host in new)),
        placement={one.name: f"new{number % blades + 1}" for number, one in enumerate(workloads)},
    )


def test_the_part_of_sizing_is_what_a_second_plan_needs_more() -> None:
    sized, unsized = planned_on(1, 1_000), planned_on(3, 4_000)
    known = savings_of_plan(
        sized, SavingsAsked(uncertain()), unsized=unsized, basis=SizingBasis.PLANNED
    )
    assert (known.sizing, known.unsized_hosts, known.after.servers) == (SizingBasis.PLANNED, 3, 1)
    assert by_step(known)[Step.SIZING] > 0
    assert_parts_add_up(known)


def test_sizing_moves_savings_between_parts_and_adds_nothing() -> None:
    sized, unsized = planned_on(1, 1_000), planned_on(3, 4_000)
    asked = SavingsAsked(uncertain())
    alone = savings_of_plan(sized, asked)
    known = savings_of_plan(sized, asked, unsized=unsized, basis=SizingBasis.PLANNED)
    assert by_step(alone)[Step.SIZING] == 0
    assert (alone.kwh, alone.eur, alone.use_kg) == (known.kwh, known.eur, known.use_kg)
    assert alone.before == known.before
