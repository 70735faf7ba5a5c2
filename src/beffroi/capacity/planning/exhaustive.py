"""Every plan of a small estate as one model: hosts, places, and what starts again after each loss.

It asks exactly the rules, no more: it finds the plans that simpler ways to set hosts aside miss,
or proves that there is none, or none with fewer hosts.
"""

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from ortools.sat.python import cp_model

from beffroi.capacity.model import Replay
from beffroi.capacity.packing.exact import Verdict
from beffroi.capacity.packing.problem import Method
from beffroi.capacity.planning.blocks import demand_of, restarts_elsewhere
from beffroi.capacity.planning.candidates import (
    Candidates,
    Loss,
    candidates_of,
    choices_in,
    hours_apart,
    losses_of,
)
from beffroi.capacity.planning.counts import Counts
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.layouts import Layout
from beffroi.capacity.planning.packer import Placed

# Beyond so many terms, building the model alone takes more than a second.
_MOST_TERMS = 150_000
_MOST_S = 8.0
_ONE_GOAL_S = 1.0

Choices = dict[tuple[int, int], cp_model.IntVar]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the search.

    Attributes:
        at_least: No plan uses fewer hosts.
        at_most: With how many hosts a plan is of use; nothing: with any number.
        keeps_all: Whether every host that is there is used.
        any_plan: Whether any plan will do, rather than one with the fewest hosts.
        within_s: How long to search at most, in seconds; never longer than 8 s.
    """

    at_least: int = 0
    at_most: int | None = None
    keeps_all: bool = False
    any_plan: bool = False
    within_s: float
    seed: int


class Exhausted(msgspec.Struct, frozen=True, eq=False):
    """How the search ended.

    Attributes:
        verdict: OPEN too where the estate is not small.
        least: No plan uses fewer hosts; of use where the verdict is not IMPOSSIBLE.
    """

    verdict: Verdict
    least: int
    placed: Placed | None = None


def exhausted(estate: Estate, asked: Asked) -> Exhausted:
    """Find the plan with the fewest hosts, the least to buy, the least power and fewest moves."""
    dimensions = hours_apart(estate)
    candidates = candidates_of(estate, dimensions, asked.at_most)
    if choices_in(estate, candidates) * (1 + len(dimensions)) > _MOST_TERMS:
        return Exhausted(Verdict.OPEN, asked.at_least)
    demand = demand_of(estate.blocks.rest, estate.blocks.cpu, dimensions)
    model = _Model(estate, candidates, demand, asked)
    for loss in losses_of(estate, candidates, dimensions):
        model.survive(loss)
    return model.answered()


class _Model:
    """The model while it is built, then solved."""

    def __init__(
        self, estate: Estate, candidates: Candidates, demand: np.ndarray, asked: Asked
    ) -> None:
        self._estate = estate
        self._candidates = candidates
        self._asked = asked
        self._model = cp_model.CpModel()
        self._used = [self._model.new_bool_var("") for _ in candidates.hosts]
        self._stands = self._places(range(len(candidates.hosts)), estate.stands)
        self._losses: list[tuple[Loss, Choices]] = []
        self._ask_counts()
        for block in range(estate.blocks.count):
            self._model.add_exactly_one(_of_block(self._stands, block))
        for host in range(len(candidates.hosts)):
            self._ask_room(host, [(demand, self._stands)])
            for group in estate.blocks.groups:
                self._model.add_at_most_one(_at(self._stands, group.blocks, host))
        self._ask_groups_across()

    def survive(self, loss: Loss) -> None:
        """Ask for room for all that starts again, beside what goes on."""
        starts = self._places(loss.left, loss.may & loss.restarts[:, np.newaxis])
        for block in np.flatnonzero(loss.restarts).tolist():
            stood = [self._stands[block, one] for one in loss.lost if (block, one) in self._stands]
            self._model.add(sum(_of_block(starts, block)) == sum(stood))
        for host in loss.left:
            self._ask_room(host, [(loss.stays, self._stands), (loss.restart, starts)])
            for staying, starting in zip(loss.staying, loss.starting, strict=True):
                if starting:
                    both = [*_at(self._stands, staying, host), *_at(starts, starting, host)]
                    self._model.add_at_most_one(both)
        self._losses.append((loss, starts))

    def answered(self) -> Exhausted:
        """Reach one goal after the other."""
        solver = self._solver(self._asked.within_s)
        hosts = sum(self._used)
        if not self._asked.any_plan:
            self._model.minimize(hosts)
        status = solver.solve(self._model)
        if status == cp_model.INFEASIBLE:
            return Exhausted(Verdict.IMPOSSIBLE, self._asked.at_least)
        bound = 0 if self._asked.any_plan else round(solver.best_objective_bound)
        least = max(self._asked.at_least, bound)
        if status not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
            return Exhausted(Verdict.OPEN, least)
        if not self._asked.any_plan:
            self._model.add(hosts <= round(solver.objective_value))
            solver = self._improved(solver)
        return Exhausted(Verdict.FOUND, least, self._placed(solver))

    def _solver(self, within_s: float) -> cp_model.CpSolver:
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self._asked.seed
        solver.parameters.max_time_in_seconds = max(0.01, within_s)
        # A second of the solver's own, which is the same on every machine, is about one of ours.
        solver.parameters.max_deterministic_time = _MOST_S
        return solver

    def _improved(self, solver: cp_model.CpSolver) -> cp_model.CpSolver:
        for choice in (*self._used, *self._stands.values()):
            self._model.add_hint(choice, solver.boolean_value(choice))
        for goal in self._goals():
            self._model.minimize(goal)
            better = self._solver(_MOST_S)
            better.parameters.max_deterministic_time = _ONE_GOAL_S
            if better.solve(self._model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
                return solver
            solver = better
            self._model.add(goal <= round(solver.objective_value))
        return solver

    def _goals(self) -> Iterator[cp_model.LinearExpr | int]:
        kinds = [self._estate.kinds[kind] for kind in self._candidates.kind]
        for costs in ([it.price_cents for it in kinds], [it.power_w for it in kinds]):
            if any(costs):
                yield sum(cost * used for cost, used in zip(costs, self._used, strict=True))
        names = [host.name for host in self._candidates.hosts]
        present = self._estate.blocks.present
        away = [
            choice
            for (block, host), choice in self._stands.items()
            if names[host] != present[block]
        ]
        if any(present):
            yield sum(away)

    def _places(self, hosts: Sequence[int], may: np.ndarray) -> Choices:
        """Ask of each block and host whether it stands there; only on hosts that are used."""
        found: Choices = {}
        for host in hosts:
            for block in np.flatnonzero(may[:, self._candidates.kind[host]]).tolist():
                found[block, host] = self._model.new_bool_var("")
                self._model.add_implication(found[block, host], self._used[host])
        return found

    def _ask_counts(self) -> None:
        """Ask for a number of hosts; of those alike the first ones, which are the most loaded."""
        asked, kind = self._asked, self._candidates.kind
        hosts = sum(self._used)
        self._model.add(hosts >= asked.at_least)
        if asked.at_most is not None:
            self._model.add(hosts <= asked.at_most)
        for number, used in enumerate(self._used):
            if asked.keeps_all and not self._estate.kinds[kind[number]].bought:
                self._model.add(used == 1)
            elif number and kind[number] == kind[number - 1]:
                self._model.add_implication(used, self._used[number - 1])

    def _ask_room(self, host: int, taken: Sequence[tuple[np.ndarray, Choices]]) -> None:
        for dimension, room in enumerate(self._candidates.room[host].tolist()):
            terms = [
                int(amounts[block, dimension]) * choice
                for amounts, choices in taken
                for block in range(len(amounts))
                if amounts[block, dimension] and (choice := choices.get((block, host))) is not None
            ]
            if terms:
                self._model.add(sum(terms) <= room * self._used[host])

    def _ask_groups_across(self) -> None:
        for group in self._estate.blocks.groups:
            if not group.across_sites:
                continue
            covered = []
            for site in self._estate.sites:
                here = self._model.new_bool_var("")
                able = [
                    one
                    for host in self._candidates.at(site)
                    for one in _at(self._stands, group.blocks, host)
                ]
                self._model.add(sum(able) >= here)
                covered.append(here)
            self._model.add(sum(covered) >= 2)

    def _placed(self, solver: cp_model.CpSolver) -> Placed:
        """Lay the used hosts out, the empty ones of a kind last."""
        stands = {block: host for (block, host), it in self._stands.items() if _is(solver, it)}
        working = set(stands.values())
        used = [number for number, it in enumerate(self._used) if _is(solver, it)]
        used.sort(key=lambda number: (self._candidates.kind[number], number not in working))
        places = {number: place for place, number in enumerate(used)}
        layout = self._layout(used, working)
        return Placed(
            layout,
            np.array([places[stands[block]] for block in range(len(stands))], dtype=np.int64),
            tuple(self._replays(solver, set(used))),
            Method.EXACT,
        )

    def _layout(self, used: Sequence[int], working: set[int]) -> Layout:
        estate = self._estate
        hosts = tuple(self._candidates.hosts[number] for number in used)
        kind = np.array([self._candidates.kind[number] for number in used], dtype=np.int64)
        spare = np.array([number not in working for number in used], dtype=np.bool_)
        kinds = range(len(estate.kinds))
        return Layout(
            estate=estate,
            counts=Counts(
                tuple(int((kind == one).sum()) for one in kinds),
                tuple(int(spare[kind == one].sum()) for one in kinds),
            ),
            hosts=hosts,
            kind=kind,
            site=np.array([estate.sites.index(host.site) for host in hosts], dtype=np.int64),
            spare=spare,
        )

    def _replays(self, solver: cp_model.CpSolver, used: set[int]) -> Iterator[Replay]:
        """Tell where each loss of used hosts, and of each site, starts again what it stops."""
        names = [host.name for host in self._candidates.hosts]
        for loss, starts in self._losses:
            if not (loss.site or used.issuperset(loss.lost)):
                continue
            restarted = {
                one.name: names[host]
                for (block, host), choice in starts.items()
                if _is(solver, choice)
                for one in self._estate.blocks.members[block]
                if (restarts_elsewhere(one, self._estate.inventory) if loss.site else not one.fixed)
            }
            lost = loss.site or " + ".join(sorted(names[number] for number in loss.lost))
            yield Replay(lost, is_site=bool(loss.site), restarted=restarted)


def _of_block(choices: Choices, block: int) -> list[cp_model.IntVar]:
    return [choice for (one, _), choice in choices.items() if one == block]


def _at(choices: Choices, blocks: Sequence[int], host: int) -> list[cp_model.IntVar]:
    return [choices[block, host] for block in blocks if (block, host) in choices]


def _is(solver: cp_model.CpSolver, choice: cp_model.IntVar) -> bool:
    return bool(solver.boolean_value(choice))
