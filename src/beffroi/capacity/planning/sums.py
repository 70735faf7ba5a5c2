"""What the blocks take in sum, and what hosts offer."""

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import numpy as np

from beffroi.capacity.packing.problem import BoolArray, IntArray
from beffroi.capacity.planning.blocks import Dimension, demand_of, offer_of
from beffroi.capacity.planning.estate import Estate

_FEW_SETS = 7


class Sums:
    """What the blocks take in sum, by the set of kinds that may take them."""

    def __init__(self, estate: Estate, dimensions: Sequence[Dimension]) -> None:
        blocks = estate.blocks
        self.estate = estate
        self.dimensions = tuple(dimensions)
        self.offers = [offer_of(kind.usable, dimensions) for kind in estate.kinds]
        self.demand = demand_of(blocks.rest, blocks.cpu, dimensions)
        self.restart = demand_of(blocks.restart_rest, blocks.restart_cpu, dimensions)
        self.stays = demand_of(blocks.stays_rest, blocks.stays_cpu, dimensions)

    @cached_property
    def held(self) -> IntArray:
        """Give (kinds, dimensions) what fixed workloads take of each kind."""
        fixed = np.array([bool(host) for host in self.estate.blocks.fixed], dtype=np.bool_)
        held = self.estate.stands[fixed].astype(np.int64)
        return np.asarray(held.T @ self.demand[fixed])

    @cached_property
    def by_kinds(self) -> list[tuple[BoolArray, IntArray]]:
        """Give sets of kinds with what only they can take."""
        if not self.estate.blocks.count:
            return []
        rows, of_row = np.unique(self.estate.stands, axis=0, return_inverse=True)
        of_row = of_row.reshape(-1)
        parts = np.stack([self.demand[of_row == row].sum(axis=0) for row in range(len(rows))])
        most = len(rows) if len(rows) <= _FEW_SETS else 2
        unions = {
            tuple(np.any(rows[list(some)], axis=0).tolist())
            for size in range(1, most + 1)
            for some in combinations(range(len(rows)), size)
        }
        unions.add(tuple(np.any(rows, axis=0).tolist()))
        found = []
        for union in sorted(unions):
            inside = ~(rows & ~np.array(union)).any(axis=1)
            found.append((np.array(union), parts[inside].sum(axis=0)))
        return found

    @cached_property
    def after_loss(self) -> list[tuple[list[int], IntArray]]:
        """Give, for each site that may be lost, the kinds left and what must run there."""
        estate, blocks = self.estate, self.estate.blocks
        found = []
        for site in estate.sites:
            left = [number for number, kind in enumerate(estate.kinds) if kind.site != site]
            at_site = estate.stands[:, estate.kinds_at(site)].any(axis=1)
            bound_elsewhere = ~at_site & ~blocks.restarts
            needed = self.restart.sum(axis=0) + self.stays[bound_elsewhere].sum(axis=0)
            found.append((left, needed))
        return found

    @cached_property
    def largest_groups(self) -> list[tuple[BoolArray, int, int]]:
        """Give sets of kinds with the hosts that their largest group apart needs.

        How many when nothing is lost, and how many for those that start again after a site's loss.
        When a host is lost, the one that stood there needs another: a spare for each site that
        the group stands on. Fixed ones wait.
        """
        largest: dict[tuple[bool, ...], tuple[int, int]] = {}
        spares = self.estate.inventory.policy.spare_hosts
        for group in self.estate.blocks.groups:
            numbers = list(group.blocks)
            kinds = tuple(np.any(self.estate.stands[numbers], axis=0).tolist())
            waits = any(self.estate.blocks.fixed[number] for number in numbers)
            in_reserve = 0 if waits else spares * (1 + group.across_sites)
            size = len(numbers) + in_reserve, group.restarting
            known = largest.get(kinds, (0, 0))
            largest[kinds] = max(size[0], known[0]), max(size[1], known[1])
        return [(np.array(kinds), *sizes) for kinds, sizes in largest.items()]
