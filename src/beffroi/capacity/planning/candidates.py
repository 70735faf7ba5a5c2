"""The hosts that an exhaustive search chooses among, and the losses that its answer survives."""

from collections.abc import Iterator, Sequence
from itertools import combinations, islice
from math import comb

import msgspec
import numpy as np

from beffroi.capacity.model import Criticality, Host, SiteLoss, Workload
from beffroi.capacity.packing.problem import BoolArray, IntArray
from beffroi.capacity.planning.blocks import Dimension, demand_of, offer_of, restarts_elsewhere
from beffroi.capacity.planning.estate import Estate, hosts_bought
from beffroi.capacity.planning.hours import dimensions_of


class Candidates(msgspec.Struct, frozen=True, eq=False):
    """Hosts by number, those of a kind next to each other.

    Attributes:
        kind: Kind of each.
        room: (hosts, dimensions) What each offers.
    """

    hosts: tuple[Host, ...]
    kind: tuple[int, ...]
    room: IntArray

    def at(self, site: str) -> list[int]:
        """Return the numbers of those at a site."""
        return [number for number, host in enumerate(self.hosts) if host.site == site]


class Loss(msgspec.Struct, frozen=True, eq=False):
    """What is lost at once, and what that asks of the hosts that are left.

    Attributes:
        site: Name of the site that is lost; empty where hosts of one are.
        lost: Numbers of the candidates.
        left: Numbers of those on which something may start again.
        restart: (blocks, dimensions) What each takes when it starts again.
        restarts: (blocks) Whether something of it does.
        may: (blocks, kinds) Where it may.
        stays: (blocks, dimensions) What each takes that stands on a host that is left.
        starting: Of each group apart, the blocks whose member starts again.
        staying: Of each group apart, the blocks whose member goes on.
    """

    site: str
    lost: tuple[int, ...]
    left: tuple[int, ...]
    restart: IntArray
    restarts: BoolArray
    may: BoolArray
    stays: IntArray
    starting: tuple[tuple[int, ...], ...]
    staying: tuple[tuple[int, ...], ...]


def candidates_of(
    estate: Estate, dimensions: Sequence[Dimension], most_bought: int | None
) -> Candidates:
    """List every host that is there, and of each model on sale as many as may be of use.

    Args:
        estate: Blocks and kinds.
        dimensions: What is added up.
        most_bought: How many hosts are bought at most; nothing: as many as could ever be of use.
    """
    hosts: list[Host] = []
    kinds: list[int] = []
    for number, kind in enumerate(estate.kinds):
        most = kind.most if most_bought is None else min(kind.most, most_bought)
        some = kind.hosts or tuple(islice(hosts_bought(kind, estate.inventory), most))
        hosts += some
        kinds += [number] * len(some)
    room = [offer_of(estate.kinds[kind].usable, dimensions) for kind in kinds]
    array = np.array(room, dtype=np.int64).reshape(len(hosts), len(dimensions))
    return Candidates(tuple(hosts), tuple(kinds), array)


def hours_apart(estate: Estate) -> tuple[Dimension, ...]:
    """Return what is added up: no hour at which nobody takes more than at another one."""
    blocks = estate.blocks
    cpu = np.concatenate([blocks.cpu, blocks.stays_cpu, blocks.restart_cpu, blocks.leave_cpu])
    _, first = np.unique(cpu, axis=1, return_index=True)
    rows = [cpu[:, hour] for hour in first]
    telling = [
        int(hour)
        for number, hour in enumerate(first)
        if not any(
            (rows[number] <= other).all() for place, other in enumerate(rows) if place != number
        )
    ]
    return dimensions_of(estate, sorted(telling))


def choices_in(estate: Estate, candidates: Candidates) -> int:
    """Count how many places there are for all blocks, while nothing is lost and at each loss."""
    policy = estate.inventory.policy
    hosts = len(candidates.hosts)
    count = hosts
    for site in estate.sites:
        here = len(candidates.at(site))
        sets = min(policy.spare_hosts, here)
        count += comb(here, sets) * (here - sets) if sets else 0
        count += hosts - here if policy.site_loss is not SiteLoss.IGNORED else 0
    return count * estate.blocks.count


def losses_of(
    estate: Estate, candidates: Candidates, dimensions: Sequence[Dimension]
) -> Iterator[Loss]:
    """Give every set of hosts that is lost at once, then every site, as the policy asks.

    A set that holds hosts which a plan does not use asks no more than the others do.
    """
    policy = estate.inventory.policy
    for site in estate.sites if policy.spare_hosts else ():
        here = candidates.at(site)
        for lost in combinations(here, min(policy.spare_hosts, len(here))):
            yield _of_hosts(estate, lost, [one for one in here if one not in lost], dimensions)
    if policy.site_loss is not SiteLoss.IGNORED:
        for site in estate.sites:
            yield _of_site(estate, candidates, site, dimensions)


def _of_hosts(
    estate: Estate, lost: tuple[int, ...], left: Sequence[int], dimensions: Sequence[Dimension]
) -> Loss:
    blocks = estate.blocks
    return Loss(
        site="",
        lost=lost,
        left=tuple(left),
        restart=demand_of(blocks.leave_rest, blocks.leave_cpu, dimensions),
        restarts=blocks.leaves,
        may=estate.leaves,
        stays=demand_of(blocks.rest, blocks.cpu, dimensions),
        starting=_members(estate, [_leaves(block) for block in blocks.members]),
        staying=_members(estate, blocks.members),
    )


def _of_site(
    estate: Estate, candidates: Candidates, site: str, dimensions: Sequence[Dimension]
) -> Loss:
    blocks, inventory = estate.blocks, estate.inventory
    keep = inventory.policy.site_loss is SiteLoss.KEEP
    here = set(candidates.at(site))
    staying = [
        [one for one in block if keep or one.criticality is Criticality.CRITICAL]
        for block in blocks.members
    ]
    starting = [
        [one for one in block if restarts_elsewhere(one, inventory)] for block in blocks.members
    ]
    return Loss(
        site=site,
        lost=tuple(here),
        left=tuple(one for one in range(len(candidates.hosts)) if one not in here),
        restart=demand_of(blocks.restart_rest, blocks.restart_cpu, dimensions),
        restarts=blocks.restarts,
        may=estate.restarts,
        stays=demand_of(blocks.stays_rest, blocks.stays_cpu, dimensions),
        starting=_members(estate, starting),
        staying=_members(estate, staying),
    )


def _leaves(block: Sequence[Workload]) -> list[Workload]:
    return [one for one in block if not one.fixed]


def _members(estate: Estate, members: Sequence[Sequence[Workload]]) -> tuple[tuple[int, ...], ...]:
    """Give, of each group apart, the blocks that one of these members makes part of it."""
    return tuple(
        tuple(
            block
            for block in group.blocks
            if any(one.apart == group.name for one in members[block])
        )
        for group in estate.blocks.groups
    )
