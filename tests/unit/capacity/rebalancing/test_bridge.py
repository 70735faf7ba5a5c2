from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.model import Amounts, Host, HostModel, Inventory, Policy, Workload
from beffroi.capacity.rebalancing.bridge import MovingPrice, bridge_back, bridge_to
from beffroi.capacity.rebalancing.islands import rebalance
from beffroi.capacity.rebalancing.model import Effort
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress

_SITES: Final = ("arras", "lens")
_BLADE: Final = HostModel(name="blade", amounts=Amounts(32_000, 262_144, 4000, 0))
_LICENSED: Final = HostModel(
    name="licensed", amounts=Amounts(16_000, 131_072, 2000, 0), licences=("sgbd",)
)
_EFFORT: Final = Effort(seconds=0.05, cores=1)


def _silent(progress: Progress) -> None:
    assert progress.doing


@st.composite
def _inventories(draw: st.DrawFn) -> Inventory:
    """Draw an inventory whose workloads run where they may, groups apart."""
    hosts = tuple(
        Host(
            name=f"h{number}",
            model="licensed" if number % 3 == 0 else "blade",
            site=_SITES[number % 2],
            organisations=("cu",) if number == 4 else (),
            switched_off=draw(st.booleans()) if number == 5 else False,
        )
        for number in range(draw(st.integers(4, 6)))
    )
    workloads = [
        Workload(
            name=f"w{number}",
            amounts=Amounts(draw(st.integers(0, 9000)), draw(st.integers(0, 60_000)), 50, 0),
            apart=group,
            across_sites=group == "b",
            together=draw(st.sampled_from(("", "", "pair"))) if not group else "",
            fixed=draw(st.booleans()) and number % 4 == 0,
            downtime_s=draw(st.integers(0, 60)),
            host=f"h{number % 4}",
        )
        for number, group in enumerate(draw(st.lists(st.sampled_from(("", "")), max_size=12)))
    ]
    for group, place in (("a", 0), ("b", 2)):
        workloads += [
            Workload(
                name=f"{group}{at}",
                amounts=Amounts(1000, 2048, 10, 0),
                apart=group,
                across_sites=group == "b",
                licence="sgbd" if (place + at) % 3 == 0 else "",
                host=f"h{place + at}",
            )
            for at in range(2)
        ]
    return Inventory(
        sites=_SITES,
        models={"blade": _BLADE, "licensed": _LICENSED},
        hosts=hosts,
        workloads=tuple(workloads),
        policy=Policy(cpu_share=draw(st.sampled_from((0.2, 0.8)))),
    )


def _present(inventory: Inventory) -> dict[str, str]:
    return {workload.name: workload.host for workload in inventory.workloads}


@settings(deadline=None, max_examples=20)
@given(_inventories(), st.none() | st.integers(0, 3))
def test_a_better_placement_keeps_the_inventory_s_rules(
    inventory: Inventory, most_moved: int | None
) -> None:
    present = _present(inventory)
    bridge = bridge_to(inventory, present, most_moved=most_moved)
    better = bridge_back(bridge, rebalance(bridge.problem, bridge.present, _EFFORT, _silent))
    hosts = {host.name: host for host in inventory.hosts}
    assert better.placement.keys() == present.keys()
    assert better.after.total <= better.before.total
    assert set(better.moved) == {
        name for name, host in better.placement.items() if host != present[name]
    }
    parties = [names for names in bridge.workloads if set(names) & set(better.moved)]
    assert most_moved is None or len(parties) <= most_moved
    for workload in inventory.workloads:
        host = hosts[better.placement[workload.name]]
        moved = workload.name in better.moved
        assert not (moved and (workload.fixed or host.switched_off))
        assert not (moved and host.organisations)
        assert not workload.licence or host.model == "licensed"
    for group in ("a", "b"):
        assert better.placement[f"{group}0"] != better.placement[f"{group}1"]
    assert hosts[better.placement["b0"]].site != hosts[better.placement["b1"]].site


@settings(deadline=None, max_examples=20)
@given(_inventories())
def test_moves_in_any_order_fit_in_memory_and_on_disk(inventory: Inventory) -> None:
    present = _present(inventory)
    bridge = bridge_to(inventory, present)
    better = bridge_back(bridge, rebalance(bridge.problem, bridge.present, _EFFORT, _silent))
    for number, host in enumerate(bridge.hosts):
        here = [
            workload.amounts
            for workload in inventory.workloads
            if host in {present[workload.name], better.placement[workload.name]}
        ]
        both = sum(here, start=Amounts())
        capacity = bridge.problem.machines[number].capacity
        assert both.memory_mib <= capacity[1]
        assert both.disk_gib <= capacity[2]


def _crowded() -> Inventory:
    busy = Workload(name="sig", amounts=Amounts(20_000, 65_536, 100, 0), host="h0")
    return Inventory(
        sites=_SITES,
        models={"blade": _BLADE},
        hosts=tuple(Host(name=f"h{at}", model="blade", site=_SITES[at % 2]) for at in range(3)),
        workloads=(busy, msgspec.structs.replace(busy, name="paie", downtime_s=30)),
    )


def test_of_two_workloads_the_one_moves_that_does_not_stop_and_stays_on_its_site() -> None:
    inventory = _crowded()
    bridge = bridge_to(inventory, _present(inventory))
    better = bridge_back(bridge, rebalance(bridge.problem, bridge.present, _EFFORT, _silent))
    assert better.placement == {"sig": "h2", "paie": "h0"}
    assert better.before.load > better.after.load == 0
    assert better.after.process_move == 100 + 64 * 10


def test_what_moves_cost_may_outweigh_what_they_gain() -> None:
    inventory = _crowded()
    dear = MovingPrice(move=1_000_000)
    bridge = bridge_to(inventory, _present(inventory), dear)
    better = bridge_back(bridge, rebalance(bridge.problem, bridge.present, _EFFORT, _silent))
    assert better.moved == ()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"host": ""}, "workload_runs_nowhere"),
        ({"host": "h9"}, "workload_runs_nowhere"),
        ({"sites": ("lens",)}, "workload_runs_where_it_may_not"),
        ({"licence": "sgbd"}, "workload_runs_where_it_may_not"),
        ({"apart": "x"}, "group_shares_host"),
        ({"apart": "x", "across_sites": True, "host": "h2"}, "group_on_few_sites"),
    ],
)
def test_a_placement_that_only_a_plan_can_mend_is_refused(
    changed: dict[str, object], code: str
) -> None:
    inventory = _crowded()
    one, two = inventory.workloads
    # The other one is only in the group where the change makes one.
    two = msgspec.structs.replace(two, apart="x" if "apart" in changed else "")
    workloads = (msgspec.structs.replace(one, **changed), two)
    inventory = msgspec.structs.replace(inventory, workloads=workloads)
    with pytest.raises(InvalidInputError) as caught:
        bridge_to(inventory, _present(inventory))
    assert caught.value.code == f"capacity.{code}"
