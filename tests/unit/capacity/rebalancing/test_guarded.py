from beffroi.capacity.rebalancing.bridge import bridge_to
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.guarded import guarded
from beffroi.capacity.rebalancing.model import Rule
from tests.unit.capacity.rebalancing.crowded_rooms import hosts, inventory, workload


def test_a_host_may_not_be_filled_beyond_its_share_as_the_bridge_would_let_it() -> None:
    asked = inventory(hosts(2), workload("a", "h0", 5000, 10), workload("b", "h1", 4000, 10))
    bridge = bridge_to(asked, {"a": "h0", "b": "h1"})
    crowded = (0, 0)
    assert check_placement(bridge.problem, bridge.present, crowded).holds
    problem = guarded(bridge.problem, bridge.present)
    assert check_placement(problem, bridge.present, bridge.present).holds
    broken = check_placement(problem, bridge.present, crowded).broken
    assert {one.rule for one in broken} == {Rule.CAPACITY}


def test_nothing_enters_a_host_that_is_too_full_even_where_as_much_leaves() -> None:
    asked = inventory(
        hosts(2),
        workload("a", "h0", 6000, 10),
        workload("b", "h0", 3000, 10),
        workload("c", "h1", 1000, 10),
    )
    bridge = bridge_to(asked, {"a": "h0", "b": "h0", "c": "h1"})
    problem = guarded(bridge.problem, bridge.present)
    rules = {one.rule for one in check_placement(problem, bridge.present, (0, 1, 0)).broken}
    assert Rule.ONLY_ON in rules
    assert check_placement(problem, bridge.present, (0, 1, 1)).holds


def test_two_workloads_may_not_change_places_where_one_host_cannot_hold_both() -> None:
    asked = inventory(hosts(2), workload("a", "h0", 6000, 10), workload("b", "h1", 5000, 10))
    bridge = bridge_to(asked, {"a": "h0", "b": "h1"})
    exchanged = (1, 0)
    assert check_placement(bridge.problem, bridge.present, exchanged).holds
    assert not check_placement(
        guarded(bridge.problem, bridge.present), bridge.present, exchanged
    ).holds
