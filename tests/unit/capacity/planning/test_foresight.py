import msgspec

from beffroi.capacity.growth import ForesightRequest
from beffroi.capacity.model import Amounts, Host, HostModel, Inventory, SiteLoss, Workload
from beffroi.capacity.planning.foresight import foreseen, room_left, runway
from tests.unit.capacity.planning.planned_towns import (
    WHOLE,
    old_hosts,
    planned,
    town,
    workload,
)

STANDARD = Workload(name="standard", amounts=Amounts(4_000, 16 * 1024))


def test_twenty_empty_nodes_with_one_in_reserve_hold_285_standards() -> None:
    """The case of hspace --simulate, which finds 266: 19 nodes hold 15 each."""
    node = HostModel(name="node", amounts=Amounts(64_000, 240 * 1024, 1_000))
    hosts = tuple(Host(name=f"n{i:02}", model="node", site="lomme") for i in range(20))
    empty = Inventory(
        sites=("lomme",), models={"node": node}, hosts=hosts, workloads=(), policy=WHOLE
    )

    room = room_left(
        ForesightRequest(inventory=empty, hosts=hosts, standard=STANDARD, spares=("n00",))
    )

    assert (room.without_moves, room.with_moves) == (285, 285)
    assert 285 <= room.at_most <= 300


def test_moving_others_makes_room_that_fragments_do_not_have() -> None:
    hosts = old_hosts(4)
    workloads = [workload(f"w{i}", gib=24, host=f"lomme-{i}") for i in range(3)]
    inventory = town(workloads, hosts)
    large = Workload(name="large", amounts=Amounts(1_000, 60 * 1024))

    room = room_left(
        ForesightRequest(inventory=inventory, hosts=hosts, standard=large, spares=("lomme-3",))
    )

    assert (room.without_moves, room.with_moves) == (0, 1)


def test_room_for_failover_is_not_counted_as_left() -> None:
    policy = msgspec.structs.replace(WHOLE, site_loss=SiteLoss.KEEP)
    hosts = (*old_hosts(3), *old_hosts(3, site="lille"))
    inventory = town(
        [workload(f"w{i}", gib=30) for i in range(4)],
        hosts,
        sites=("lomme", "lille"),
        policy=policy,
    )
    plan = planned(inventory)
    placed = msgspec.structs.replace(
        inventory,
        workloads=tuple(
            msgspec.structs.replace(one, host=plan.placement[one.name])
            for one in inventory.workloads
        ),
    )
    spares = tuple(one.host.name for one in plan.hosts if one.spare)
    standard = workload("standard", gib=30)

    room = room_left(
        ForesightRequest(inventory=placed, hosts=hosts, standard=standard, spares=spares)
    )

    assert room.with_moves == 2


def test_the_month_in_which_it_is_full_and_what_extends_it() -> None:
    hosts = old_hosts(4)
    inventory = town([workload(f"w{i}", gib=25) for i in range(6)], hosts, buys=("blade",))

    found = runway(
        ForesightRequest(
            inventory=inventory, hosts=hosts, standard=STANDARD, per_year=0.25, years=4
        )
    )

    # Two of 25 GiB share a host of 64 until each takes 32: after 13 months at 25 % a year.
    assert found.full_after_months == 13
    assert found.resource == "memory_mib"
    assert [one.hosts for one in found.years] == [0, 2, 2, 2]
    assert found.years[-1].cost_eur == "18000.00"


def test_a_workload_that_outgrows_every_host_blames_the_resource_it_lacks_there() -> None:
    hosts = old_hosts(4)
    inventory = town([workload("large", gib=40, cores=1), workload("small", gib=1)], hosts)

    found = runway(
        ForesightRequest(inventory=inventory, hosts=hosts, standard=STANDARD, per_year=0.2, years=3)
    )

    # 40 GiB exceed the 64 of a host after 30 months at 20 % a year; all hosts have 256.
    assert found.full_after_months == found.never_fits_after_months == 30
    assert found.resource == "memory_mib"


def test_a_platform_that_never_fills_says_nothing() -> None:
    hosts = old_hosts(4)

    foresight = foreseen(
        ForesightRequest(
            inventory=town([workload("w")], hosts),
            hosts=hosts,
            standard=STANDARD,
            per_year=0.0,
            years=2,
        ),
        lambda _: None,
    )

    assert foresight.runway.full_after_months is None
    assert foresight.runway.resource == ""
    assert [one.cost_eur for one in foresight.runway.years] == ["0", "0"]
