"""The checker finds a breach of every rule, and no other one."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.checking import Rule
from beffroi.capacity.model import Amounts, Host, Move, Policy
from beffroi.kernel.catalogue import Language, entries, sentence
from tests.unit.capacity.checked_town import WHOLE, Planned, in_hours, placed, town, workload


def with_policy(plan: Planned, **policy: Any) -> Planned:
    changed = msgspec.structs.replace(plan.inventory.policy, **policy)
    return plan.but(inventory=msgspec.structs.replace(plan.inventory, policy=changed))


def test_a_plan_that_holds_has_no_breach() -> None:
    assert town().broken() == set()


def test_every_rule_is_looked_at() -> None:
    checks = town().checks()
    assert list(checks) == [rule.value for rule in Rule]
    assert all(check.looked_at > 0 for check in checks.values())


def unplaced() -> Planned:
    plan = town()
    placement = {name: host for name, host in plan.placement.items() if name != "rents"}
    return plan.but(placement=placement)


def renamed_site() -> Planned:
    plan = town()
    new = msgspec.structs.replace(plan.used_hosts[-1], site="C")
    return plan.but(used_hosts=(*plan.used_hosts[:-1], new))


def not_on_sale() -> Planned:
    return town().but(inventory=msgspec.structs.replace(town().inventory, buys=()))


def with_host(name: str, **changes: Any) -> Planned:
    """Plan for a host as the inventory does not have it."""
    plan = town()
    return plan.but(
        used_hosts=tuple(
            msgspec.structs.replace(one, **changes) if one.name == name else one
            for one in plan.used_hosts
        )
    )


def old_kept() -> Planned:
    plan = town()
    return plan.but(used_hosts=(*plan.used_hosts, plan.inventory.hosts[1]))


def one_wave() -> Planned:
    """Let «archive» and «web1» swap places: one after the other it holds, at once it does not."""
    plan = placed(
        {"h1": "A", "h2": "A", "h3": "A"},
        {
            "h1": (workload("full1", 90_000),),
            "h2": (workload("full2", 60_000),),
            "h3": (workload("small", 10_000),),
        },
        WHOLE,
    )
    for name, host in {"full1": "h3", "full2": "h1", "small": "h2"}.items():
        plan = plan.but_workload(name, host=host)
    return plan.but(
        moves=(
            Move(number=1, wave=1, workload="small", origin="h2", target="h3"),
            Move(number=2, wave=1, workload="full2", origin="h1", target="h2"),
            Move(number=3, wave=1, workload="full1", origin="h3", target="h1"),
        )
    )


BREACHES = {
    "unplaced": (unplaced(), Rule.PLACED, "not_placed"),
    "on a host that goes": (town().but_placed(archive="old"), Rule.PLACED, "on_unused_host"),
    "invented": (town().but_placed(ghost="a1"), Rule.PLACED, "workload_unknown"),
    "not on sale": (not_on_sale(), Rule.HOSTS, "host_not_on_sale"),
    "another model": (with_host("b1", model="sold"), Rule.HOSTS, "host_altered"),
    "another site": (
        with_host("a1", site="B"),
        Rule.HOSTS,
        "host_altered",
    ),
    "no longer reserved": (with_host("b2", organisations=()), Rule.HOSTS, "host_altered"),
    "bought for some": (
        with_host("new", organisations=("",)),
        Rule.HOSTS,
        "bought_host_reserved",
    ),
    "no such site": (renamed_site(), Rule.HOSTS, "site_unknown"),
    "twice": (
        town().but(used_hosts=(*town().used_hosts, town().used_hosts[0])),
        Rule.HOSTS,
        "host_twice",
    ),
    "cpu": (
        town().but_workload("rents", amounts=Amounts(10_001, 1, 1)),
        Rule.CPU,
        "host_over_cpu_at.0",
    ),
    "memory": (
        town().but_workload("rents", amounts=Amounts(1, 100_001, 1)),
        Rule.MEMORY,
        "host_over_memory",
    ),
    "disk": (
        town().but_workload("rents", amounts=Amounts(1, 1, 1_001)),
        Rule.DISK,
        "host_over_disk",
    ),
    "io": (town().but_workload("rents", amounts=Amounts(1, 1, 1, 5_001)), Rule.IO, "host_over_io"),
    "apart": (
        town().but_workload("badges", apart="web").but_workload("web2", host="b1"),
        Rule.APART,
        "apart_meet",
    ),
    "one site": (
        town()
        .but_workload("finance", apart="two", across_sites=True)
        .but_workload("archive", apart="two"),
        Rule.ACROSS_SITES,
        "on_one_site",
    ),
    "together": (
        town().but_workload("web2", together="erp"),
        Rule.TOGETHER,
        "together_separated",
    ),
    "site": (town().but_workload("badges", sites=("A",)), Rule.SITES, "site_not_allowed"),
    "licence": (
        town().but_workload("badges", licence="oracle"),
        Rule.LICENCES,
        "licence_missing",
    ),
    "owner": (
        town().but_workload("rents", organisation="town hall"),
        Rule.OWNERS,
        "owner_not_allowed",
    ),
    "switched off": (old_kept(), Rule.SWITCHED_OFF, "switched_off_used"),
    "number": (town().but_move(3, number=5), Rule.MOVES, "move_out_of_order"),
    "origin": (town().but_move(2, origin="b2"), Rule.MOVES, "move_origin_wrong"),
    "downtime": (town().but_move(4, downtime_s=29), Rule.MOVES, "move_downtime_short"),
    "missing": (town().but(moves=town().moves[:3]), Rule.MOVES, "moves_end_elsewhere"),
    "unknown": (
        town().but(
            moves=(*town().moves, Move(number=5, wave=3, workload="ghost", origin="", target="a1"))
        ),
        Rule.MOVES,
        "move_unknown",
    ),
    "side by side": (one_wave(), Rule.WAVES, "move_over_memory"),
    "no hour": (town().but_move(4, hour=None), Rule.WINDOWS, "move_without_hour"),
    "outside": (town().but_move(4, hour=26), Rule.WINDOWS, "move_outside_window_at.1"),
}


# What else no longer holds, for a reason of its own.
CONSEQUENCES = {
    "unplaced": (Rule.MOVES,),
    "on a host that goes": (Rule.MOVES,),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_found_under_its_rule_and_its_consequences_alone(name: str) -> None:
    plan, rule, code = BREACHES[name]
    assert plan.codes(rule) == {code}
    assert plan.broken() == {rule, *CONSEQUENCES.get(name, ())}


def test_a_fixed_workload_that_moves_is_told_in_the_placement_and_in_the_move() -> None:
    plan = town().but_workload("archive", fixed=True)
    assert plan.broken() == {Rule.FIXED, Rule.MOVES}
    assert plan.codes(Rule.FIXED) == {"fixed_moved"}
    assert plan.codes(Rule.MOVES) == {"move_of_fixed"}


def test_a_workload_that_arrives_before_there_is_room_breaks_the_prefix() -> None:
    plan = one_wave()
    early = plan.but(
        moves=tuple(
            msgspec.structs.replace(plan.moves[place], number=number, wave=number)
            for number, place in enumerate((2, 1, 0), start=1)
        )
    )
    assert Rule.PREFIXES in early.broken()
    assert Rule.PREFIXES not in plan.broken()


def test_a_stop_on_the_way_obeys_the_rules_too() -> None:
    plan = town().but_workload("archive", sites=("A",))
    assert plan.broken() == {Rule.PREFIXES, Rule.WAVES}
    assert plan.codes(Rule.PREFIXES) == {"site_not_allowed"}


def test_a_stop_beside_a_member_of_the_group_is_told() -> None:
    plan = town().but_workload("archive", apart="copies").but_workload("badges", apart="copies")
    assert plan.broken() == {Rule.PREFIXES, Rule.WAVES}
    assert plan.codes(Rule.PREFIXES) == {"move_meets"}


def test_nothing_is_parked_on_a_host_that_is_to_go() -> None:
    moves = (
        Move(number=1, wave=1, workload="bulletin", origin="", target="old", parked=True),
        Move(number=2, wave=2, workload="bulletin", origin="old", target="b1"),
    )
    plan = town().but_workload("web1", host="new").but_workload("archive", host="new")
    plan = plan.but(moves=moves)
    assert plan.codes(Rule.PREFIXES) == {"move_to_switched_off"}


def test_a_workload_moves_once_in_a_wave() -> None:
    plan = town().but_move(1, wave=1).but_move(2, wave=1).but_move(3, wave=1).but_move(4, wave=1)
    assert plan.codes(Rule.WAVES) == {"wave_moves_twice"}


def test_a_wave_frees_all_that_left_with_it() -> None:
    hosts = ("h1", "h2", "h3", "h4")
    groups = {
        "h2": (workload("one", 40_000, host="h1"),),
        "h3": (workload("other", 60_000, host="h1"),),
        "h1": (workload("late", 90_000, host="h4"),),
        "h4": (),
    }
    moves = (
        Move(number=1, wave=1, workload="one", origin="h1", target="h2"),
        Move(number=2, wave=1, workload="other", origin="h1", target="h3"),
        Move(number=3, wave=2, workload="late", origin="h4", target="h1"),
    )
    plan = placed(dict.fromkeys(hosts, "A"), groups, WHOLE).but(moves=moves)
    assert plan.broken() == set()


def test_a_workload_may_be_stopped_to_let_others_pass_and_starts_again() -> None:
    plan = one_wave()
    moves = (
        Move(number=1, wave=1, workload="full2", origin="h1", target="", parked=True, until=4),
        Move(number=2, wave=2, workload="full1", origin="h3", target="h1"),
        Move(number=3, wave=3, workload="small", origin="h2", target="h3"),
        Move(number=4, wave=4, workload="full2", origin="", target="h2"),
    )
    assert plan.but(moves=moves).broken() == set()
    assert plan.but(moves=moves[:3]).codes(Rule.MOVES) == {"moves_end_elsewhere", "stop_end_untold"}


def test_waves_do_not_go_back() -> None:
    assert town().but_move(4, wave=1).codes(Rule.MOVES) == {"move_out_of_order"}


def test_a_group_none_of_which_asks_for_two_sites_may_stand_on_one() -> None:
    plan = town().but_workload("finance", apart="two").but_workload("archive", apart="two")
    assert plan.broken() == set()


def test_peaks_that_do_not_meet_share_a_host() -> None:
    by_day = workload("day", cpu_milli=8_000, cpu_by_hour=in_hours(500, 8_000, 8, 18))
    by_night = workload("night", cpu_milli=8_000, cpu_by_hour=in_hours(500, 8_000, 20, 24))
    plan = placed({"h1": "A"}, {"h1": (by_day, by_night)}, WHOLE)
    plan = plan.but_workload("day", host="h1").but_workload("night", host="h1")
    assert plan.broken() == set()
    assert with_policy(plan, peaks=False).broken() == {Rule.CPU}


def test_peaks_that_meet_are_told_with_their_hour() -> None:
    one = workload("one", cpu_milli=8_000, cpu_by_hour=(0,) * 33 + (8_000,) + (0,) * 134, host="h1")
    other = workload("other", cpu_milli=2_001, host="h1")
    plan = placed({"h1": "A"}, {"h1": (one, other)}, WHOLE)
    (breach,) = plan.checks()[Rule.CPU].breaches
    assert breach.code == "host_over_cpu_at.1"
    assert breach.values == {"host": "h1", "hour": 9, "used": 10_001, "usable": 10_000}


def test_a_plan_uses_no_more_than_its_shares() -> None:
    plan = placed({"h1": "A"}, {"h1": (workload("one", 95_001, 8_001, host="h1"),)}, WHOLE)
    assert plan.broken() == set()
    assert with_policy(plan, cpu_share=0.8, memory_share=0.95).broken() == {Rule.CPU, Rule.MEMORY}


def test_a_host_that_was_too_full_is_no_breach_while_it_empties() -> None:
    plan = placed(
        {"h1": "A", "h2": "A"}, {"h1": (workload("stays", 60_000, host="h1"),), "h2": ()}, WHOLE
    )
    leaves = workload("leaves", 60_000, host="h1")
    plan = plan.but(
        inventory=msgspec.structs.replace(
            plan.inventory, workloads=(*plan.inventory.workloads, leaves)
        ),
        placement={**plan.placement, "leaves": "h2"},
        moves=(Move(number=1, wave=1, workload="leaves", origin="h1", target="h2"),),
    )
    assert plan.broken() == set()


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_told_in_words(language: Language, name: str) -> None:
    plan, rule, _ = BREACHES[name]
    for breach in plan.checks()[rule].breaches:
        told = sentence(language, f"capacity.reasons.{breach.code}", **breach.values)
        assert all(str(value) in told for key, value in breach.values.items() if key == "host")


@pytest.mark.parametrize("language", list(Language))
def test_every_rule_has_its_words(language: Language) -> None:
    assert [rule for rule in Rule if f"rules.{rule}" not in entries("capacity", language)] == []


sizes = st.tuples(st.integers(0, 12_000), st.integers(0, 120_000), st.integers(0, 1_200))


@given(
    needs=st.lists(sizes, min_size=1, max_size=8),
    stands=st.lists(st.integers(0, 2), min_size=8, max_size=8),
    policy=st.builds(
        Policy, cpu_share=st.sampled_from([0.5, 0.8, 1.0]), memory_share=st.sampled_from([0.9, 1.0])
    ),
)
def test_sums_agree_with_adding_up_by_hand(
    needs: list[tuple[int, int, int]], stands: list[int], policy: Policy
) -> None:
    groups = {
        f"h{host}": tuple(
            workload(f"w{place}", host=f"h{host}")
            for place in range(len(needs))
            if stands[place] == host
        )
        for host in range(3)
    }
    plan = placed(dict.fromkeys(groups, "A"), groups, policy)
    for place, (cpu, memory, disk) in enumerate(needs):
        plan = plan.but_workload(f"w{place}", amounts=Amounts(cpu, memory, disk))
    most = policy.usable(Amounts(10_000, 100_000, 1_000))
    for rule, at, usable in ((Rule.CPU, 0, most.cpu_milli), (Rule.MEMORY, 1, most.memory_mib)):
        over = {
            host
            for host in range(3)
            if sum(need[at] for need, its in zip(needs, stands, strict=False) if its == host)
            > usable
        }
        assert {breach.values["host"] for breach in plan.checks()[rule].breaches} == {
            f"h{host}" for host in over
        }


def test_a_host_that_is_to_go_is_not_kept_by_saying_that_it_stays() -> None:
    awake = Host(name="old", model="plain", site="A")
    plan = town()
    assert plan.but(used_hosts=(*plan.used_hosts, awake)).codes(Rule.HOSTS) == {"host_altered"}


def test_a_host_of_the_inventory_does_not_become_one_that_is_on_sale() -> None:
    plan = with_host("b1", model="sold", site="A")
    assert plan.codes(Rule.HOSTS) == {"host_altered"}
