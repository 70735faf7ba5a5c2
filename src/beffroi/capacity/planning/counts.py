"""How many hosts of each kind: the least that sums allow, and the next best to try.

What is asked here is necessary for any plan, so the least number of hosts is a lower bound: what
is taken of each resource fits in the sum of the hosts that may give it, without the spares; what
must run after the loss of a site fits in the others; groups that stand apart find enough hosts.
Whether the workloads then fit one by one is for the packing to say.
"""

from collections.abc import Iterator, Sequence
from enum import Enum, Flag, auto

import msgspec
import numpy as np
from ortools.sat.python import cp_model

from beffroi.capacity.model import SiteLoss
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.sums import Sums

_ONE_SOLVE_S = 10.0


class Counts(msgspec.Struct, frozen=True):
    """Of each kind, how many hosts are used, and how many of these are spares."""

    hosts: tuple[int, ...]
    spares: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many hosts there are in all."""
        return sum(self.hosts)


class Asking(Flag):
    """Which rules are asked of the counts."""

    SUMS = auto()
    LOSS = auto()
    APART = auto()
    ALL = SUMS | LOSS | APART


class Reserve(Enum):
    """Which hosts are set aside for the loss of one.

    STAND_IN: spares, each of which may stand in for any host at work of its site, however full.
    CAPPED: spares of one kind in each site, and no host at work is filled further than they hold.
    LARGEST: for each dimension by itself the hosts that offer most of it: what a bound needs.
    """

    STAND_IN = auto()
    CAPPED = auto()
    LARGEST = auto()


class Counting:
    """The counts as whole-number variables under the rules that are asked.

    Args:
        sums: What is taken and offered.
        asking: Which rules.
        reserve: What is set aside.
    """

    def __init__(
        self, sums: Sums, asking: Asking = Asking.ALL, reserve: Reserve = Reserve.STAND_IN
    ) -> None:
        self.model = cp_model.CpModel()
        self._sums = sums
        self._estate = sums.estate
        self._spare_hosts = sums.estate.inventory.policy.spare_hosts
        self.hosts = [self._count(kind.most) for kind in self._estate.kinds]
        self.spares: list[cp_model.IntVar] = []
        self._covered: dict[int, cp_model.IntVar] = {}
        for number, kind in enumerate(self._estate.kinds):
            if kind.held:
                self.model.add(self.hosts[number] == 1)
        self._works = {site: self.model.new_bool_var("") for site in self._estate.sites}
        if reserve is not Reserve.LARGEST:
            self._add_spares()
        if reserve is Reserve.STAND_IN:
            self._ask_stand_ins()
        if reserve is Reserve.CAPPED:
            self._ask_caps()
        self._ask_groups_across()
        if Asking.SUMS in asking:
            self._ask_sums(reserve)
        if Asking.LOSS in asking and len(self._estate.sites) > 1:
            self._ask_loss()
        if Asking.APART in asking:
            self._ask_apart()

    def exclude(self, failed: Counts) -> None:
        """Ask for more of some kind, at work or in all, than what did not do."""
        more = []
        for number, (hosts, spares) in enumerate(zip(failed.hosts, failed.spares, strict=True)):
            more.append(self._at_least(self.hosts[number], hosts + 1))
            at_work = self.hosts[number] - self.spares[number]
            more.append(self._at_least(at_work, hosts - spares + 1))
        self.model.add_bool_or(more)

    def _count(self, most: int) -> cp_model.IntVar:
        return self.model.new_int_var(0, most, "")

    def _at_least(self, expression: cp_model.LinearExpr | int, least: int) -> cp_model.IntVar:
        told = self.model.new_bool_var("")
        self.model.add(expression >= least).only_enforce_if(told)
        self.model.add(expression < least).only_enforce_if(told.negated())
        return told

    def _add_spares(self) -> None:
        kinds = self._estate.kinds
        self.spares = [self._count(0 if kind.held else kind.most) for kind in kinds]
        for hosts, spares in zip(self.hosts, self.spares, strict=True):
            self.model.add(spares <= hosts)

    def _ask_stand_ins(self) -> None:
        """Ask for spares that may take over from any host at work; a held one may go without."""
        kinds = self._estate.kinds
        for number, kind in enumerate(kinds):
            able = [self.spares[other] for other, it in enumerate(kinds) if it.covers(kind)]
            if kind.held:
                works = self._covered[number] = self.model.new_bool_var("")
            else:
                works = self._at_least(self.hosts[number] - self.spares[number], 1)
            self.model.add(sum(able) >= self._spare_hosts).only_enforce_if(works)

    def _ask_caps(self) -> None:
        """Choose the kind of the spares of each site; what they cannot hold is not offered."""
        estate = self._estate
        needed = self._sums.demand.sum(axis=0).tolist()
        rooms = []
        for site in estate.sites:
            kinds = estate.kinds_at(site)
            room = [self.model.new_int_var(0, amount, "") for amount in needed]
            choices = [self._ask_cap(kind, kinds, room) for kind in kinds]
            rests = self._works[site].negated()
            for kind in kinds:
                all_spare = self.model.add(self.hosts[kind] == self.spares[kind])
                all_spare.only_enforce_if(rests)
            for amount in room:
                self.model.add(amount == 0).only_enforce_if(rests)
            self.model.add_exactly_one([*choices, rests])
            rooms.append(room)
        for amount, *parts in zip(needed, *rooms, strict=True):
            self.model.add(sum(parts) >= amount)

    def _ask_cap(
        self, spare: int, kinds: list[int], room: list[cp_model.IntVar]
    ) -> cp_model.IntVar:
        """Say what a site offers when its spares are of one kind."""
        chosen = self.model.new_bool_var("")
        estate, offers = self._estate, self._sums.offers
        self.model.add(self.spares[spare] == self._spare_hosts).only_enforce_if(chosen)
        for kind in kinds:
            if kind != spare:
                self.model.add(self.spares[kind] == 0).only_enforce_if(chosen)
            if not estate.kinds[spare].admits_all_of(estate.kinds[kind]):
                at_work = self.hosts[kind] - self.spares[kind]
                self.model.add(at_work == 0).only_enforce_if(chosen)
        for dimension, amount in enumerate(room):
            offered = sum(
                min(offers[kind][dimension], offers[spare][dimension])
                * (self.hosts[kind] - self.spares[kind])
                for kind in kinds
            )
            self.model.add(amount <= offered).only_enforce_if(chosen)
        return chosen

    def _set_aside(self, dimension: int) -> list[cp_model.IntVar]:
        """Set aside in each site that works the hosts that offer most of one dimension.

        Where nothing runs until another site is lost, all are. Fixed workloads wait while their
        host is lost, so held hosts are left out.
        """
        kinds, offers = self._estate.kinds, self._sums.offers
        aside = [self._count(0 if kind.held else kind.most) for kind in kinds]
        for number, kind in enumerate(kinds):
            self.model.add(aside[number] <= self.hosts[number])
            larger = [
                aside[other]
                for other, it in enumerate(kinds)
                if it.site == kind.site and offers[other][dimension] >= offers[number][dimension]
            ]
            works = self._works[kind.site]
            if not kind.held:
                enough = self.model.add(sum(larger) >= self._spare_hosts)
                enough.only_enforce_if([works, self._at_least(self.hosts[number], 1)])
            resting = self.model.add(aside[number] == self.hosts[number])
            resting.only_enforce_if(works.negated())
        return aside

    def _ask_sums(self, reserve: Reserve) -> None:
        for dimension in range(len(self._sums.dimensions)):
            aside = self._set_aside(dimension) if reserve is Reserve.LARGEST else self.spares
            self._ask_sum(dimension, aside)

    def _ask_sum(self, dimension: int, spares: list[cp_model.IntVar]) -> None:
        for kinds, needed in self._sums.by_kinds:
            if needed[dimension]:
                able = np.flatnonzero(kinds).tolist()
                offered = sum(self._offered(kind, dimension, spares) for kind in able)
                self.model.add(offered >= int(needed[dimension]))

    def _offered(
        self, kind: int, dimension: int, spares: list[cp_model.IntVar]
    ) -> cp_model.LinearExpr | int:
        offer = self._sums.offers[kind][dimension]
        if kind in self._covered:
            held = int(self._sums.held[kind][dimension])
            return held + (offer - held) * self._covered[kind]
        return offer * (self.hosts[kind] - spares[kind])

    def _ask_loss(self) -> None:
        estate, sums = self._estate, self._sums
        if estate.inventory.policy.site_loss is SiteLoss.IGNORED:
            return
        others = len(estate.sites) - 1
        in_all = others * sums.stays.sum(axis=0) + sums.restart.sum(axis=0)
        every = range(len(estate.kinds))
        for dimension in range(len(sums.dimensions)):
            for kinds, needed, times in (
                *((kinds, needed, 1) for kinds, needed in sums.after_loss),
                (every, in_all, others),
            ):
                offered = sum(
                    times * sums.offers[kind][dimension] * self.hosts[kind] for kind in kinds
                )
                self.model.add(offered >= int(needed[dimension]))

    def _ask_apart(self) -> None:
        for kinds, size, restarting in self._sums.largest_groups:
            able = np.flatnonzero(kinds).tolist()
            self.model.add(sum(self.hosts[kind] for kind in able) >= size)
            for left, _ in self._sums.after_loss if restarting else ():
                self.model.add(sum(self.hosts[kind] for kind in left) >= restarting)

    def _ask_groups_across(self) -> None:
        """Ask for hosts at two sites that a group across sites may stand on."""
        asked = {
            tuple(np.any(self._estate.stands[list(group.blocks)], axis=0).tolist())
            for group in self._estate.blocks.groups
            if group.across_sites
        }
        for kinds in sorted(asked):
            at_sites = []
            for site in self._estate.sites:
                able = [kind for kind in self._estate.kinds_at(site) if kinds[kind]]
                spared = [self.spares[kind] for kind in able] if self.spares else []
                at_work = sum(self.hosts[kind] for kind in able) - sum(spared)
                at_sites.append(self._at_least(at_work, 1) if able else 0)
            self.model.add(sum(at_sites) >= 2)


def least_hosts(sums: Sums, asking: Asking = Asking.ALL) -> int | None:
    """Return how many hosts any plan uses at least; none where no number would do."""
    counting = Counting(sums, asking, Reserve.LARGEST)
    counting.model.minimize(sum(counting.hosts))
    solver = _solver()
    status = solver.solve(counting.model)
    if status == cp_model.INFEASIBLE:
        return None
    return round(solver.best_objective_bound)


def counts_to_try(
    sums: Sums, failed: Sequence[Counts], at_least: int, *, keeps_all: bool = False
) -> Counts | None:
    """Return the best counts that have not failed, with at least so many hosts.

    Fewest hosts first; then the least to buy, the least power; then sites of the same size where
    one of them may be lost, and hosts that are loaded now, so that less moves.
    """
    counting = Counting(sums)
    counting.model.add(sum(counting.hosts) >= at_least)
    for one in failed:
        counting.exclude(one)
    if keeps_all:
        for count, kind in zip(counting.hosts, sums.estate.kinds, strict=True):
            if not kind.bought:
                counting.model.add(count == kind.most)
    return _best(counting, _goals(sums, counting))


def one_host_less(sums: Sums, failed: Sequence[Counts], total: int) -> Counts | None:
    """Return counts with one host less, whose hosts are filled no further than their spares hold.

    The least to buy first, then those with most room.
    """
    counting = Counting(sums, reserve=Reserve.CAPPED)
    counting.model.add(sum(counting.hosts) == total - 1)
    for one in failed:
        counting.exclude(one)
    kinds = sums.estate.kinds
    most = [max(1, *column) for column in zip(*sums.offers, strict=True)]
    room = [
        sum(100 * offer // best for offer, best in zip(offers, most, strict=True))
        for offers in sums.offers
    ]
    price = sum(kind.price_cents * count for kind, count in zip(kinds, counting.hosts, strict=True))
    at_work = sum(
        size * (hosts - spares)
        for size, hosts, spares in zip(room, counting.hosts, counting.spares, strict=True)
    )
    return _best(counting, iter((price, -at_work)))


def _best(counting: Counting, goals: Iterator[cp_model.LinearExpr | int]) -> Counts | None:
    """Reach the goals one after the other, each within what the earlier ones reached."""
    found = None
    for goal in goals:
        counting.model.minimize(goal)
        better = _solved(counting)
        if better is None:
            return found
        found, reached = better
        counting.model.add(goal <= reached)
    return found


def most_at_work(sums: Sums) -> Counts | None:
    """Return counts with as many hosts as may take workloads; of those to buy no more than enough.

    Enough is thrice what sums allow, and one for each member of the largest group apart.
    """
    least = least_hosts(sums)
    if least is None:
        return None
    largest = max((size for _, size, _ in sums.largest_groups), default=0)
    counting = Counting(sums)
    for count, kind in zip(counting.hosts, sums.estate.kinds, strict=True):
        if kind.bought:
            counting.model.add(count <= 3 * least + largest + 1)
    counting.model.maximize(sum(counting.hosts) - sum(counting.spares))
    solved = _solved(counting)
    return None if solved is None else solved[0]


def _solved(counting: Counting) -> tuple[Counts, int] | None:
    """Return the best counts and what they reach; none where there are none."""
    solver = _solver()
    if solver.solve(counting.model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    counts = Counts(
        tuple(solver.value(count) for count in counting.hosts),
        tuple(solver.value(count) for count in counting.spares),
    )
    return counts, round(solver.objective_value)


def _goals(sums: Sums, counting: Counting) -> Iterator[cp_model.LinearExpr | int]:
    estate = sums.estate
    kinds = estate.kinds
    hosts = counting.hosts
    yield sum(hosts)
    if any(kind.price_cents for kind in kinds):
        yield sum(kind.price_cents * count for kind, count in zip(kinds, hosts, strict=True))
    if any(kind.power_w for kind in kinds):
        yield sum(kind.power_w * count for kind, count in zip(kinds, hosts, strict=True))
    if estate.inventory.policy.site_loss is not SiteLoss.IGNORED:
        most = counting.model.new_int_var(0, sum(kind.most for kind in kinds), "")
        for site in estate.sites:
            counting.model.add(most >= sum(hosts[kind] for kind in estate.kinds_at(site)))
        yield most
    if not all(kind.bought for kind in kinds):
        standing = present_load(estate)
        yield -sum(load * count for load, count in zip(standing, hosts, strict=True))


def present_load(estate: Estate) -> list[int]:
    """Return how much memory stands now on a host of each kind, on average, in GiB."""
    on_host: dict[str, int] = {}
    for one in estate.inventory.workloads:
        on_host[one.host] = on_host.get(one.host, 0) + one.amounts.memory_mib
    return [
        sum(on_host.get(host.name, 0) for host in kind.hosts) // (1024 * max(1, len(kind.hosts)))
        for kind in estate.kinds
    ]


def _solver() -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _ONE_SOLVE_S
    return solver
