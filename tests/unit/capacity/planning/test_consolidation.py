import msgspec
import pytest

from beffroi.capacity.model import Criticality, Decision, Host, SiteLoss
from tests.unit.capacity.planning.planned_towns import (
    NO_SPARE,
    WHOLE,
    by_day,
    names,
    old_hosts,
    planned,
    reasons,
    town,
    what_fails,
    workload,
)


def test_the_fewest_hosts_and_a_spare_are_kept_and_the_rest_switched_off() -> None:
    hosts = old_hosts(8)
    inventory = town([workload(f"w{i}", host=f"lomme-{i}") for i in range(8)], hosts)

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert (plan.proof.bound.hosts, plan.proof.hosts, plan.proof.optimal) == (3, 3, True)
    assert len(names(plan, Decision.SWITCH_OFF)) == 5
    assert [one.spare for one in plan.hosts].count(True) == 1


def test_new_blades_replace_old_servers_and_are_named_by_model_and_site() -> None:
    hosts = old_hosts(10)
    inventory = town(
        [workload(f"w{i}", gib=40, host=f"lomme-{i}") for i in range(10)], hosts, buys=("blade",)
    )

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert names(plan, Decision.BUY) == ["blade-lomme-1", "blade-lomme-2", "blade-lomme-3"]
    assert len(names(plan, Decision.SWITCH_OFF)) == 10


def test_of_plans_with_as_many_hosts_the_one_that_buys_least_wins() -> None:
    blades = [Host(name="chassis-1", model="blade", site="lomme")]
    inventory = town([workload(f"w{i}", gib=100) for i in range(2)], blades, buys=("blade",))

    plan = planned(inventory)

    assert names(plan, Decision.KEEP) == ["chassis-1"]
    assert names(plan, Decision.BUY) == ["blade-lomme-1"]


def test_peaks_that_do_not_meet_share_a_host() -> None:
    day = [workload(f"day{i}", cores=6, cpu_by_hour=by_day(500, 6_000, 8, 18)) for i in range(3)]
    night = [
        workload(f"night{i}", cores=6, cpu_by_hour=by_day(500, 6_000, 20, 24)) for i in range(3)
    ]
    inventory = town([*day, *night], old_hosts(6), policy=NO_SPARE)

    together = planned(inventory)
    added_up = planned(
        msgspec.structs.replace(inventory, policy=msgspec.structs.replace(NO_SPARE, peaks=False))
    )

    assert what_fails(together) == what_fails(added_up) == []
    assert (together.proof.hosts, added_up.proof.hosts) == (3, 6)


def test_an_hour_that_no_sum_points_at_still_holds() -> None:
    """Each workload peaks at an hour of its own, two by two; the sums are highest elsewhere."""
    workloads = []
    for i in range(12):
        hours = [1_000] * 168
        hours[12] = 1_200
        hours[30 + i // 2] = 5_000
        workloads.append(workload(f"w{i}", gib=4, cores=5, cpu_by_hour=tuple(hours)))
    plan = planned(town(workloads, old_hosts(12), policy=NO_SPARE))

    assert what_fails(plan) == []


def test_workloads_apart_stand_on_distinct_hosts_and_set_the_bound() -> None:
    inventory = town([workload(f"db{i}", gib=1, apart="db") for i in range(4)], old_hosts(8))

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.proof.bound.hosts == plan.proof.hosts == 5
    assert plan.proof.bound.why.code == "bound_apart"
    assert "keep_apart" in reasons(plan).values()


def test_workloads_together_stand_on_one_host_even_in_two_groups_apart() -> None:
    workloads = [
        workload(f"{what}{i}", together=f"pair{i}", apart=what)
        for i in range(3)
        for what in ("web", "cache")
    ] + [workload("web3", apart="web"), workload("cache3", apart="cache")]

    plan = planned(town(workloads, old_hosts(9)))

    assert what_fails(plan) == []
    assert plan.placement["web1"] == plan.placement["cache1"]


def test_a_licence_keeps_its_hosts_and_a_spare_that_has_it_too() -> None:
    hosts = [
        *old_hosts(4),
        *(Host(name=f"ora-{i}", model="oracle", site="lomme") for i in range(3)),
    ]
    inventory = town(
        [workload("erp", licence="oracle"), *(workload(f"w{i}") for i in range(3))], hosts
    )

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.proof.hosts == 2
    assert plan.placement["erp"].startswith("ora-")


def test_hosts_of_one_organisation_take_no_others() -> None:
    hosts = [*old_hosts(2, organisations=("housing",)), *old_hosts(2, site="lille")]
    inventory = town(
        [workload("rents", organisation="housing"), workload("school", organisation="town")],
        hosts,
        sites=("lomme", "lille"),
        policy=NO_SPARE,
    )

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.placement["school"].startswith("lille")


def test_a_fixed_workload_keeps_its_host_and_says_so() -> None:
    workloads = [workload("pbx", gib=1, host="lomme-5", fixed=True), workload("a"), workload("b")]
    inventory = town(workloads, old_hosts(6))

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.placement["pbx"] == "lomme-5"
    assert reasons(plan)["lomme-5"] == "keep_fixed"


def test_a_host_told_to_go_is_emptied() -> None:
    hosts = [*old_hosts(3), Host(name="tired", model="blade", site="lomme", switched_off=True)]
    inventory = town([workload("a", host="tired"), workload("b", host="tired")], hosts)

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert reasons(plan)["tired"] == "off_told"
    assert {move.origin for move in plan.moves} == {"tired"}


def test_spare_hosts_may_be_several() -> None:
    policy = msgspec.structs.replace(WHOLE, spare_hosts=2)

    plan = planned(town([workload(f"w{i}") for i in range(8)], old_hosts(8), policy=policy))

    assert what_fails(plan) == []
    assert plan.proof.hosts == plan.proof.bound.hosts == 4


def test_hosts_of_two_sizes_have_a_spare_that_can_stand_in_for_the_larger() -> None:
    hosts = [*old_hosts(4), *(Host(name=f"b{i}", model="blade", site="lomme") for i in range(2))]
    inventory = town([workload(f"w{i}", gib=30) for i in range(8)], hosts)

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.proof.hosts == plan.proof.bound.hosts == 2


@pytest.mark.parametrize("loss", [SiteLoss.SHED, SiteLoss.KEEP])
def test_what_is_critical_starts_again_on_the_other_site(loss: SiteLoss) -> None:
    kinds = (Criticality.CRITICAL, Criticality.SHEDDABLE)
    workloads = [workload(f"w{i}", gib=20, criticality=kinds[i % 3 > 0]) for i in range(30)]
    policy = msgspec.structs.replace(WHOLE, site_loss=loss)
    inventory = town(workloads, sites=("lomme", "lille"), buys=("blade",), policy=policy)

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.proof.hosts == plan.proof.bound.hosts == 5
    lost = {one.lost: one for one in plan.proof.replays if one.is_site}
    assert set(lost) == {"lomme", "lille"}
    assert sum(len(one.restarted) for one in lost.values()) == 10


def test_a_group_across_sites_stands_on_both() -> None:
    group = [workload(f"dns{i}", gib=1, apart="dns", across_sites=True) for i in range(3)]
    hosts = [*old_hosts(4), *old_hosts(4, site="lille")]

    plan = planned(town(group, hosts, sites=("lomme", "lille")))

    assert what_fails(plan) == []
    assert {host.partition("-")[0] for host in plan.placement.values()} == {"lomme", "lille"}


def test_a_pinned_workload_stays_on_its_site() -> None:
    hosts = [*old_hosts(3), *old_hosts(3, site="lille")]
    workloads = [workload("a", sites=("lille",), host="lomme-0"), workload("b", host="lomme-1")]

    plan = planned(town(workloads, hosts, sites=("lomme", "lille")))

    assert what_fails(plan) == []
    assert plan.placement["a"].startswith("lille")


def test_three_sites_share_the_load_of_the_one_that_is_lost() -> None:
    policy = msgspec.structs.replace(WHOLE, site_loss=SiteLoss.KEEP)
    workloads = [workload(f"w{i}", gib=30) for i in range(24)]
    sites = ("lomme", "lille", "loos")

    plan = planned(town(workloads, sites=sites, buys=("blade",), policy=policy))

    assert what_fails(plan) == []
    assert plan.proof.gap <= 1


def test_a_site_that_only_waits_for_the_loss_of_the_other_needs_no_spare() -> None:
    policy = msgspec.structs.replace(WHOLE, spare_hosts=2, site_loss=SiteLoss.SHED)
    hosts = [*old_hosts(1), *old_hosts(3, site="lille")]

    plan = planned(town([workload("w")], hosts, sites=("lomme", "lille"), policy=policy))

    assert what_fails(plan) == []
    assert plan.proof.hosts == plan.proof.bound.hosts == 4


def test_old_servers_of_several_sizes_are_filled_no_further_than_their_spare_holds() -> None:
    """Five of 64 GiB and a blade: the blade, filled to 64 GiB, needs no second blade as spare."""
    hosts = [*old_hosts(5), Host(name="chassis-1", model="blade", site="lomme")]
    inventory = town([workload(f"w{i}", gib=60) for i in range(4)], hosts)

    plan = planned(inventory)

    assert what_fails(plan) == []
    assert plan.proof.hosts == 5


def test_nothing_to_carry_switches_everything_off() -> None:
    plan = planned(town([], old_hosts(3)))

    assert plan.proof.hosts == plan.proof.bound.hosts == 0
    assert set(reasons(plan).values()) == {"off_empty"}


def test_the_same_seed_makes_the_same_plan() -> None:
    inventory = town(
        [workload(f"w{i}", gib=10 + i % 7, host=f"lomme-{i % 9}") for i in range(25)], old_hosts(9)
    )

    first, second = planned(inventory), planned(inventory)

    assert first.placement == second.placement
    assert first.moves == second.moves


def test_a_packing_that_sums_do_not_rule_out_is_proven_impossible() -> None:
    """Three of 40 GiB: two hosts of 64 hold 120 in sum, yet only one each."""
    plan = planned(town([workload(f"w{i}", gib=40) for i in range(3)], old_hosts(5)))

    assert plan.proof.hosts == plan.proof.bound.hosts == 4
    assert plan.proof.bound.why.code == "bound_exact"
