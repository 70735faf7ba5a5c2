"""The fewest hosts that take all: counts that sums allow are packed, from the bound upwards."""

import time

import msgspec

from beffroi.capacity.model import Reason
from beffroi.capacity.planning.blocks import Dimension
from beffroi.capacity.planning.counts import (
    Counts,
    counts_to_try,
    least_hosts,
    most_at_work,
    one_host_less,
)
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.hours import dimensions_of
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


def can_be_packed(estate: Estate, *, seed: int) -> bool:
    """Tell whether all is packed when the number of hosts does not matter."""
    until_s = time.monotonic() + _ONE_ANSWER_S
    packer = Packer(estate, seed=seed, until_s=until_s, brings_back=False)
    sums = Sums(estate, dimensions_of(estate, packer.hours))
    tried = (most_at_work(sums), counts_to_try(sums, (), 0))
    return any(
        counts is not None and packer.placed(laid_out(estate, counts)) is not None
        for counts in tried
    )


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
        """Try counts, the best first; none when no counts are left that sums allow."""
        placed = self._upwards()
        if placed is None:
            return None
        if not (self._keeps_all or _stand_ins_cost_nothing(self._estate)):
            placed = self._downwards(placed)
        sums = self._sums()
        bound = least_hosts(sums) or 0
        why = Reason("bound_exact", {"hosts": self._proven}) if self._proven > bound else None
        return Found(placed, sums.dimensions, max(bound, self._proven), why)

    def _upwards(self) -> Placed | None:
        """Try counts whose spares stand in for every host, with more and more hosts."""
        bound = least_hosts(self._sums())
        if bound is None:
            return None
        self._proven = at_least = bound
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
                if not (doubted or can_be_packed(self._estate, seed=self._seed)):
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
