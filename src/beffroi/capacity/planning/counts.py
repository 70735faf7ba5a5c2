"""How many hosts of each kind: the least that sums allow, and the next best to try.

What is asked here is necessary for any plan, so the least number of hosts is a lower bound: what
is taken of each resource fits in the sum of the hosts that may give it, without the spares; what
must run after the loss of a site fits in the others; groups that stand apart find enough hosts.
Whether the workloads then fit one by one is for the packing to say.
"""

from enum import Enum, Flag, auto

import msgspec
import numpy as np
from ortools.sat.python import cp_model

from beffroi.capacity.model import SiteLoss
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
    LARGEST: for each dimension by itself the hosts that free most of it: what a bound needs.
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
        self._fixed = np.array([bool(host) for host in sums.estate.blocks.fixed], dtype=np.bool_)
        self.spares: list[cp_model.IntVar] = []
        self._covered: dict[int, cp_model.IntVar] = {}
        for number, kind in enumerate(self._estate.kinds):
            if kind.held:
                self.model.add(self.hosts[number] == 1)
        self._works = {site: self.model.new_bool_var("") for site in self._estate.sites}
        if reserve is Reserve.LARGEST:
            self._ask_survivors()
        else:
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
        """Ask for spares that may take over from any host at work.

        A held host may go without, as long as nothing but fixed workloads stands there.
        """
        kinds = self._estate.kinds
        for number, kind in enumerate(kinds):
            able = [self.spares[other] for other, it in enumerate(kinds) if it.covers(kind)]
            if kind.held:
                works = self._covered[number] = self.model.new_bool_var("")
                if (
                    self._estate.blocks.leaves & self._fixed & self._estate.stands[:, number]
                ).any():
                    self.model.add(works == 1)
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

    def _ask_survivors(self) -> None:
        """Ask for hosts left where something has to start again after the loss of some."""
        estate, blocks = self._estate, self._estate.blocks
        for site in estate.sites:
            here = estate.kinds_at(site)
            elsewhere = [kind for kind in range(len(estate.kinds)) if kind not in here]
            if (blocks.leaves & ~estate.stands[:, elsewhere].any(axis=1)).any():
                self.model.add(self._works[site] == 1)
            enough = sum(self.hosts[kind] for kind in here) > self._spare_hosts
            self.model.add(enough).only_enforce_if(self._works[site])

    def _set_aside(self, dimension: int) -> list[cp_model.IntVar]:
        """Set aside in each site that works the hosts that free most of one dimension.

        Where nothing runs until another site is lost, all are. A held host frees what its fixed
        workloads, which wait for it, do not take.
        """
        kinds = self._estate.kinds
        frees = [self._freed(number, dimension) for number in range(len(kinds))]
        aside = [self._count(kind.most) for kind in kinds]
        for number, kind in enumerate(kinds):
            self.model.add(aside[number] <= self.hosts[number])
            larger = [
                aside[other]
                for other, it in enumerate(kinds)
                if it.site == kind.site and frees[other] >= frees[number]
            ]
            some_stay = self._at_least(self.hosts[number] - aside[number], 1)
            works = self._works[kind.site]
            self.model.add(sum(larger) >= self._spare_hosts).only_enforce_if(some_stay)
            self.model.add_implication(some_stay, works)
        return aside

    def _freed(self, kind: int, dimension: int) -> int:
        """Return what the loss of a host takes from those that do not wait for it."""
        offer = self._sums.offers[kind][dimension]
        held = self._estate.kinds[kind].held
        return max(0, offer - int(self._sums.held[kind][dimension])) if held else offer

    def _ask_sums(self, reserve: Reserve) -> None:
        for dimension in range(len(self._sums.dimensions)):
            aside = self._set_aside(dimension) if reserve is Reserve.LARGEST else self.spares
            self._ask_sum(dimension, aside)

    def _ask_sum(self, dimension: int, aside: list[cp_model.IntVar]) -> None:
        for kinds, needed in self._sums.by_kinds:
            if needed[dimension]:
                able = np.flatnonzero(kinds).tolist()
                offered = sum(self._offered(kind, dimension, aside) for kind in able)
                self.model.add(offered >= int(needed[dimension]))

    def _offered(
        self, kind: int, dimension: int, aside: list[cp_model.IntVar]
    ) -> cp_model.LinearExpr | int:
        offer = self._sums.offers[kind][dimension]
        if kind in self._covered:
            held = int(self._sums.held[kind][dimension])
            return held + (offer - held) * self._covered[kind]
        return offer * self.hosts[kind] - self._freed(kind, dimension) * aside[kind]

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
    solver = exact_solver()
    status = solver.solve(counting.model)
    if status == cp_model.INFEASIBLE:
        return None
    return round(solver.best_objective_bound)


def exact_solver() -> cp_model.CpSolver:
    """Make a solver that answers the same each time, within seconds."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = _ONE_SOLVE_S
    return solver
