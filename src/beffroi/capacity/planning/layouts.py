"""The hosts of one try, and its packing: workloads, and their stand-ins at another site.

A workload that starts again after the loss of its site has a stand-in among the hosts of the other
sites. Both are packed at once, in every state that must hold: nothing lost, or one site lost. A
spare takes no workload, but stand-ins: of a host and a site only one is lost at a time, so the
room for either is the same.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import islice

import msgspec
import numpy as np

from beffroi.capacity.model import Host, SiteLoss
from beffroi.capacity.packing.problem import BoolArray, IntArray, Packing
from beffroi.capacity.planning.blocks import Dimension, demand_of, offer_of
from beffroi.capacity.planning.counts import Counts
from beffroi.capacity.planning.estate import Estate, hosts_bought
from beffroi.capacity.planning.sides import FREE, sides_of


class Layout(msgspec.Struct, frozen=True, eq=False):
    """Chosen hosts.

    Attributes:
        kind: Kind of each host.
        site: Number of each host's site.
        spare: Whether it stays empty while nothing is lost.
        capped: Whether hosts are filled no further than the spares of their site hold.
    """

    estate: Estate
    counts: Counts
    hosts: tuple[Host, ...]
    kind: IntArray
    site: IntArray
    spare: BoolArray
    capped: bool = False

    @property
    def shape(self) -> object:
        """What makes two layouts hold the same workloads, whichever hosts they are made of."""
        kinds = self.estate.kinds
        return frozenset(
            Counter(
                (
                    kinds[number].site,
                    kinds[number].usable,
                    kinds[number].licences,
                    kinds[number].organisations,
                    number if kinds[number].held else None,
                    spare,
                )
                for number, spare in zip(self.kind.tolist(), self.spare.tolist(), strict=True)
            ).items()
        )


class Framed(msgspec.Struct, frozen=True, eq=False):
    """A packing of a layout.

    Attributes:
        shadows: Blocks that have a stand-in: the items after those of the blocks, in this order.
        sides: Number of the site of each block, or ``FREE``.
    """

    packing: Packing
    shadows: IntArray
    sides: IntArray


def laid_out(estate: Estate, counts: Counts, *, capped: bool = False) -> Layout:
    """Choose the hosts: of those alike the most loaded ones, the least loaded ones as spares."""
    hosts: list[Host] = []
    kinds: list[int] = []
    spare: list[bool] = []
    for number, (count, spares) in enumerate(zip(counts.hosts, counts.spares, strict=True)):
        kind = estate.kinds[number]
        hosts += islice(kind.hosts or hosts_bought(kind, estate.inventory), count)
        kinds += [number] * count
        spare += [False] * (count - spares) + [True] * spares
    places = {site: place for place, site in enumerate(estate.sites)}
    return Layout(
        estate=estate,
        counts=counts,
        hosts=tuple(hosts),
        kind=np.array(kinds, dtype=np.int64),
        site=np.array([places[host.site] for host in hosts], dtype=np.int64),
        spare=np.array(spare, dtype=np.bool_),
        capped=capped,
    )


def held_by_spares(layout: Layout, room: IntArray) -> IntArray:
    """Give (hosts, dimensions) what may be filled: no more than a spare of its site holds."""
    capped = room.copy()
    for site in range(len(layout.estate.sites)):
        here = layout.site == site
        spares = np.flatnonzero(here & layout.spare)
        if len(spares):
            capped[here] = np.minimum(room[here], room[spares[0]])
    return capped


def framed(
    layout: Layout, dimensions: Sequence[Dimension], *, shadowed: bool, attempt: int = 0
) -> Framed:
    """State the packing.

    Args:
        layout: Hosts; all may be used.
        dimensions: What is added up.
        shadowed: Whether stand-ins are packed too.
        attempt: Which way groups across sites are settled.
    """
    estate = layout.estate
    blocks = estate.blocks
    sides = sides_of(estate, _at_work(layout), restarting=shadowed, attempt=attempt)
    shadows = np.flatnonzero(blocks.restarts) if shadowed else np.zeros(0, dtype=np.int64)
    demand = _demand_by_state(layout, dimensions, shadows, sides)
    offers = np.array([offer_of(kind.usable, dimensions) for kind in estate.kinds], dtype=np.int64)
    offers = offers.reshape(len(estate.kinds), len(dimensions))
    states = demand.shape[1] // max(1, len(dimensions))
    capacity = np.tile(offers[layout.kind], (1, states))
    if layout.capped:
        capacity[:, : len(dimensions)] = held_by_spares(layout, offers[layout.kind])
    of_item = np.concatenate([np.arange(blocks.count), shadows])
    apart, ones = apart_rules(estate, of_item)
    bins = {host.name: number for number, host in enumerate(layout.hosts)}
    fixed = np.array([bins.get(host, -1) for host in blocks.fixed], dtype=np.int64)
    present = np.array(
        [number if not layout.spare[number] else -1 for number in _bins_of(bins, blocks.present)],
        dtype=np.int64,
    )
    nowhere = np.full(len(shadows), -1, dtype=np.int64)
    packing = Packing(
        demand=np.concatenate([demand, ones], axis=1),
        capacity=np.concatenate(
            [capacity, np.ones((len(layout.hosts), ones.shape[1]), dtype=np.int64)], axis=1
        ),
        apart=apart,
        allowed=np.concatenate(
            [_allowed_own(layout, sides), _allowed_shadows(layout, sides, shadows)]
        ),
        bin_class=layout.kind * 2 + layout.spare,
        fixed=np.concatenate([fixed, nowhere]),
        preferred=np.concatenate([present, nowhere]),
    )
    return Framed(packing, shadows, sides)


def _bins_of(bins: dict[str, int], hosts: Sequence[str]) -> list[int]:
    return [bins.get(host, -1) for host in hosts]


def _at_work(layout: Layout) -> IntArray:
    """Count the hosts of each kind that take workloads."""
    counts = layout.counts
    return np.array(counts.hosts, dtype=np.int64) - np.array(counts.spares, dtype=np.int64)


def _demand_by_state(
    layout: Layout, dimensions: Sequence[Dimension], shadows: IntArray, sides: IntArray
) -> IntArray:
    """Give (items, states by dimensions): what each item takes in each state that must hold.

    With two sites the hosts of each know one loss only, that of the other: one state is enough.
    What all keep after a loss covers what they take before.
    """
    estate, blocks = layout.estate, layout.estate.blocks
    own = demand_of(blocks.rest, blocks.cpu, dimensions)
    if not len(shadows):
        return own
    stays = demand_of(blocks.stays_rest, blocks.stays_cpu, dimensions)
    restart = demand_of(blocks.restart_rest, blocks.restart_cpu, dimensions)[shadows]
    states = []
    if layout.capped or estate.inventory.policy.site_loss is SiteLoss.SHED:
        states.append(np.concatenate([own, np.zeros_like(restart)]))
    if len(estate.sites) == 2:
        states.append(np.concatenate([stays, restart]))
        return np.concatenate(states, axis=1)
    for site in range(len(estate.sites)):
        lost = (sides[shadows] == site)[:, np.newaxis]
        states.append(np.concatenate([stays, restart * lost]))
    return np.concatenate(states, axis=1)


def _allowed_own(layout: Layout, sides: IntArray) -> BoolArray:
    """Tell (blocks, classes) where blocks may stand: on no spare, fixed ones on held hosts."""
    estate = layout.estate
    stands = estate.stands.copy()
    fixed = np.array([bool(host) for host in estate.blocks.fixed], dtype=np.bool_)
    for number, kind in enumerate(estate.kinds):
        away = (sides != FREE) & (sides != estate.sites.index(kind.site))
        stands[away, number] = False
        if kind.held and not layout.capped and not _covered(layout, number):
            stands[~fixed, number] = False
    return _by_class(stands, np.zeros_like(stands))


def _allowed_shadows(layout: Layout, sides: IntArray, shadows: IntArray) -> BoolArray:
    estate = layout.estate
    restarts = estate.restarts[shadows]
    for number, kind in enumerate(estate.kinds):
        restarts[sides[shadows] == estate.sites.index(kind.site), number] = False
    return _by_class(restarts, restarts)


def _covered(layout: Layout, kind: int) -> bool:
    estate = layout.estate
    spares = sum(
        count
        for it, count in zip(estate.kinds, layout.counts.spares, strict=True)
        if it.covers(estate.kinds[kind])
    )
    return spares >= estate.inventory.policy.spare_hosts


def _by_class(at_work: BoolArray, spare: BoolArray) -> BoolArray:
    """Interleave the columns: class 2k is kind k at work, 2k + 1 its spares."""
    return np.stack([at_work, spare], axis=2).reshape(len(at_work), 2 * at_work.shape[1])


def apart_rules(estate: Estate, of_item: IntArray) -> tuple[IntArray, IntArray]:
    """Number the groups apart; one that shares a block with another is a dimension of ones."""
    number_of = np.full(estate.blocks.count, -1, dtype=np.int64)
    columns = []
    for number, group in enumerate(estate.blocks.groups):
        members = np.array(group.blocks, dtype=np.int64)
        if (number_of[members] == -1).all():
            number_of[members] = number
        else:
            column = np.zeros(estate.blocks.count, dtype=np.int64)
            column[members] = 1
            columns.append(column[of_item])
    ones = np.stack(columns, axis=1) if columns else np.zeros((len(of_item), 0), dtype=np.int64)
    return number_of[of_item], ones
