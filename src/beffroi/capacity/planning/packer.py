"""One try: the hosts are given, every rule but the loss of a host is packed for."""

import time
from collections.abc import Iterator

import msgspec
import numpy as np

from beffroi.capacity.model import Replay, SiteLoss
from beffroi.capacity.packing.annealed import annealed
from beffroi.capacity.packing.exact import MOST_CHOICES, Verdict, searched
from beffroi.capacity.packing.problem import EXACT, IntArray, Method, UnpackableError
from beffroi.capacity.packing.rules import holds, moves_of
from beffroi.capacity.packing.search import fewest_bins, pack_into
from beffroi.capacity.packing.staying import with_fewer_moves
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.failover import restarts_after_losses
from beffroi.capacity.planning.hours import dimensions_of, hours_over, hours_that_decide
from beffroi.capacity.planning.layouts import Framed, Layout, framed
from beffroi.capacity.planning.sides import FREE

_FIRST_HOURS_ADDED = 4
_EXACT_MOST_S = 8.0
_LEAST_STEPS = 200_000
_LEAST_S = 2.0
_STEPS_PER_ITEM = 7_000


class Placed(msgspec.Struct, frozen=True, eq=False):
    """What stands where in a layout.

    Attributes:
        assignment: (blocks) Host of each.
        restarts: For each site that may be lost, where what must run starts again; for sets of
            hosts too, where spares do not simply stand in for them.
        method: How it was found.
    """

    layout: Layout
    assignment: IntArray
    restarts: tuple[Replay, ...]
    method: Method


class Fewest(msgspec.Struct, frozen=True, eq=False):
    """The fewest hosts of a layout that take all.

    Attributes:
        assignment: (blocks) Host of each, below ``hosts``.
        proven: That many are needed, by an exhaustive search; 0: none was made.
    """

    assignment: IntArray
    hosts: int
    method: Method
    proven: int


class Packer:
    """Packs layouts one after the other, and learns which hours of the week matter.

    Args:
        estate: What must be placed.
        seed: Of the annealing.
        until_s: Reading of the monotonic clock after which each layout gets two seconds only.
        brings_back: Whether workloads are brought back to where they stand, as far as it goes.
        attempts: How many ways to settle groups across sites are tried for each layout.

    Attributes:
        hours: Those at which CPU is packed; the others are checked.
        ruled_out: Whether the last layout was searched exhaustively, without an answer.
    """

    def __init__(
        self,
        estate: Estate,
        *,
        seed: int,
        until_s: float,
        brings_back: bool = True,
        attempts: int = 1,
    ) -> None:
        self.hours = hours_that_decide(estate.blocks)
        self.ruled_out = False
        self._estate = estate
        self._seed = seed
        self._until_s = until_s
        self._brings_back = brings_back
        across = any(group.across_sites for group in estate.blocks.groups)
        self._attempts = attempts if across else 1
        self._method = Method.ANNEALING

    def placed(self, layout: Layout) -> Placed | None:
        """Pack a layout, with stand-ins only where they are needed for the losses to hold."""
        self.ruled_out = False
        tried = (self._placed(layout, attempt) for attempt in range(self._attempts))
        return next((placed for placed in tried if placed is not None), None)

    def fewest(self, layout: Layout) -> Fewest | None:
        """Find the fewest hosts at work of a layout whose hosts are alike and wait for no site.

        Returns:
            None: all of them together do not suffice, or no way was found in time.
        """
        at_work = int((~layout.spare).sum())
        added = _FIRST_HOURS_ADDED
        while True:
            frame = framed(layout, dimensions_of(self._estate, self.hours), shadowed=False)
            left_s = max(_LEAST_S, self._until_s - time.monotonic())
            try:
                packed = fewest_bins(
                    frame.packing.first(at_work),
                    deadline_s=left_s,
                    seed=self._seed,
                    told=lambda _: None,
                )
            except UnpackableError:
                return None
            over = self._hours_over(layout, frame, packed.assignment, added)
            if not over:
                proven = packed.bound if packed.bound_dimension == EXACT else 0
                return Fewest(packed.assignment, packed.bins, packed.method, proven)
            self.hours = tuple(sorted({*self.hours, *over}))
            added *= 2

    def _placed(self, layout: Layout, attempt: int) -> Placed | None:
        loss = self._estate.inventory.policy.site_loss
        restarting = loss is not SiteLoss.IGNORED and bool(self._estate.blocks.restarts.any())
        if not restarting:
            found = self._packed_as(layout, attempt, shadowed=False)
            return None if found is None else Placed(layout, found[1], (), self._method)
        for shadowed in (False, True) if loss is SiteLoss.SHED else (True,):
            found = self._packed_as(layout, attempt, shadowed=shadowed)
            if found is None:
                continue
            restarts = restarts_after_losses(layout, *found, seed=self._seed)
            if restarts is not None:
                own = found[1][: self._estate.blocks.count]
                return Placed(layout, own, restarts, self._method)
        return None

    def _packed_as(
        self, layout: Layout, attempt: int, *, shadowed: bool
    ) -> tuple[Framed, IntArray] | None:
        """Pack at the hours that decide, and at more of them until none is over."""
        added = _FIRST_HOURS_ADDED
        while True:
            dimensions = dimensions_of(self._estate, self.hours)
            frame = framed(layout, dimensions, shadowed=shadowed, attempt=attempt)
            assignment = self._answered(frame)
            if assignment is None:
                return None
            over = self._hours_over(layout, frame, assignment, added)
            if not over:
                return frame, self._with_fewer_moves(layout, frame, assignment)
            self.hours = tuple(sorted({*self.hours, *over}))
            added *= 2

    def _hours_over(
        self, layout: Layout, frame: Framed, assignment: IntArray, most: int
    ) -> tuple[int, ...]:
        loads = list(_cpu_loads(layout, frame, assignment))
        return hours_over(layout, loads, self.hours, most)

    def _answered(self, frame: Framed) -> IntArray | None:
        """Pack by annealing; search a small packing exhaustively where that finds nothing."""
        packing = frame.packing
        self._method = Method.ANNEALING
        if not packing.items:
            return packing.fixed
        steps = max(_LEAST_STEPS, _STEPS_PER_ITEM * packing.items)
        until_s = max(self._until_s, time.monotonic() + _LEAST_S)
        if packing.items * packing.bins > MOST_CHOICES:
            return pack_into(packing, seed=self._seed, steps=steps, until_s=until_s)
        place = annealed(packing, self._seed, steps, until_s)
        if holds(packing, place):
            return place
        left_s = min(_EXACT_MOST_S, self._until_s - time.monotonic())
        exhausted = searched(packing, hint=place, seed=self._seed, deadline_s=left_s)
        if exhausted.verdict is Verdict.FOUND:
            self._method = Method.EXACT
            return exhausted.assignment
        # Sites that were settled before the packing might have been settled otherwise.
        settled = bool(len(frame.shadows)) or bool((frame.sides != FREE).any())
        self.ruled_out = exhausted.verdict is Verdict.IMPOSSIBLE and not settled
        return None

    def _with_fewer_moves(self, layout: Layout, frame: Framed, assignment: IntArray) -> IntArray:
        """Bring workloads back to where they stand, if every hour still holds then."""
        packing = frame.packing
        if not (self._brings_back and moves_of(packing, assignment)):
            return assignment
        steps = max(_LEAST_STEPS, _STEPS_PER_ITEM * packing.items)
        fewer = with_fewer_moves(
            packing, assignment, seed=self._seed, steps=steps, until_s=self._until_s
        )
        return assignment if self._hours_over(layout, frame, fewer, 1) else fewer


def _cpu_loads(layout: Layout, frame: Framed, assignment: IntArray) -> Iterator[IntArray]:
    """Give (hosts, hours) the CPU while nothing is lost, and after each site's loss."""
    blocks = layout.estate.blocks
    hosts = len(layout.hosts)
    yield _added(blocks.cpu, assignment[: blocks.count], hosts)
    if not len(frame.shadows):
        return
    stays = _added(blocks.stays_cpu, assignment[: blocks.count], hosts)
    for site in range(len(layout.estate.sites)):
        lost = frame.sides[frame.shadows] == site
        starting = _added(
            blocks.restart_cpu[frame.shadows[lost]], assignment[blocks.count :][lost], hosts
        )
        yield (stays + starting) * (layout.site != site)[:, np.newaxis]


def _added(rows: IntArray, hosts_of: IntArray, hosts: int) -> IntArray:
    loads = np.zeros((hosts, rows.shape[1]), dtype=np.int64)
    np.add.at(loads, hosts_of, rows)
    return loads
