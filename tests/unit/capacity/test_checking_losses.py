"""What starts again after a loss, who waits, and who is stranded."""

import random
from collections.abc import Iterable
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.checking import check_plan, replay_losses
from beffroi.capacity.checking_losses import SetsOfHosts, sets_of_hosts
from beffroi.capacity.checking_rooms import Register, usable_of
from beffroi.capacity.model import Amounts, Criticality, Host, Policy, Replay, SiteLoss, Workload
from tests.unit.capacity.checked_town import BLADE, Planned, in_hours, placed, workload

SPARE = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=1)
SHED = Policy(
    cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=0, site_loss=SiteLoss.SHED
)
KEEP = Policy(
    cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=0, site_loss=SiteLoss.KEEP
)
SHEDDABLE = Criticality.SHEDDABLE


def sized(letter: str, sizes: Iterable[int], **more: str) -> tuple[Workload, ...]:
    return tuple(workload(f"{letter}{place}", size, 0, **more) for place, size in enumerate(sizes))


def test_nothing_is_lost_where_the_policy_asks_for_nothing() -> None:
    quiet = Policy(spare_hosts=0)
    assert placed({"h1": "A"}, {"h1": (workload("one"),)}, quiet).replays() == {}


def test_what_a_host_had_starts_again_on_the_spare() -> None:
    plan = placed(
        {"h1": "A", "h2": "A", "spare": "A"},
        {"h1": sized("a", [60_000, 40_000]), "h2": sized("b", [50_000, 50_000]), "spare": ()},
        SPARE,
    )
    replays = plan.replays()
    assert replays["h1"].restarted == {"a0": "spare", "a1": "spare"}
    assert replays["h2"].restarted == {"b0": "spare", "b1": "spare"}
    assert replays["spare"] == Replay("spare", is_site=False, restarted={})


def test_a_host_of_another_site_is_no_spare() -> None:
    plan = placed({"h1": "A", "h2": "B"}, {"h1": sized("a", [60_000]), "h2": ()}, SPARE)
    assert plan.replays()["h1"].stranded == ("a0",)


def test_a_host_is_lost_with_its_workloads_of_every_criticality() -> None:
    groups = {"h1": sized("a", [60_000], criticality=SHEDDABLE), "h2": sized("b", [50_000])}
    assert placed({"h1": "A", "h2": "A"}, groups, SPARE).replays()["h1"].stranded == ("a0",)


def test_room_is_looked_at_hour_by_hour() -> None:
    day = workload("day", cpu_milli=8_000, cpu_by_hour=in_hours(500, 8_000, 8, 18))
    night = workload("night", cpu_milli=8_000, cpu_by_hour=in_hours(500, 8_000, 20, 24))
    plan = placed({"h1": "A", "h2": "A"}, {"h1": (day,), "h2": (night,)}, SPARE)
    assert plan.replays()["h1"].restarted == {"day": "h2"}
    plan = plan.but_workload("day", cpu_by_hour=in_hours(500, 8_000, 8, 21))
    assert plan.replays()["h1"].stranded == ("day",)


def test_those_apart_do_not_meet_after_a_loss() -> None:
    groups = {
        "h1": (workload("one", apart="pair"),),
        "h2": (workload("other", apart="pair"),),
        "h3": (workload("full", 95_000),),
    }
    plan = placed({"h1": "A", "h2": "A", "h3": "A"}, groups, SPARE)
    assert plan.replays()["h1"].stranded == ("one",)
    assert plan.but_workload("other", apart="").replays()["h1"].restarted == {"one": "h2"}


def test_those_together_start_again_together() -> None:
    groups = {
        "h1": sized("a", [30_000, 30_000], together="erp"),
        "h2": sized("b", [60_000]),
        "h3": sized("c", [60_000]),
        "h4": sized("d", [40_000]),
    }
    plan = placed(dict.fromkeys(groups, "A"), groups, SPARE)
    assert plan.replays()["h1"].restarted == {"a0": "h4", "a1": "h4"}
    assert plan.but_workload("d0", together="", amounts=workload("x", 41_000).amounts).replays()[
        "h1"
    ].stranded == ("a0", "a1")


def test_licences_and_owners_hold_after_a_loss() -> None:
    plan = placed(
        {"h1": "A", "h2": "A"},
        {"h1": (workload("one", licence="oracle"),), "h2": ()},
        SPARE,
        BLADE,
    )
    assert plan.replays()["h1"].restarted == {"one": "h2"}
    assert plan.but_workload("one", licence="sap").replays()["h1"].stranded == ("one",)
    reserved = (plan.used_hosts[0], Host(name="h2", model="blade", site="A", organisations=("x",)))
    assert plan.but(used_hosts=reserved).replays()["h1"].stranded == ("one",)


def test_a_workload_fixed_to_a_lost_host_waits_for_it() -> None:
    plan = placed(
        {"h1": "A", "h2": "A"}, {"h1": (workload("badges", fixed=True),), "h2": ()}, SPARE
    )
    replay = plan.replays()["h1"]
    assert (replay.shed, replay.stranded) == (("badges",), ())


def test_two_hosts_are_lost_at_once_where_two_are_spare() -> None:
    groups = {"h1": sized("a", [40_000]), "h2": sized("b", [40_000]), "h3": sized("c", [40_000])}
    two = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=2)
    tight = placed(dict.fromkeys(groups, "A"), groups, two).replays()
    assert {len(tight[pair].stranded) for pair in ("h1 + h2", "h1 + h3", "h2 + h3")} == {1}
    groups["h4"] = ()
    replays = placed(dict.fromkeys(groups, "A"), groups, two).replays()
    assert list(replays) == ["h1", "h2", "h3", "h4", "h1 + h2"]
    assert not any(replay.stranded for replay in replays.values())


def test_more_sets_of_hosts_than_can_be_tried_are_tried_from_the_fullest() -> None:
    groups = {f"h{number:02}": sized(f"w{number:02}_", [50_000]) for number in range(24)}
    four = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=4)
    replays = placed(dict.fromkeys(groups, "A"), groups, four).replays()
    assert len(replays) == 25
    assert not any(replay.stranded for replay in replays.values())


def test_the_sets_that_are_tried_are_counted() -> None:
    groups = {f"h{number:02}": sized(f"w{number:02}_", [50_000]) for number in range(24)}
    four = Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=4)
    plan = placed(dict.fromkeys(groups, "A"), groups, four)
    register = Register(plan.inventory, plan.used_hosts)
    assert sets_of_hosts(register, plan.placement) == SetsOfHosts(tried=21, of=10_626)


def test_room_is_what_the_shares_say_as_they_are_written() -> None:
    """In binary, 0.29 of 100 is a little less than 29."""
    policy = Policy(cpu_share=0.29, memory_share=0.57, disk_share=1.0)
    amounts = Amounts(100, 100, 100, 100)
    assert usable_of(amounts, policy) == Amounts(29, 57, 100, 100)


@given(st.integers(0, 10**9), st.floats(0.001, 1.0))
def test_the_checker_offers_no_less_than_the_planner_fills(amount: int, share: float) -> None:
    amounts = Amounts(amount, amount, amount, amount)
    policy = Policy(cpu_share=share, memory_share=share, disk_share=share)
    usable = usable_of(amounts, policy)
    assert policy.usable(amounts).fits(usable)
    assert usable.cpu_milli - policy.usable(amounts).cpu_milli <= 1


def two_sites(policy: Policy) -> Planned:
    groups = {
        "a1": sized("a", [40_000]) + sized("as", [30_000], criticality=SHEDDABLE),
        "b1": sized("b", [40_000]) + sized("bs", [15_000, 25_000], criticality=SHEDDABLE),
    }
    return placed({"a1": "A", "b1": "B"}, groups, policy)


def test_the_survivor_stops_only_as_much_as_the_lost_site_needs() -> None:
    replay = two_sites(SHED).replays()["A"]
    assert replay.is_site
    assert replay.restarted == {"a0": "b1"}
    assert replay.shed == ("as0", "bs1")
    assert replay.stranded == ()


def test_the_survivor_keeps_its_own_where_the_policy_says_so() -> None:
    replay = two_sites(KEEP).replays()["A"]
    assert replay.stranded == ("a0",)
    assert replay.shed == ("as0",)


def test_a_workload_of_the_lost_site_alone_waits() -> None:
    plan = two_sites(SHED).but_workload("a0", sites=("A",))
    replay = plan.replays()["A"]
    assert (replay.restarted, replay.shed) == ({}, ("a0", "as0"))


def test_a_group_over_two_sites_meets_on_one_but_not_on_one_host() -> None:
    groups = {
        "a1": (workload("one", apart="pair", across_sites=True),),
        "b1": (workload("other", apart="pair"),),
        "b2": (workload("third", 60_000),),
    }
    plan = placed({"a1": "A", "b1": "B", "b2": "B"}, groups, SHED)
    assert plan.replays()["A"].restarted == {"one": "b2"}
    assert plan.but_workload("third", amounts=workload("x", 95_000).amounts).replays()[
        "A"
    ].stranded == ("one",)


def test_a_sheddable_workload_does_not_go_on_beside_its_twin() -> None:
    groups = {
        "a1": (workload("one", apart="pair", across_sites=True),),
        "b1": (workload("other", apart="pair", criticality=SHEDDABLE),),
    }
    replay = placed({"a1": "A", "b1": "B"}, groups, SHED).replays()["A"]
    assert replay.restarted == {"one": "b1"}
    assert replay.shed == ("other",)


def test_any_of_three_sites_takes_what_one_had() -> None:
    groups = {"a1": sized("a", [60_000]), "b1": sized("b", [50_000]), "c1": sized("c", [40_000])}
    plan = placed({"a1": "A", "b1": "B", "c1": "C"}, groups, KEEP)
    assert plan.replays()["A"].restarted == {"a0": "c1"}


def test_a_packing_that_no_greedy_order_finds_is_found() -> None:
    """Free: 100 and 100; sizes that fill both to the brim in one way only."""
    sizes = [44_000, 37_000, 33_000, 30_000, 29_000, 27_000]
    groups = {"h1": sized("a", sizes[:3]), "h2": (), "h3": ()}
    groups["h1"] += tuple(workload(f"z{place}", size, 0) for place, size in enumerate(sizes[3:]))
    plan = placed(dict.fromkeys(groups, "A"), groups, SPARE)
    replay = plan.replays()["h1"]
    assert replay.stranded == ()
    assert sorted(replay.restarted) == ["a0", "a1", "a2", "z0", "z1", "z2"]


def cut_to_fit(hosts: int, pieces: int, fill: float, seed: int) -> Planned:
    """Cut the room left on each host of one site into what the other site loses."""
    chance = random.Random(seed)  # noqa: S311 - a made-up town
    groups: dict[str, tuple[Workload, ...]] = {}
    lost: list[Workload] = []
    for number in range(hosts):
        left = [chance.randint(most * 3 // 10, most) for most in (10_000, 100_000, 1_000)]
        weights = [[chance.random() + 0.1 for _ in range(pieces)] for _ in left]
        lost += [
            Workload(
                name=f"lost{number}_{place}",
                amounts=Amounts(
                    *(
                        int(room * fill * parts[place] / sum(parts))
                        for room, parts in zip(left, weights, strict=True)
                    )
                ),
            )
            for place in range(pieces)
        ]
        taken = Amounts(10_000 - left[0], 100_000 - left[1], 1_000 - left[2])
        groups[f"h{number:02}"] = (Workload(name=f"own{number}", amounts=taken),)
    sites = {**dict.fromkeys(groups, "A"), "far": "B"}
    return placed(sites, {**groups, "far": tuple(lost)}, KEEP)


@pytest.mark.parametrize(("hosts", "fill"), [(5, 0.95), (10, 0.85), (20, 0.83)])
@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_stranded_where_tight_room_is_known_to_suffice(
    hosts: int, fill: float, seed: int
) -> None:
    assert cut_to_fit(hosts, 3, fill, seed).replays()["B"].stranded == ()


def test_a_proposal_is_followed_where_it_holds_and_only_there() -> None:
    groups = {"h1": sized("a", [40_000, 30_000]), "h2": sized("b", [50_000]), "h3": ()}
    plan = placed(dict.fromkeys(groups, "A"), groups, SPARE)
    proposed = [Replay("h1", is_site=False, restarted={"a0": "h2", "a1": "h2"})]
    found = replay_losses(plan.inventory, plan.placement, plan.used_hosts, proposed)
    assert found[0].restarted == {"a0": "h2", "a1": "h3"}


def test_a_proposal_of_a_site_is_not_one_of_a_host_of_that_name() -> None:
    groups = {"A": sized("a", [40_000]), "h2": (), "b1": ()}
    plan = placed({"A": "A", "h2": "A", "b1": "B"}, groups, SPARE)
    proposed = [Replay("A", is_site=True, restarted={"a0": "b1"})]
    found = replay_losses(plan.inventory, plan.placement, plan.used_hosts, proposed)
    assert found[0].restarted == {"a0": "h2"}


sizes = st.lists(st.integers(1, 90_000), max_size=6)


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    groups = {}
    for host in ("a1", "a2", "a3", "b1", "b2"):
        found, room = [], 100_000
        for number, size in enumerate(draw(sizes)):
            if size <= room:
                room -= size
                found.append(
                    workload(
                        f"{host}_{number}",
                        size,
                        draw(st.integers(0, 2_000)),
                        criticality=draw(st.sampled_from(Criticality)),
                        apart=draw(st.sampled_from(["", "", f"g{number}"])),
                        together=draw(st.sampled_from(["", "", f"t{host}"])),
                        fixed=draw(st.integers(0, 9)) == 0,
                    )
                )
        groups[host] = tuple(found)
    policy = Policy(
        cpu_share=1.0,
        memory_share=1.0,
        disk_share=1.0,
        spare_hosts=draw(st.integers(0, 2)),
        site_loss=draw(st.sampled_from(SiteLoss)),
    )
    return placed({name: name[0].upper() for name in groups}, groups, policy)


@given(plans())
def test_a_replay_never_overfills_a_host_and_forgets_nobody(plan: Planned) -> None:
    workloads = {one.name: one for one in plan.inventory.workloads}
    for replay in replay_losses(plan.inventory, plan.placement, plan.used_hosts):
        lost = set(replay.lost.split(" + "))
        gone = {
            one.name
            for one in plan.used_hosts
            if (one.site if replay.is_site else one.name) in lost
        }
        hit = {name for name, host in plan.placement.items() if host in gone}
        assert hit <= {*replay.restarted, *replay.shed, *replay.stranded}
        runs = {
            **{name: host for name, host in plan.placement.items() if name not in replay.shed},
            **replay.restarted,
        }
        runs = {name: host for name, host in runs.items() if host not in gone}
        after = plan.but(
            placement=runs, used_hosts=tuple(h for h in plan.used_hosts if h.name not in gone)
        )
        broken = {
            check.rule
            for check in check_plan(after.inventory, after.placement, after.used_hosts, ())
            if not check.holds
        }
        assert broken <= {"placed", "together", "moves", "fixed"} | (plan.broken() & {"apart"})
        assert all(workloads[name].host == "" for name in runs)


@given(
    st.lists(st.integers(5, 60), min_size=1, max_size=5),
    st.lists(st.integers(0, 60), min_size=2, max_size=2),
)
def test_nobody_is_stranded_where_a_placement_of_all_exists(
    needs: list[int], full: list[int]
) -> None:
    if sum(needs) > 100:
        needs = [need * 100 // sum(needs) for need in needs]
    groups = {
        "h1": sized("a", needs),
        "h2": sized("b", [full[0]]),
        "h3": sized("c", [full[1]]),
    }
    plan = placed(
        dict.fromkeys(groups, "A"), groups, Policy(cpu_share=1.0, memory_share=0.001, spare_hosts=1)
    )
    exists = any(
        all(
            sum(need for need, its in zip(needs, way, strict=True) if its == host) + full[host]
            <= 100
            for host in (0, 1)
        )
        for way in product((0, 1), repeat=len(needs))
    )
    assert (plan.replays()["h1"].stranded == ()) == exists


@pytest.mark.parametrize("policy", [SHED, KEEP])
def test_a_replay_leaves_the_next_one_as_it_found_it(policy: Policy) -> None:
    plan = two_sites(policy)
    both = plan.replays()
    assert plan.but(inventory=plan.inventory).replays() == both
    assert list(both) == ["A", "B"]
