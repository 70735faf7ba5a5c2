"""The fewest hosts that take all: counts that sums allow are packed, from the bound upwards."""

import time
from collections.abc import Iterator
from functools import cached_property

import msgspec

from beffroi.capacity.model import Reason, SiteLoss
from beffroi.capacity.packing.exact import Verdict
from beffroi.capacity.planning.blocks import Dimension
from beffroi.capacity.planning.choosing import counts_to_try, most_at_work, one_host_less
from beffroi.capacity.planning.counts import Counts, Reserve, least_hosts
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.exhaustive import Asked, exhausted
from beffroi.capacity.planning.hours import dimensions_of, hours_that_decide
from beffroi.capacity.planning.layouts import Layout, laid_out
from beffroi.capacity.planning.packer import Packer, Placed
from beffroi.capacity.planning.sums import Sums
from beffroi.kernel.processes.workers import Progress, Told

_TRIES_AT_BOUND = 6
_TRIES_ABOVE = 3
_TRIES_RULED_OUT = 40
_TRIES_CAPPED = 12
_FEWER_MOST_S = 15.0
_LIKE_FAILED_ONES_MOST = 60
_ONE_ANSWER_S = 2.0
_ATTEMPTS_AT_LAST = 4

# How many hosts more than the bound are offered: so many, or that part of the bound.
_MORE_LEAST = 4
_MORE_SHARE = 6


class Found(msgspec.Struct, frozen=True, eq=False):
    """Hosts, and what stands where.

    Attributes:
        dimensions: What was added up; CPU holds at every hour all the same.
        bound: No plan uses fewer hosts.
        why: What sets the bound, where it is not a sum.
    """

    placed: Placed
    dimensions: tuple[Dimension, ...]
    bound: int
    why: Reason | None = None

    @property
    def layout(self) -> Layout:
        """The hosts."""
        return self.placed.layout

    def placement(self) -> dict[str, str]:
        """Return the host of each workload, by name."""
        return placement_of(self.placed)


def placement_of(placed: Placed) -> dict[str, str]:
    """Return the host of each workload, by name."""
    hosts = placed.layout.hosts
    return {
        one.name: hosts[host].name
        for members, host in zip(
            placed.layout.estate.blocks.members, placed.assignment.tolist(), strict=True
        )
        for one in members
    }


def can_be_packed(estate: Estate, *, seed: int) -> Verdict:
    """Tell whether all is packed when the number of hosts does not matter.

    IMPOSSIBLE is proven: by sums, or by a search of all plans of a small estate.
    """
    if least_hosts(Sums(estate, dimensions_of(estate, hours_that_decide(estate.blocks)))) is None:
        return Verdict.IMPOSSIBLE
    if _packed_with_most(estate, seed=seed) is not None:
        return Verdict.FOUND
    asked = Asked(any_plan=True, within_s=_ONE_ANSWER_S, seed=seed)
    return exhausted(estate, asked).verdict


def _packed_with_most(estate: Estate, *, seed: int) -> Placed | None:
    """Pack into as many hosts as there may be, with whichever spares leave most room."""
    until_s = time.monotonic() + _ONE_ANSWER_S
    packer = Packer(
        estate, seed=seed, until_s=until_s, brings_back=False, attempts=_ATTEMPTS_AT_LAST
    )
    sums = Sums(estate, dimensions_of(estate, packer.hours))
    tried = (packer.placed(layout) for layout in _layouts_with_most(sums))
    return next((placed for placed in tried if placed is not None), None)


def _layouts_with_most(sums: Sums) -> Iterator[Layout]:
    for reserve in (Reserve.STAND_IN, Reserve.CAPPED):
        counts = most_at_work(sums, reserve)
        if counts is not None:
            yield laid_out(sums.estate, counts, capped=reserve is Reserve.CAPPED)
    counts = counts_to_try(sums, (), 0)
    if counts is not None:
        yield laid_out(sums.estate, counts)


class Search:
    """One search; the same seed finds the same answer unless the time ends it.

    Args:
        estate: What must be placed, and the hosts there may be.
        seed: Of the annealing.
        until_s: Reading of the monotonic clock after which more hosts are settled for.
        told: Called with the progress.
        keeps_all: Whether every host that is there is used, so that only more are chosen.
    """

    def __init__(
        self, estate: Estate, *, seed: int, until_s: float, told: Told, keeps_all: bool = False
    ) -> None:
        self._estate = estate
        self._seed = seed
        self._keeps_all = keeps_all
        self._packer = Packer(estate, seed=seed, until_s=until_s)
        self._until_s = until_s
        self._began_s = time.monotonic()
        self._told = told
        self._proven = 0
        self._open = not _stand_ins_cost_nothing(estate)

    def found(self) -> Found | None:
        """Try counts, the best first, then all plans of a small estate; none: no plan was found."""
        bound = least_hosts(self._sums())
        if bound is None:
            return None
        self._proven = bound
        placed = self._of_hosts_alike(bound) if self._is_plain else None
        if placed is None:
            placed = self._upwards(bound)
        if placed is None and not self._keeps_all and self._with_most is not None:
            placed = self._tried(self._with_most.layout) or self._with_most
        if placed and not (self._keeps_all or _stand_ins_cost_nothing(self._estate)):
            placed = self._downwards(placed)
        return self._found(self._with_fewest(placed))

    @cached_property
    def _with_most(self) -> Placed | None:
        return _packed_with_most(self._estate, seed=self._seed)

    def _found(self, placed: Placed | None) -> Found | None:
        if placed is None:
            return None
        sums = self._sums()
        bound = least_hosts(sums) or 0
        why = Reason("bound_exact", {"hosts": self._proven}) if self._proven > bound else None
        return Found(placed, sums.dimensions, max(bound, self._proven), why)

    def _with_fewest(self, placed: Placed | None) -> Placed | None:
        """Search all plans with fewer hosts, or prove that there are none, if they are few."""
        hosts = None if placed is None else len(placed.layout.hosts)
        left_s = self._until_s - time.monotonic()
        if left_s <= 0 or (hosts is not None and (self._keeps_all or hosts <= self._proven)):
            return placed
        self._told(Progress(self._share(), "searching all plans"))
        answer = exhausted(
            self._estate,
            Asked(
                at_least=self._proven,
                at_most=None if hosts is None else hosts - 1,
                keeps_all=self._keeps_all,
                within_s=left_s,
                seed=self._seed,
            ),
        )
        if answer.verdict is not Verdict.IMPOSSIBLE:
            self._proven = answer.least
        elif hosts is not None:
            self._proven = hosts
        return answer.placed or placed

    @property
    def _is_plain(self) -> bool:
        """Whether hosts are all alike, and nothing restarts at another site."""
        kinds, loss = self._estate.kinds, self._estate.inventory.policy.site_loss
        one_kind = len(kinds) == 1 and not kinds[0].held
        return one_kind and loss is SiteLoss.IGNORED and not self._keeps_all

    def _of_hosts_alike(self, bound: int) -> Placed | None:
        """Pack into the fewest of more hosts than will be needed."""
        sums = self._sums()
        counts = counts_to_try(sums, (), bound + max(_MORE_LEAST, bound // _MORE_SHARE))
        counts = counts or counts_to_try(sums, (), bound)
        if counts is None:
            return None
        self._told(Progress(self._share(), f"packing into {counts.total} hosts or fewer"))
        found = self._packer.fewest(laid_out(self._estate, counts))
        if found is None:
            return None
        spares = sum(counts.spares)
        self._proven = max(self._proven, found.proven + spares if found.proven else 0)
        fewer = Counts((found.hosts + spares,), (spares,))
        return Placed(laid_out(self._estate, fewer), found.assignment, (), found.method)

    def _upwards(self, bound: int) -> Placed | None:
        """Try counts whose spares stand in for every host, with more and more hosts."""
        at_least = bound
        tries, failed, doubted = 0, list[Counts](), False
        shapes: set[object] = set()
        while True:
            counts = counts_to_try(self._sums(), failed, at_least, keeps_all=self._keeps_all)
            if counts is None:
                return None
            if not self._open:
                self._proven = max(self._proven, counts.total)
            layout = laid_out(self._estate, counts)
            failed.append(counts)
            if layout.shape in shapes and len(failed) - len(shapes) < _LIKE_FAILED_ONES_MOST:
                continue
            shapes.add(layout.shape)
            placed = self._tried(layout)
            if placed is not None:
                return placed
            self._open |= not self._packer.ruled_out
            tries += 1
            most = _TRIES_AT_BOUND if counts.total <= bound + 1 else _TRIES_ABOVE
            if tries >= (most if self._open else _TRIES_RULED_OUT):
                if not doubted and self._with_most is None:
                    return None
                doubted = self._open = True
                at_least, tries = counts.total + self._stride(counts.total), 0

    def _downwards(self, placed: Placed) -> Placed:
        """Try one host less, hosts filled no further than the spares of their site hold."""
        tries, failed = 0, list[Counts]()
        until_s = min(self._until_s, time.monotonic() + _FEWER_MOST_S)
        while tries < _TRIES_CAPPED and time.monotonic() < until_s:
            total = len(placed.layout.hosts)
            counts = one_host_less(self._sums(), failed, total) if total > self._proven else None
            if counts is None:
                break
            fewer = self._tried(laid_out(self._estate, counts, capped=True))
            if fewer is not None:
                placed, tries = fewer, 0
            else:
                failed.append(counts)
                tries += 1
        return placed

    def _tried(self, layout: Layout) -> Placed | None:
        self._told(Progress(self._share(), f"packing into {len(layout.hosts)} hosts"))
        return self._packer.placed(layout)

    def _sums(self) -> Sums:
        return Sums(self._estate, dimensions_of(self._estate, self._packer.hours))

    def _share(self) -> float:
        spent_s = time.monotonic() - self._began_s
        return min(0.9, 0.9 * spent_s / max(0.1, self._until_s - self._began_s))

    def _stride(self, hosts: int) -> int:
        """Return how many hosts to add: more of them when little time is left."""
        return 1 if self._share() < 0.6 else max(1, hosts // 20)


def _stand_ins_cost_nothing(estate: Estate) -> bool:
    """Tell whether a spare that stands in for all costs no more than any other reserve.

    So it is where the hosts of a site are alike: whatever survives the loss of one of H hosts fits
    in H - 1. It is not where hosts differ, or are held by workloads that wait for them.
    """
    if not estate.inventory.policy.spare_hosts:
        return True
    kinds = estate.kinds
    alike = all(one.covers(other) for one in kinds for other in kinds if one.site == other.site)
    return alike and not any(kind.held for kind in kinds)
