"""What people look at tells what the plan says."""

import re

import msgspec
import pytest

from beffroi.capacity.figures import moves_picture, racks_after, racks_before, week_picture
from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Bound,
    Decision,
    Host,
    HostDecision,
    HostModel,
    Inventory,
    Move,
    Plan,
    Proof,
    Reason,
    Workload,
)

OLD = HostModel(name="old", amounts=Amounts(8000, 32_768, 900), rack_units=2)
BLADE = HostModel(name="blade", amounts=Amounts(32_000, 262_144, 4000), rack_units=1)
WHY = Reason("spare", {"site": "lille", "hosts": 1})


def _workload(name: str, host: str, *, hours: tuple[int, ...] = ()) -> Workload:
    return Workload(name=name, amounts=Amounts(4000, 16_384, 100), host=host, cpu_by_hour=hours)


@pytest.fixture
def plan() -> Plan:
    old = [Host(name=f"old-{n}", model="old", site="lille") for n in (1, 2)]
    new = [Host(name=f"blade-{n}", model="blade", site="lille") for n in (1, 2)]
    inventory = Inventory(
        sites=("lille", "roubaix"),
        models={"old": OLD, "blade": BLADE},
        hosts=tuple(old),
        workloads=(_workload("a", "old-1"), _workload("b", "old-2")),
        buys=("blade",),
    )
    decisions = (
        HostDecision(new[0], Decision.BUY, WHY),
        HostDecision(new[1], Decision.BUY, WHY, spare=True),
        *(HostDecision(host, Decision.SWITCH_OFF, WHY) for host in old),
    )
    return Plan(
        inventory=inventory,
        hosts=decisions,
        placement={"a": "blade-1", "b": "blade-1"},
        moves=(),
        proof=Proof(bound=Bound(2, WHY), hosts=2, optimal=True, checks=(), replays=()),
        method="greedy",
        took_s=0.1,
    )


def _widths(path: str) -> list[float]:
    return [float(one) for one in re.findall(r"h([\d.]+)v", path)]


def test_todays_racks_show_the_hosts_there_are_with_what_they_run(plan: Plan) -> None:
    lille, roubaix = racks_before(plan)
    assert (lille.hosts, roubaix.hosts) == (2, 0)
    assert lille.outlines.count("M") == 2
    assert lille.spare == lille.gone == roubaix.outlines == ""
    assert _widths(lille.cpu) == pytest.approx([37, 37])


def test_planned_racks_show_what_runs_what_is_spare_and_what_goes(plan: Plan) -> None:
    lille = racks_after(plan)[0]
    assert lille.hosts == 2
    counts = [path.count("M") for path in (lille.outlines, lille.spare, lille.gone)]
    assert counts == [1, 1, 2]
    assert _widths(lille.cpu) == pytest.approx([18.5, 0])
    assert _widths(lille.memory) == pytest.approx([9.2, 0], abs=0.1)


def test_a_rack_that_is_full_is_followed_by_another(plan: Plan) -> None:
    many = tuple(Host(name=f"h{n}", model="old", site="lille") for n in range(22))
    inventory = msgspec.structs.replace(plan.inventory, hosts=many, workloads=())
    decisions = tuple(HostDecision(host, Decision.KEEP, WHY) for host in many)
    wide = msgspec.structs.replace(plan, inventory=inventory, hosts=decisions)
    one, two = racks_before(plan)[0], racks_before(wide)[0]
    assert two.width > 2 * one.width
    assert two.outlines.count("M") == 22


def test_each_hour_of_the_week_has_its_cell() -> None:
    busy = tuple(8000 if hour == 33 else 1000 for hour in range(HOURS_OF_WEEK))
    week = week_picture([_workload("a", "", hours=busy), _workload("b", "")])
    assert sum(level.count("M") for level in week.levels) == HOURS_OF_WEEK
    assert week.levels[-1].startswith("M9 1h")
    assert (week.busiest_hour, week.busiest_cores, week.quietest_cores) == (33, 12.0, 5.0)


def test_moves_stand_in_the_lane_of_their_host_and_the_step_of_their_wave() -> None:
    moves = (
        Move(number=1, wave=1, workload="a", origin="x", target="h2"),
        Move(number=2, wave=1, workload="b", origin="x", target="h1", downtime_s=60),
        Move(number=3, wave=2, workload="c", origin="x", target="h1", parked=True),
    )
    picture = moves_picture(moves)
    assert picture.lanes == ("h1", "h2")
    assert (picture.waves, picture.width, picture.height) == (2, 20, 20)
    assert [picture.moves[:7], picture.stopped[:6], picture.parked[:7]] == [
        "M0.0 11",
        "M0.0 1",
        "M10.0 1",
    ]
