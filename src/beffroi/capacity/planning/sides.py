"""Which site a workload belongs to, where that must be settled before the packing."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Final

import numpy as np

from beffroi.capacity.packing.problem import BoolArray, FloatArray, IntArray
from beffroi.capacity.planning.estate import Estate

FREE: Final = -1


def sides_of(estate: Estate, at_work: IntArray, *, restarting: bool, attempt: int = 0) -> IntArray:
    """Settle the sites of groups across sites, and of what starts again elsewhere.

    Args:
        estate: Blocks and kinds.
        at_work: (kinds) How many hosts of each take workloads.
        restarting: Whether each block that starts again elsewhere gets a site.
        attempt: Which pair of a group across sites is settled: 0 for the one that strains least.

    Returns:
        (blocks) Number of the site, or ``FREE``.
    """
    return _Sides(estate, at_work).settled(restarting=restarting, attempt=attempt)


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

    def settled(self, *, restarting: bool, attempt: int) -> IntArray:
        blocks = self._estate.blocks
        for group in blocks.groups:
            if group.across_sites:
                self._spread(group.blocks, attempt)
        if restarting:
            free = np.flatnonzero(blocks.restarts & (self._sides == FREE))
            ordered = free[np.argsort(-self._size[free], kind="stable")]
            for block in ordered.tolist():
                self._settle(block, self._site_for(block))
        return self._sides

    def _possible(self, at_work: IntArray) -> BoolArray:
        """Tell (blocks, sites) where a block may stand in this layout."""
        stands = self._estate.stands & (at_work > 0)
        at_sites = [self._estate.kinds_at(site) for site in self._estate.sites]
        possible = np.zeros((len(stands), len(at_sites)), dtype=np.bool_)
        for site, kinds in enumerate(at_sites):
            possible[:, site] = stands[:, kinds].any(axis=1)
        return possible

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

    def _spread(self, members: Sequence[int], attempt: int) -> None:
        """Settle two members at two sites, unless they are already.

        A member that has one possible site is there: only who joins it from elsewhere is open.
        """
        options = {block: self._options(block) for block in members}
        there = {block for block in members if len(options[block]) == 1}
        if len({options[block][0] for block in there}) > 1:
            return
        pairs = sorted(
            (self._strain(one, here) + self._strain(other, away), one, here, other, away)
            for one, other in combinations(members, 2)
            if not there or len(there & {one, other}) == 1
            for here, away in product(options[one], options[other])
            if here != away
        )
        if pairs:
            _, one, here, other, away = pairs[attempt % len(pairs)]
            self._settle(one, here)
            self._settle(other, away)

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
