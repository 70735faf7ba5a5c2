"""What is kept for the loss of a host, a site, or several hosts at once, where hosts differ."""

import msgspec
import numpy as np
import pytest

from beffroi.capacity.model import (
    Amounts,
    Criticality,
    Decision,
    Host,
    HostModel,
    Inventory,
    SiteLoss,
    Workload,
)
from beffroi.capacity.planning.blocks import blocks_of
from beffroi.capacity.planning.consolidation import plan
from beffroi.capacity.planning.estate import estate_of
from beffroi.capacity.planning.sides import FREE, sides_of
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import (
    NO_SPARE,
    WHOLE,
    names,
    old_hosts,
    planned,
    town,
    what_fails,
    workload,
)


def unlike_hosts(workloads: int) -> Inventory:
    """Give three servers none of which can stand in for another, however full."""
    sizes = {"cores": (32_000, 48), "both": (24_000, 64), "memory": (16_000, 128)}
    models = {
        name: HostModel(name=name, amounts=Amounts(cpu, gib * 1024, 1_000))
        for name, (cpu, gib) in sizes.items()
    }
    return Inventory(
        sites=("lomme",),
        models=models,
        hosts=tuple(Host(name=f"h-{name}", model=name, site="lomme") for name in models),
        workloads=tuple(workload(f"w{i}", gib=4, cores=2) for i in range(workloads)),
        policy=WHOLE,
    )


def test_of_unlike_servers_one_takes_over_what_the_other_had() -> None:
    plan = planned(unlike_hosts(6))

    assert what_fails(plan) == []
    assert (plan.proof.hosts, plan.proof.optimal) == (2, True)


def test_unlike_servers_that_are_full_are_refused_with_the_spare() -> None:
    with pytest.raises(InvalidInputError) as refused:
        planned(unlike_hosts(24))

    assert refused.value.code == "capacity.no_plan"
    assert refused.value.values["rules"] == "hosts + spare_hosts = 1"


def two_held_hosts() -> Inventory:
    """Give two hosts that fixed workloads keep, and one workload that either can take."""
    fixed = [workload(f"f{i}", host=f"lomme-{i}", fixed=True) for i in range(2)]
    return town([*fixed, workload("w")], old_hosts(2))


def test_a_host_that_fixed_workloads_keep_takes_over_from_another() -> None:
    plan = planned(two_held_hosts())

    assert what_fails(plan) == []
    assert (plan.proof.hosts, plan.proof.optimal) == (2, True)


def test_a_plan_that_is_only_not_found_is_not_called_impossible() -> None:
    with pytest.raises(InvalidInputError) as refused:
        plan(two_held_hosts(), lambda _: None, deadline_s=0, seed=1)

    assert refused.value.code == "capacity.plan_not_found"


def test_those_together_with_a_fixed_one_start_again_without_it() -> None:
    workloads = [
        workload("db", host="lomme-0", fixed=True, together="erp"),
        workload("app", host="lomme-0", together="erp"),
    ]

    plan = planned(town(workloads, old_hosts(3)))

    assert what_fails(plan) == []
    assert (plan.proof.hosts, plan.proof.optimal) == (2, True)
    lost = {one.lost: one for one in plan.proof.replays}["lomme-0"]
    assert (set(lost.restarted), lost.shed) == ({"app"}, ("db",))


def test_hosts_that_wait_beside_a_fixed_workload_need_no_spare() -> None:
    full = workload(
        "f", gib=64, cores=8, host="lille-0", fixed=True, criticality=Criticality.SHEDDABLE
    )
    policy = msgspec.structs.replace(WHOLE, spare_hosts=2, site_loss=SiteLoss.KEEP)
    hosts = [*old_hosts(3), *old_hosts(3, site="lille")]

    plan = planned(
        town([workload("w", gib=32), full], hosts, sites=("lomme", "lille"), policy=policy)
    )

    assert what_fails(plan) == []
    assert (plan.proof.bound.hosts, plan.proof.hosts) == (5, 5)


def across_sites(name: str, *sites: str) -> Workload:
    return workload(name, gib=1, apart="dns", across_sites=True, sites=sites)


def test_a_member_pinned_to_a_site_is_the_one_that_stands_there() -> None:
    hosts = [*old_hosts(1), *old_hosts(2, site="lille")]
    group = [across_sites("w0"), across_sites("w1"), across_sites("w2", "lomme")]

    plan = planned(town(group, hosts, sites=("lomme", "lille"), policy=NO_SPARE))

    assert what_fails(plan) == []
    assert plan.placement["w2"] == "lomme-0"


def test_only_who_joins_a_pinned_member_from_elsewhere_is_settled() -> None:
    hosts = [*old_hosts(1), *old_hosts(2, site="lille")]
    group = [across_sites("w0"), across_sites("w1"), across_sites("w2", "lomme")]
    inventory = town(group, hosts, sites=("lomme", "lille"), policy=NO_SPARE)
    estate = estate_of(inventory, blocks_of(inventory))
    at_work = np.array([kind.most for kind in estate.kinds])

    ways = [sides_of(estate, at_work, restarting=False, attempt=number) for number in range(2)]

    lille = 1
    assert sorted(sides.tolist() for sides in ways) == [[FREE, lille, 0], [lille, FREE, 0]]


def test_the_loss_of_the_only_site_is_refused() -> None:
    policy = msgspec.structs.replace(NO_SPARE, site_loss=SiteLoss.SHED)

    with pytest.raises(InvalidInputError) as refused:
        planned(town([workload("w")], old_hosts(2), policy=policy))

    assert refused.value.code == "capacity.site_loss_without_another"
    assert "site_loss" in refused.value.message()


def test_a_workload_fixed_to_no_host_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        planned(town([workload("w", fixed=True)], old_hosts(2)))

    assert refused.value.code == "capacity.fixed_nowhere"
    assert "«w»" in refused.value.message()


def test_how_many_sets_of_hosts_were_lost_is_told() -> None:
    policy = msgspec.structs.replace(WHOLE, spare_hosts=4)
    workloads = [workload(f"w{i}", gib=60) for i in range(12)]

    few = planned(town(workloads[:2], old_hosts(16), policy=policy))
    many = planned(town(workloads, old_hosts(16), policy=policy))

    assert (few.proof.loss_sets_tried, few.proof.loss_sets) == (15, 15)
    assert (many.proof.hosts, many.proof.loss_sets) == (16, 1820)
    assert [one.code for one in many.remarks] == ["loss_sets_tried"]
    assert many.remarks[0].values["tried"] == many.proof.loss_sets_tried < 100
    assert few.remarks == ()


def test_the_cheapest_of_the_plans_that_only_all_plans_show_is_taken() -> None:
    dear = msgspec.structs.replace(
        unlike_hosts(1).models["both"], name="dear", price_eur="9000.00", licences=("oracle",)
    )
    cheap = msgspec.structs.replace(dear, name="cheap", price_eur="4000.00")
    inventory = msgspec.structs.replace(
        two_held_hosts(), hosts=old_hosts(1), buys=("dear", "cheap")
    )
    inventory = msgspec.structs.replace(
        inventory,
        models={**inventory.models, "dear": dear, "cheap": cheap},
        workloads=inventory.workloads[:1] + inventory.workloads[2:],
    )

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert names(plan, Decision.BUY) == ["cheap-lomme-1"]
