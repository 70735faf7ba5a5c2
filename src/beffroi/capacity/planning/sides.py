"""Which site a workload belongs to, where that must be settled before the packing."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Final

import numpy as np

from beffroi.capacity.packing.problem import BoolArray, FloatArray, IntArray
from beffroi.capacity.planning.estate import Estate

FREE: Final = -1


def sides_of(estate: Estate, at_work: IntArray, *, restarting: bool) -> IntArray:
    """Settle the sites of groups across sites, and of what starts again elsewhere.

    Args:
        estate: Blocks and kinds.
        at_work: (kinds) How many hosts of each take workloads.
        restarting: Whether each block that starts again elsewhere gets a site.

    Returns:
        (blocks) Number of the site, or ``FREE``.
    """
    return _Sides(estate, at_work).settled(restarting=restarting)


class _Sides:
    """Sites filled in proportion to what they offer; whoever is there stays, within that."""

    def __init__(self, estate: Estate, at_work: IntArray) -> None:
        self._estate = estate
        self._may = self._possible(at_work)
        self._size = _sizes(estate)
        self._share = self._shares(at_work)
        self._load = np.zeros(len(estate.sites))
        self._sides = np.full(estate.blocks.count, FREE, dtype=np.int64)
        self._present = self._present_sites()
        for block in np.flatnonzero(self._may.sum(axis=1) == 1):
            self._load[self._may[block].argmax()] += self._size[block]

    def settled(self, *, restarting: bool) -> IntArray:
        blocks = self._estate.blocks
        for group in blocks.groups:
            if group.across_sites:
                self._spread(group.blocks)
        if restarting:
            free = np.flatnonzero(blocks.restarts & (self._sides == FREE))
            ordered = free[np.argsort(-self._size[free], kind="stable")]
            for block in ordered.tolist():
                self._settle(block, self._site_for(block))
        return self._sides

    def _possible(self, at_work: IntArray) -> BoolArray:
        """Tell (blocks, sites) where a block may stand in this layout."""
        stands = self._estate.stands & (at_work > 0)
        return np.stack(
            [stands[:, self._estate.kinds_at(site)].any(axis=1) for site in self._estate.sites],
            axis=1,
        )

    def _shares(self, at_work: IntArray) -> FloatArray:
        offered = np.zeros(len(self._estate.sites))
        for kind, count in zip(self._estate.kinds, at_work.tolist(), strict=True):
            offered[self._estate.sites.index(kind.site)] += kind.usable.memory_mib * count
        return np.asarray(offered / max(1.0, float(offered.sum())))

    def _present_sites(self) -> list[int]:
        estate = self._estate
        places = {host.name: host.site for host in estate.inventory.hosts}
        return [
            estate.sites.index(places[host]) if host in places else FREE
            for host in estate.blocks.present
        ]

    def _settle(self, block: int, site: int) -> None:
        self._sides[block] = site
        if self._may[block].sum() > 1:
            self._load[site] += self._size[block]

    def _spread(self, members: Sequence[int]) -> None:
        """Settle two members at two sites, unless they are already."""
        if len({int(self._sides[block]) for block in members} - {FREE}) > 1:
            return
        pairs = [
            (self._strain(one, at) + self._strain(other, there), one, at, other, there)
            for one, other in combinations(members, 2)
            for at, there in product(self._options(one), self._options(other))
            if at != there
        ]
        if pairs:
            _, one, at, other, there = min(pairs)
            self._settle(one, at)
            self._settle(other, there)

    def _options(self, block: int) -> list[int]:
        if self._sides[block] != FREE:
            return [int(self._sides[block])]
        return np.flatnonzero(self._may[block]).tolist()

    def _site_for(self, block: int) -> int:
        options = self._options(block)
        return min(options, key=lambda site: (self._strain(block, site), site), default=FREE)

    def _strain(self, block: int, site: int) -> float:
        """Return how far the site would be over its share; least where the block stands now."""
        over = self._load[site] + self._size[block] - self._share[site] * self._size.sum()
        if self._present[block] == site and over <= 0:
            return -float(self._size.sum())
        return float(self._load[site] / max(1e-9, self._share[site]))


def _sizes(estate: Estate) -> FloatArray:
    """Give each block's size: its part of what all take, of the resource it takes most of."""
    blocks = estate.blocks
    columns = np.concatenate([blocks.rest, blocks.cpu.max(axis=1, keepdims=True)], axis=1)
    return np.asarray((columns / np.maximum(1, columns.sum(axis=0))).max(axis=1))
