"""Where what must run starts again after the loss of a site."""

from collections.abc import Sequence

import numpy as np

from beffroi.capacity.model import Replay
from beffroi.capacity.packing.problem import IntArray, Packing
from beffroi.capacity.packing.search import pack_into
from beffroi.capacity.planning.blocks import demand_of, offer_of, restarts_elsewhere
from beffroi.capacity.planning.hours import dimensions_of
from beffroi.capacity.planning.layouts import Framed, Layout, apart_rules

_STEPS = 400_000


def restarts_after_losses(
    layout: Layout, frame: Framed, assignment: IntArray, *, seed: int
) -> tuple[Replay, ...] | None:
    """Propose where to start again what each site's loss stops.

    Returns:
        One proposal for each site; none where no room was found after some loss.
    """
    estate = layout.estate
    own = assignment[: estate.blocks.count]
    proposals = []
    for site, name in enumerate(estate.sites):
        lost = np.flatnonzero(estate.blocks.restarts & (layout.site[own] == site))
        hosts: IntArray | None
        if len(frame.shadows):
            hosts = assignment[len(own) :][np.searchsorted(frame.shadows, lost)]
        else:
            hosts = _room_found(layout, own, lost, seed=seed)
        if hosts is None:
            return None
        restarted = _by_workload(layout, lost.tolist(), hosts.tolist())
        proposals.append(Replay(lost=name, is_site=True, restarted=restarted))
    return tuple(proposals)


def _room_found(layout: Layout, own: IntArray, lost: IntArray, *, seed: int) -> IntArray | None:
    """Pack what starts again beside what goes on; all of it stands at one site if any is lost."""
    if not len(lost):
        return lost
    site = int(layout.site[own[lost[0]]])
    packed = pack_into(_after_loss(layout, own, lost, site), seed=seed, steps=_STEPS)
    return None if packed is None else packed[-len(lost) :]


def _after_loss(layout: Layout, own: IntArray, lost: IntArray, site: int) -> Packing:
    estate, blocks = layout.estate, layout.estate.blocks
    dimensions = dimensions_of(estate, range(blocks.hours))
    stays = demand_of(blocks.stays_rest, blocks.stays_cpu, dimensions)
    restart = demand_of(blocks.restart_rest, blocks.restart_cpu, dimensions)
    staying = np.flatnonzero((layout.site[own] != site) & stays.any(axis=1))
    offers = [offer_of(kind.usable, dimensions) for kind in estate.kinds]
    at_site = np.array([estate.sites.index(kind.site) == site for kind in estate.kinds])
    of_item = np.concatenate([staying, lost])
    apart, ones = apart_rules(estate, of_item)
    fixed = np.concatenate([own[staying], np.full(len(lost), -1, dtype=np.int64)])
    room = np.array(offers, dtype=np.int64)[layout.kind]
    return Packing(
        demand=np.concatenate([np.concatenate([stays[staying], restart[lost]]), ones], axis=1),
        capacity=np.concatenate(
            [room, np.ones((len(room), ones.shape[1]), dtype=np.int64)], axis=1
        ),
        apart=apart,
        allowed=np.concatenate([estate.stands[staying], estate.restarts[lost] & ~at_site]),
        bin_class=layout.kind,
        fixed=fixed,
        preferred=np.full(len(of_item), -1, dtype=np.int64),
    )


def _by_workload(layout: Layout, lost: Sequence[int], hosts: Sequence[int]) -> dict[str, str]:
    estate = layout.estate
    return {
        one.name: layout.hosts[host].name
        for block, host in zip(lost, hosts, strict=True)
        for one in estate.blocks.members[block]
        if restarts_elsewhere(one, estate.inventory)
    }
