from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.checking import check_plan
from beffroi.capacity.model import Amounts, Host, Inventory, Workload
from beffroi.capacity.planning.moves import Way, way_to
from tests.unit.capacity.planning.planned_towns import NO_SPARE, by_day, old_hosts, town, workload


def breaches(inventory: Inventory, placement: Mapping[str, str], way: Way) -> list[object]:
    hosts = [host for host in inventory.hosts if host.name in placement.values()]
    checks = check_plan(inventory, placement, hosts, way.moves)
    about_moves = ("moves", "prefixes", "waves", "windows")
    return [breach for one in checks if one.rule in about_moves for breach in one.breaches]


def test_moves_that_have_room_at_once_are_one_wave() -> None:
    inventory = town([workload(f"w{i}", host=f"lomme-{i}") for i in range(3)], old_hosts(4))
    placement = dict.fromkeys(("w0", "w1", "w2"), "lomme-3")

    way = way_to(inventory, placement, inventory.hosts)

    assert {move.wave for move in way.moves} == {1}
    assert breaches(inventory, placement, way) == []


def test_a_move_waits_until_its_room_is_free() -> None:
    workloads = [workload("a", gib=60, host="lomme-0"), workload("b", gib=60, host="lomme-1")]
    inventory = town(workloads, old_hosts(3))
    placement = {"a": "lomme-1", "b": "lomme-2"}

    way = way_to(inventory, placement, inventory.hosts)

    assert [(move.workload, move.wave) for move in way.moves] == [("b", 1), ("a", 2)]
    assert breaches(inventory, placement, way) == []


def test_two_that_trade_places_park_the_one_that_stops_least() -> None:
    workloads = [
        workload("slow", gib=60, host="lomme-0", downtime_s=600),
        workload("live", gib=60, host="lomme-1"),
    ]
    inventory = town(workloads, old_hosts(3))
    placement = {"slow": "lomme-1", "live": "lomme-0"}

    way = way_to(inventory, placement, inventory.hosts)

    assert [(move.workload, move.target, move.parked) for move in way.moves] == [
        ("live", "lomme-2", True),
        ("slow", "lomme-1", False),
        ("live", "lomme-0", False),
    ]
    assert breaches(inventory, placement, way) == []


def test_where_nothing_can_be_parked_one_is_stopped_and_named() -> None:
    workloads = [
        workload("slow", gib=60, host="lomme-0", downtime_s=600),
        workload("quick", gib=60, host="lomme-1", downtime_s=30),
    ]
    inventory = town(workloads, old_hosts(2))

    way = way_to(inventory, {"slow": "lomme-1", "quick": "lomme-0"}, inventory.hosts)

    assert way.stopped == ("quick",)
    assert [(move.workload, move.origin, move.target) for move in way.moves] == [
        ("quick", "lomme-1", ""),
        ("slow", "lomme-0", "lomme-1"),
        ("quick", "", "lomme-0"),
    ]
    assert [(move.downtime_s, move.until) for move in way.moves] == [(630, 3), (600, 0), (0, 0)]


def test_a_stop_lasts_over_the_nights_that_others_wait_for() -> None:
    workloads = [
        workload("slow", gib=60, host="lomme-0", downtime_s=600, windows=(3,)),
        workload("quick", gib=60, host="lomme-1", downtime_s=30, windows=(22,)),
    ]
    inventory = town(workloads, old_hosts(2))
    placement = {"slow": "lomme-1", "quick": "lomme-0"}

    way = way_to(inventory, placement, inventory.hosts)

    assert way.moves[0].downtime_s == 30 + 148 * 3600
    assert breaches(inventory, placement, way) == []


def test_live_moves_come_before_those_that_stop_something() -> None:
    workloads = [
        workload("slow", gib=40, host="lomme-0", downtime_s=60),
        workload("live", gib=40, host="lomme-1"),
        workload("old", gib=40, host="lomme-2"),
    ]
    inventory = town(workloads, old_hosts(4))
    placement = {"slow": "lomme-2", "live": "lomme-0", "old": "lomme-3"}

    way = way_to(inventory, placement, inventory.hosts)

    assert [move.workload for move in way.moves] == ["old", "slow", "live"]
    assert breaches(inventory, placement, way) == []


def test_a_move_begins_in_the_quietest_hour_of_its_windows() -> None:
    day = list(by_day(500, 2_000, 0, 20))
    day[22] = 100
    windows = (10, 21, 22)
    inventory = town(
        [workload("a", host="lomme-0", windows=windows, cpu_by_hour=tuple(day))], old_hosts(2)
    )

    way = way_to(inventory, {"a": "lomme-1"}, inventory.hosts)

    assert [move.hour for move in way.moves] == [22]


def test_members_apart_never_meet_on_the_way() -> None:
    workloads = [workload(f"db{i}", host=f"lomme-{i}", apart="db") for i in range(2)]
    inventory = town(workloads, old_hosts(3))
    placement = {"db0": "lomme-1", "db1": "lomme-0"}

    way = way_to(inventory, placement, inventory.hosts)

    assert len(way.moves) == 3
    assert breaches(inventory, placement, way) == []


@st.composite
def reshuffled(draw: st.DrawFn) -> tuple[Inventory, dict[str, str]]:
    """Two placements that fit, of workloads that fill their hosts well."""
    hosts = old_hosts(draw(st.integers(2, 5)))
    count = draw(st.integers(1, 12))
    sizes = [draw(st.integers(4, 30)) for _ in range(count)]
    now = _placed(sizes, hosts, draw(st.permutations(range(count))))
    later = _placed(sizes, hosts, draw(st.permutations(range(count))))
    both = [number for number in range(count) if number in now and number in later]
    workloads = tuple(
        Workload(
            name=f"w{number}",
            amounts=Amounts(100, sizes[number] * 1024),
            host=now[number],
            downtime_s=draw(st.sampled_from([0, 60])),
            windows=draw(st.sampled_from([(), (22,), (3, 4), (167,)])),
        )
        for number in both
    )
    inventory = town(workloads, hosts, policy=NO_SPARE)
    return inventory, {f"w{number}": later[number] for number in both}


def _placed(sizes: list[int], hosts: tuple[Host, ...], order: list[int]) -> dict[int, str]:
    """First fit in a drawn order; whatever finds no room is left out."""
    room = {host.name: 64 for host in hosts}
    placed = {}
    for number in order:
        host = next((name for name, left in room.items() if left >= sizes[number]), None)
        if host is not None:
            room[host] -= sizes[number]
            placed[number] = host
    return placed


@settings(max_examples=150, deadline=None)
@given(drawn=reshuffled())
def test_every_way_holds_at_every_step(drawn: tuple[Inventory, dict[str, str]]) -> None:
    inventory, placement = drawn

    way = way_to(inventory, placement, inventory.hosts)

    assert breaches(inventory, placement, way) == []
    ends = {one.name: one.host for one in inventory.workloads}
    for move in way.moves:
        assert ends[move.workload] == move.origin
        ends[move.workload] = move.target
    assert ends == placement
