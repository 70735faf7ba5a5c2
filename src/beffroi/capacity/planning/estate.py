"""The hosts that a plan may choose among, those that are alike counted rather than named."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import count

import msgspec
import numpy as np

from beffroi.capacity.model import Amounts, Host, HostModel, Inventory
from beffroi.capacity.packing.problem import BoolArray, IntArray
from beffroi.capacity.planning.blocks import Blocks, Needs


class Kind(msgspec.Struct, frozen=True, eq=False):
    """Hosts of one model, site and owner.

    Attributes:
        licences: Those of its licences that some workload needs.
        usable: What the policy lets be used of one.
        hosts: Those that are there, the most loaded first; none of a kind that would be bought.
        most: How many may be used.
        held: One host that fixed workloads keep; it cannot be a spare.
        price_cents: What buying one costs; 0 for those that are there.
        power_w: What one takes at full load; 0 where nobody said.
    """

    site: str
    model: HostModel
    organisations: tuple[str, ...]
    licences: frozenset[str]
    usable: Amounts
    hosts: tuple[Host, ...]
    most: int
    held: bool
    price_cents: int
    power_w: int

    @property
    def bought(self) -> bool:
        """Whether hosts of this kind are not there yet."""
        return not self.hosts

    def covers(self, other: "Kind") -> bool:
        """Tell whether one of these may stand in for one of the others, whatever ran there."""
        return other.usable.fits(self.usable) and self.admits_all_of(other)

    def admits_all_of(self, other: "Kind") -> bool:
        """Tell whether site, licences and owners let it take over what may run on the other."""
        return (
            self.site == other.site
            and other.licences <= self.licences
            and (
                not self.organisations
                or (bool(other.organisations) and set(other.organisations) <= {*self.organisations})
            )
        )


class Estate(msgspec.Struct, frozen=True, eq=False):
    """An inventory as the planner sees it.

    Attributes:
        stands: (blocks, kinds) Whether a block may stand there and fits, alone.
        restarts: (blocks, kinds) The same for what starts again after the loss of its site.
        leaves: (blocks, kinds) The same for what starts again after the loss of its host.
    """

    inventory: Inventory
    blocks: Blocks
    kinds: tuple[Kind, ...]
    stands: BoolArray
    restarts: BoolArray
    leaves: BoolArray

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites."""
        return self.inventory.sites

    def kinds_at(self, site: str) -> list[int]:
        """Return the numbers of the kinds at a site."""
        return [number for number, kind in enumerate(self.kinds) if kind.site == site]


def estate_of(inventory: Inventory, blocks: Blocks) -> Estate:
    """Count the hosts by kind, and find which may take which block."""
    kinds = (*_kinds_there(inventory, blocks), *_kinds_bought(inventory, blocks))
    free = np.array([not host for host in blocks.fixed], dtype=np.bool_)
    stands = _met(blocks.needs, kinds) & _fits(blocks.rest, blocks.cpu, kinds)
    by_host = {host.name: number for number, kind in enumerate(kinds) for host in kind.hosts}
    for block in np.flatnonzero(~free):
        kind = by_host.get(blocks.fixed[block], -1)
        stands[block] &= np.arange(len(kinds)) == kind
    restarts = _met(blocks.restart_needs, kinds)
    restarts &= _fits(blocks.restart_rest, blocks.restart_cpu, kinds)
    leaves = _met(blocks.leave_needs, kinds)
    leaves &= _fits(blocks.leave_rest, blocks.leave_cpu, kinds)
    return Estate(inventory, blocks, kinds, stands, restarts, leaves)


def _kinds_there(inventory: Inventory, blocks: Blocks) -> Iterator[Kind]:
    loads: dict[str, int] = defaultdict(int)
    for one in inventory.workloads:
        loads[one.host] += one.amounts.memory_mib
    holding = set(blocks.fixed)
    alike: dict[tuple[str, str, tuple[str, ...], str], list[Host]] = defaultdict(list)
    for host in sorted(inventory.hosts, key=lambda one: (-loads[one.name], one.name)):
        if not host.switched_off:
            held = host.name if host.name in holding else ""
            owners = tuple(sorted(host.organisations))
            alike[host.site, host.model, owners, held].append(host)
    for (site, model, owners, held), hosts in alike.items():
        yield Kind(
            site=site,
            model=inventory.models[model],
            organisations=owners,
            licences=_licences_that_matter(inventory.models[model], inventory),
            usable=inventory.policy.usable(inventory.models[model].amounts),
            hosts=tuple(hosts),
            most=len(hosts),
            held=bool(held),
            price_cents=0,
            power_w=_power_of(inventory.models[model]),
        )


def _kinds_bought(inventory: Inventory, blocks: Blocks) -> Iterator[Kind]:
    most = blocks.count + int(blocks.restarts.sum()) + inventory.policy.spare_hosts
    for site in inventory.sites:
        for name in inventory.buys:
            model = inventory.models[name]
            yield Kind(
                site=site,
                model=model,
                organisations=(),
                licences=_licences_that_matter(model, inventory),
                usable=inventory.policy.usable(model.amounts),
                hosts=(),
                most=most,
                held=False,
                price_cents=int(Decimal(model.price_eur or "0") * 100),
                power_w=_power_of(model),
            )


def hosts_bought(kind: Kind, inventory: Inventory) -> Iterator[Host]:
    """Name new hosts of a kind, without end; no name is taken twice."""
    taken = {host.name for host in inventory.hosts}
    for number in count(1):
        name = f"{kind.model.name}-{kind.site}-{number}"
        if name not in taken:
            yield Host(name=name, model=kind.model.name, site=kind.site)


def _licences_that_matter(model: HostModel, inventory: Inventory) -> frozenset[str]:
    return frozenset(model.licences) & {one.licence for one in inventory.workloads}


def _power_of(model: HostModel) -> int:
    return round(max((point.power_w for point in model.power), default=0.0))


def _met(needs: Sequence[Needs], kinds: tuple[Kind, ...]) -> BoolArray:
    rows: dict[Needs, list[bool]] = {}
    for one in needs:
        if one not in rows:
            rows[one] = [one.met_by(_sample_of(kind), kind.model) for kind in kinds]
    found = np.array([rows[one] for one in needs], dtype=np.bool_)
    return found.reshape(len(needs), len(kinds))


def _sample_of(kind: Kind) -> Host:
    return Host(name="", model=kind.model.name, site=kind.site, organisations=kind.organisations)


def _fits(rest: IntArray, cpu: IntArray, kinds: tuple[Kind, ...]) -> BoolArray:
    peaks = cpu.max(axis=1) if len(cpu) else np.zeros(0, dtype=np.int64)
    columns = [
        (peaks <= kind.usable.cpu_milli)
        & (rest[:, 0] <= kind.usable.memory_mib)
        & (rest[:, 1] <= kind.usable.disk_gib)
        & (rest[:, 2] <= kind.usable.io_per_s)
        for kind in kinds
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((len(rest), 0), dtype=np.bool_)
