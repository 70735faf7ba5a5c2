"""From an inventory to a better placement of its workloads, with the way there and its checks."""

import math
import time
from collections.abc import Mapping

from beffroi.capacity.checking import check_plan
from beffroi.capacity.model import Amounts, Host, Inventory, Resource
from beffroi.capacity.rebalanced import HostLoad, Rebalancing, RebalancingOrder
from beffroi.capacity.rebalancing.bridge import BetterPlacement, bridge_back, bridge_to
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.guarded import guarded
from beffroi.capacity.rebalancing.islands import rebalance
from beffroi.capacity.rebalancing.model import Effort
from beffroi.capacity.rebalancing.ordering import helpful_moves
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Told

_NAMED_MOST = 10
_MIB_PER_GIB = 1024


def rebalanced(order: RebalancingOrder, told: Told) -> Rebalancing:
    """Look for a better placement on today's hosts.

    Raises:
        InvalidInputError: Workloads have no host, or stand where only a plan can mend it.
    """
    begun = time.monotonic()
    inventory = order.inventory
    _refuse_homeless(inventory)
    present = {one.name: one.host for one in inventory.workloads}
    bridge = bridge_to(inventory, present, most_moved=order.most_moves)
    problem = guarded(bridge.problem, bridge.present)
    found = rebalance(problem, bridge.present, Effort(seconds=order.seconds), told)
    better = bridge_back(bridge, found)
    moves = helpful_moves(inventory, bridge, found.placement)
    steps = [one.move for one in moves]
    return Rebalancing(
        resources=_taken(inventory),
        hosts=_loads(inventory, present, better.placement),
        placement=better.placement,
        moves=moves,
        before=check_placement(bridge.problem, bridge.present, bridge.present).cost,
        after=check_placement(bridge.problem, bridge.present, found.placement).cost,
        copied_gib=_copied_gib(inventory, better),
        stopped_s=sum(one.downtime_s for one in steps),
        checks_before=check_plan(inventory, present, _used(inventory, present), ()),
        checks_after=check_plan(
            inventory, better.placement, _used(inventory, better.placement), steps
        ),
        took_s=time.monotonic() - begun,
        origin=inventory.origin,
    )


def _refuse_homeless(inventory: Inventory) -> None:
    hosts = {host.name for host in inventory.hosts}
    homeless = [one.name for one in inventory.workloads if one.host not in hosts]
    if homeless:
        named = ", ".join(homeless[:_NAMED_MOST]) + (", …" if len(homeless) > _NAMED_MOST else "")
        raise InvalidInputError(
            "capacity.workloads_without_host", count=len(homeless), workloads=named
        )
    if not inventory.workloads:
        raise InvalidInputError("capacity.nothing_to_rebalance")


def _used(inventory: Inventory, placement: Mapping[str, str]) -> list[Host]:
    """List the hosts that may be used, and those that are although they are to go."""
    standing = set(placement.values())
    return [host for host in inventory.hosts if not host.switched_off or host.name in standing]


def _taken(inventory: Inventory) -> tuple[Resource, ...]:
    total = sum((one.amounts for one in inventory.workloads), start=Amounts())
    return tuple(kind for kind, amount in zip(Resource, total, strict=True) if amount)


def _loads(
    inventory: Inventory, before: Mapping[str, str], after: Mapping[str, str]
) -> tuple[HostLoad, ...]:
    was, will = _used_by_host(inventory, before), _used_by_host(inventory, after)
    return tuple(
        HostLoad(
            host=host.name,
            site=host.site,
            usable=inventory.policy.usable(inventory.models[host.model].amounts),
            before=was[host.name],
            after=will[host.name],
            switched_off=host.switched_off,
        )
        for host in inventory.hosts
    )


def _used_by_host(inventory: Inventory, placement: Mapping[str, str]) -> dict[str, Amounts]:
    used = {host.name: Amounts() for host in inventory.hosts}
    for one in inventory.workloads:
        used[placement[one.name]] += one.amounts
    return used


def _copied_gib(inventory: Inventory, better: BetterPlacement) -> int:
    moved = set(better.moved)
    return sum(
        math.ceil(one.amounts.memory_mib / _MIB_PER_GIB)
        for one in inventory.workloads
        if one.name in moved
    )
