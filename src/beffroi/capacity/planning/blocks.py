"""What is placed as one: workloads that stand together, as whole numbers in arrays."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np

from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Criticality,
    Host,
    HostModel,
    Inventory,
    Resource,
    SiteLoss,
    Workload,
)
from beffroi.capacity.packing.problem import BoolArray, IntArray


class Needs(msgspec.Struct, frozen=True):
    """What a host must offer for a block to stand there, amounts apart."""

    sites: frozenset[str]
    organisations: frozenset[str]
    licences: frozenset[str]

    def met_by(self, host: Host, model: HostModel) -> bool:
        """Tell whether site, owners and licences of a host suit."""
        owners = frozenset(host.organisations)
        return (
            host.site in self.sites
            and (not owners or self.organisations <= owners)
            and self.licences <= frozenset(model.licences)
        )


class ApartGroup(msgspec.Struct, frozen=True):
    """Blocks that stand on distinct hosts.

    Attributes:
        blocks: Their numbers; one number twice where a rule contradicts itself.
        across_sites: Whether they cover two sites.
        restarting: How many of its workloads start again elsewhere after the loss of their site.
    """

    name: str
    blocks: tuple[int, ...]
    across_sites: bool
    restarting: int


class Dimension(msgspec.Struct, frozen=True):
    """A resource that is added up; CPU at one hour of the week."""

    resource: Resource
    hour: int = 0


class Blocks(msgspec.Struct, frozen=True, eq=False):
    """All blocks of an inventory.

    Attributes:
        members: Workloads of each.
        rest: (blocks, 3) Memory, disk, disk operations.
        cpu: (blocks, hours) CPU by hour; one hour where peaks do not matter.
        restarts: Whether something of it starts again elsewhere after the loss of its site.
        restart_rest: As ``rest``, of the members that do.
        restart_cpu: As ``cpu``, of the members that do.
        stays_rest: As ``rest``, of those that go on at their place when another site is lost.
        stays_cpu: As ``cpu``, of those that do.
        leaves: Whether something of it starts again after the loss of its host: what is not fixed.
        leave_rest: As ``rest``, of the members that do.
        leave_cpu: As ``cpu``, of the members that do.
        needs: What each needs of a host.
        restart_needs: What its members that start again elsewhere need.
        leave_needs: What its members that are not fixed need.
        groups: Blocks that stand apart.
        present: Host where each stands now; empty: nowhere, or on several.
        fixed: Host that each may not leave; empty: free.
        torn: Names of the groups ``together`` that are fixed to several hosts.
    """

    members: tuple[tuple[Workload, ...], ...]
    rest: IntArray
    cpu: IntArray
    restarts: BoolArray
    restart_rest: IntArray
    restart_cpu: IntArray
    stays_rest: IntArray
    stays_cpu: IntArray
    leaves: BoolArray
    leave_rest: IntArray
    leave_cpu: IntArray
    needs: tuple[Needs, ...]
    restart_needs: tuple[Needs, ...]
    leave_needs: tuple[Needs, ...]
    groups: tuple[ApartGroup, ...]
    present: tuple[str, ...]
    fixed: tuple[str, ...]
    torn: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.members)

    @property
    def hours(self) -> int:
        """168 where CPU is told by hour, else 1."""
        return int(self.cpu.shape[1])


def demand_of(rest: IntArray, cpu: IntArray, dimensions: Sequence[Dimension]) -> IntArray:
    """Return (blocks, dimensions) what is taken of each dimension."""
    columns = [
        cpu[:, one.hour] if one.resource is Resource.CPU else rest[:, _PLACES[one.resource]]
        for one in dimensions
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(rest), 0), dtype=np.int64)


def offer_of(usable: Amounts, dimensions: Sequence[Dimension]) -> list[int]:
    """Return what a host offers of each dimension."""
    offered = dict(zip(Resource, usable, strict=True))
    return [offered[one.resource] for one in dimensions]


_PLACES = {Resource.MEMORY: 0, Resource.DISK: 1, Resource.IO: 2}


def blocks_of(inventory: Inventory) -> Blocks:
    """Merge what stands together, and add up what each block takes."""
    by_hour = inventory.policy.peaks and any(one.cpu_by_hour for one in inventory.workloads)
    hours = HOURS_OF_WEEK if by_hour else 1
    members = _merged(inventory.workloads)
    keep = inventory.policy.site_loss is not SiteLoss.SHED
    restarting = [[one for one in block if restarts_elsewhere(one, inventory)] for block in members]
    staying = [
        [one for one in block if keep or one.criticality is Criticality.CRITICAL]
        for block in members
    ]
    leaving = [[one for one in block if not one.fixed] for block in members]
    fixed = [{one.host for one in block if one.fixed and one.host} for block in members]
    return Blocks(
        members=members,
        rest=_rest_of(members),
        cpu=_cpu_of(members, hours),
        restarts=np.array([bool(some) for some in restarting], dtype=np.bool_),
        restart_rest=_rest_of(restarting),
        restart_cpu=_cpu_of(restarting, hours),
        stays_rest=_rest_of(staying),
        stays_cpu=_cpu_of(staying, hours),
        leaves=np.array([bool(some) for some in leaving], dtype=np.bool_),
        leave_rest=_rest_of(leaving),
        leave_cpu=_cpu_of(leaving, hours),
        needs=tuple(_needs_of(block, inventory) for block in members),
        restart_needs=tuple(_needs_of(block, inventory) for block in restarting),
        leave_needs=tuple(_needs_of(block, inventory) for block in leaving),
        groups=_groups_of(members, inventory),
        present=tuple(_only([one.host for one in block]) for block in members),
        fixed=tuple(min(hosts, default="") for hosts in fixed),
        torn=tuple(
            block[0].together for block, hosts in zip(members, fixed, strict=True) if len(hosts) > 1
        ),
    )


def restarts_elsewhere(workload: Workload, inventory: Inventory) -> bool:
    """Tell whether the loss of its site makes a workload start again on another.

    One that is fixed, or whose rule allows one site alone, waits until the site is back.
    """
    return (
        inventory.policy.site_loss is not SiteLoss.IGNORED
        and workload.criticality is Criticality.CRITICAL
        and not workload.fixed
        and len(set(workload.sites) or set(inventory.sites)) > 1
    )


def _merged(workloads: Sequence[Workload]) -> tuple[tuple[Workload, ...], ...]:
    blocks: dict[tuple[str, str], list[Workload]] = {}
    for one in workloads:
        key = ("together", one.together) if one.together else ("alone", one.name)
        blocks.setdefault(key, []).append(one)
    return tuple(tuple(block) for block in blocks.values())


def _rest_of(blocks: Sequence[Sequence[Workload]]) -> IntArray:
    rows = np.zeros((len(blocks), 3), dtype=np.int64)
    for number, block in enumerate(blocks):
        for one in block:
            rows[number] += (one.amounts.memory_mib, one.amounts.disk_gib, one.amounts.io_per_s)
    return rows


def _cpu_of(blocks: Sequence[Sequence[Workload]], hours: int) -> IntArray:
    rows = np.zeros((len(blocks), hours), dtype=np.int64)
    for number, block in enumerate(blocks):
        for one in block:
            by_hour = one.cpu_by_hour if hours > 1 else ()
            rows[number] += by_hour or one.amounts.cpu_milli
    return rows


def _needs_of(block: Sequence[Workload], inventory: Inventory) -> Needs:
    sites = frozenset(inventory.sites)
    for one in block:
        sites = sites & frozenset(one.sites) if one.sites else sites
    return Needs(
        sites,
        frozenset(one.organisation for one in block),
        frozenset(one.licence for one in block if one.licence),
    )


def _groups_of(
    members: Sequence[Sequence[Workload]], inventory: Inventory
) -> tuple[ApartGroup, ...]:
    blocks, across, restarting = defaultdict(list), set(), Counter[str]()
    for number, block in enumerate(members):
        for one in block:
            if one.apart:
                blocks[one.apart].append(number)
                restarting[one.apart] += restarts_elsewhere(one, inventory)
                if one.across_sites:
                    across.add(one.apart)
    return tuple(
        ApartGroup(name, tuple(numbers), name in across, restarting[name])
        for name, numbers in blocks.items()
        if len(numbers) > 1
    )


def _only(hosts: Sequence[str]) -> str:
    return hosts[0] if len(set(hosts)) == 1 else ""
