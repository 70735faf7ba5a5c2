"""A rebalancing in words and in drawings."""

import re

from beffroi.capacity.model import Amounts, Check, Move, Reason, Resource
from beffroi.capacity.rebalanced import HelpfulMove, HostLoad, Rebalancing
from beffroi.capacity.rebalancing.model import Cost
from beffroi.capacity.rebalancing_figures import HEIGHT, hosts_shown, load_pictures
from beffroi.capacity.rebalancing_told import (
    HUNDREDTH_OF_HOST,
    overloaded,
    told_costs,
    told_headline,
    told_loads,
    told_reason,
)
from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import NO_FIGURE

_USABLE = Amounts(8000, 1000, 100, 0)


def _load(host: str, before: int, after: int) -> HostLoad:
    return HostLoad(
        host=host,
        site="arras",
        usable=_USABLE,
        before=Amounts(before, 500, 10, 0),
        after=Amounts(after, 500, 10, 0),
    )


def _made(*hosts: HostLoad, moves: int = 1) -> Rebalancing:
    move = Move(number=1, wave=1, workload="sig", origin="h0", target="h1")
    why = Reason("relieves_cpu", {"host": "h0", "target": "h1", "before": 125, "after": 100})
    return Rebalancing(
        resources=(Resource.CPU, Resource.MEMORY),
        hosts=hosts,
        placement={"sig": "h1"},
        moves=(HelpfulMove(move, why),) * moves,
        before=Cost(200_000, 0, 0, 0, 0),
        after=Cost(0, 0, 26_000, 100, 0),
        copied_gib=16,
        stopped_s=0,
        checks_before=(),
        checks_after=(Check("cpu", holds=True, looked_at=1),),
        took_s=1.0,
    )


_HOSTS = (_load("h1", 2000, 4000), _load("h0", 10_000, 8000), _load("h2", 6000, 6000))


def test_costs_are_told_in_hundredths_of_a_host_and_parts_of_nothing_left_out() -> None:
    made = _made(*_HOSTS)
    told = told_costs(made.before, made.after, HUNDREDTH_OF_HOST, Language.FR)
    assert [(one.before, one.after) for one in told] == [("20", "0"), ("0", "2,6"), ("0", "0,01")]
    assert told[0].name.startswith("Surcharge")


def test_a_load_that_does_not_change_is_told_once() -> None:
    told = told_loads(_HOSTS, (Resource.CPU, Resource.MEMORY, Resource.IO), Language.EN)
    assert [one.host for one in told] == ["h1", "h0", "h2"]
    assert [re.sub(r"\s", " ", share) for share in told[1].shares] == [
        "125 % → 100 %",
        "50 %",
        NO_FIGURE,
    ]


def test_the_headline_counts_hosts_that_are_too_full() -> None:
    assert (overloaded(_HOSTS, after=False), overloaded(_HOSTS, after=True)) == (1, 0)
    told = told_headline(_made(*_HOSTS), Language.EN)
    assert told == "1 move(s): 1 host(s) too full before, 0 after."
    assert told_headline(_made(*_HOSTS, moves=0), Language.EN).startswith("Nothing better")


def test_a_move_says_what_it_brings() -> None:
    (move,) = _made(*_HOSTS).moves
    assert told_reason(move.why, Language.EN) == (
        "Relieves h0, too busy: CPU from 125 % to 100 % of what may be used."
    )


def test_the_fullest_host_is_drawn_first_against_the_line_of_all_that_may_be_used() -> None:
    made = _made(*_HOSTS)
    cpu, memory = load_pictures(made, hosts_shown(made, 10))
    assert (cpu.highest_before, cpu.highest_after) == (1.25, 1.0)
    bars = re.findall(r"M(\d+) \d+v-([\d.]+)", cpu.before)
    assert [left for left, _ in bars] == ["1", "11", "21"]
    heights = [float(height) for _, height in bars]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > HEIGHT - cpu.limit > heights[1]
    assert memory.limit < HEIGHT / 10


def test_hosts_that_change_are_shown_before_fuller_ones() -> None:
    made = _made(*_HOSTS)
    assert [one.host for one in hosts_shown(made, 2)] == ["h0", "h1"]
    assert [one.host for one in hosts_shown(made, 3)] == ["h0", "h2", "h1"]


def test_nothing_better_is_told_without_a_reason_that_may_be_another() -> None:
    told = told_headline(_made(moves=0), Language.FR)
    assert told.endswith("aucun n'est proposé.")
