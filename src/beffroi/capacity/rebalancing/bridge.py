"""From an inventory and where its workloads run to a reassignment problem, and back.

A host is a machine, its site a location; what exceeds the policy's shares costs. A workload, or
all those that stay together, is a process; those apart are a service. Memory and disk are counted
on both hosts of a move, so that the moves may be made in any order.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from beffroi.capacity.model import Amounts, Host, Inventory, Resource, Workload
from beffroi.capacity.rebalancing.checker import check_placement
from beffroi.capacity.rebalancing.model import (
    Balance,
    Cost,
    Machine,
    MoveWeights,
    Placement,
    Process,
    Reassignment,
    Rebalanced,
    ResourceKind,
    Rule,
    Service,
)
from beffroi.kernel.errors import InvalidInputError

_WHOLE_HOST: Final = 1_000_000
_BALANCE_SHARE: Final = 10
_MIB_PER_GIB: Final = 1024
_TRANSIENT: Final = (Resource.MEMORY, Resource.DISK)
_PLACES: Final = {kind: place for place, kind in enumerate(Resource)}

Whole = Annotated[int, Meta(ge=0, le=1_000_000)]


class MovingPrice(msgspec.Struct, frozen=True, kw_only=True):
    """What moves cost beside overload: 10,000 is one hundredth of a host above its share.

    Attributes:
        move: Each move.
        gib: Each GiB of memory that is copied.
        downtime_s: Each second for which a workload stops.
        between_sites: Each move to another site.
    """

    move: Whole = 100
    gib: Whole = 10
    downtime_s: Whole = 100
    between_sites: Whole = 1000


USUAL_PRICE: Final = MovingPrice()


class Bridge(msgspec.Struct, frozen=True):
    """A problem, and the names behind its numbers.

    Attributes:
        present: Machine of each process, as the workloads run now.
        workloads: The workloads of each process.
        hosts: The host of each machine.
    """

    problem: Reassignment
    present: tuple[int, ...]
    workloads: tuple[tuple[str, ...], ...]
    hosts: tuple[str, ...]


class BetterPlacement(msgspec.Struct, frozen=True):
    """Where workloads should run, and what that changes.

    Attributes:
        placement: Workload to host, all of them.
        moved: Workloads whose host changes, by name.
        before: Cost of the present placement.
        after: Cost of this one, moves included.
    """

    placement: Mapping[str, str]
    moved: tuple[str, ...]
    before: Cost
    after: Cost


def bridge_to(
    inventory: Inventory,
    placement: Mapping[str, str],
    price: MovingPrice = USUAL_PRICE,
    most_moved: int | None = None,
) -> Bridge:
    """State how to balance an inventory better.

    Args:
        inventory: Hosts, workloads and the policy.
        placement: The host of each workload.
        price: What moves cost.
        most_moved: Moves at most; workloads that stay together count as one.

    Raises:
        InvalidInputError: A workload runs nowhere or where it may not, or a group is not apart.
    """
    hosts = {host.name: number for number, host in enumerate(inventory.hosts)}
    for workload in inventory.workloads:
        if placement.get(workload.name, "") not in hosts:
            raise InvalidInputError(
                "capacity.workload_runs_nowhere",
                workload=workload.name,
                host=placement.get(workload.name, ""),
            )
    parties = _parties(inventory.workloads, placement)
    present = tuple(hosts[placement[party[0].name]] for party in parties)
    services, service_of = _services(parties)
    problem = Reassignment(
        resources=_resources(inventory),
        machines=_machines(inventory, parties, present, price),
        services=services,
        processes=tuple(
            _process(inventory, party, service, at, price)
            for party, service, at in zip(parties, service_of, present, strict=True)
        ),
        balances=_balances(inventory),
        weights=MoveWeights(process=1, service=price.move, machine=1),
        most_moved=most_moved,
    )
    names = tuple(tuple(workload.name for workload in party) for party in parties)
    bridge = Bridge(problem, present, names, tuple(host.name for host in inventory.hosts))
    _refuse_broken(bridge, service_of)
    return bridge


def bridge_back(bridge: Bridge, found: Rebalanced) -> BetterPlacement:
    """Name again what the search numbered."""
    placement = _named(bridge, found.placement)
    was = _named(bridge, bridge.present)
    moved = tuple(sorted(name for name, host in placement.items() if host != was[name]))
    return BetterPlacement(placement, moved, found.before, found.after)


def _named(bridge: Bridge, placement: Placement) -> dict[str, str]:
    return {
        name: bridge.hosts[machine]
        for names, machine in zip(bridge.workloads, placement, strict=True)
        for name in names
    }


def _parties(
    workloads: Sequence[Workload], placement: Mapping[str, str]
) -> tuple[tuple[Workload, ...], ...]:
    """Gather workloads that stay together; those that are not yet stay apart for now."""
    found: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    for workload in workloads:
        key = (workload.together, placement[workload.name])
        found[key if workload.together else ("", f"/{workload.name}")].append(workload)
    return tuple(tuple(party) for party in found.values())


def _services(
    parties: Sequence[tuple[Workload, ...]],
) -> tuple[tuple[Service, ...], tuple[int, ...]]:
    """Number services; a party in several groups makes one of them all."""
    first_word: dict[str, str] = {}
    for party in parties:
        words = [workload.apart for workload in party if workload.apart]
        roots = {_root(first_word, word) for word in words}
        first_word.update(dict.fromkeys(roots, min(roots, default="")))
    numbers: dict[str, int] = {}
    spreads: list[int] = []
    service_of: list[int] = []
    for party in parties:
        word = next((one.apart for one in party if one.apart), "")
        key = f"apart {_root(first_word, word)}" if word else f"alone {len(service_of)}"
        service = numbers.setdefault(key, len(numbers))
        if service == len(spreads):
            spreads.append(1)
        if any(workload.across_sites for workload in party):
            spreads[service] = 2
        service_of.append(service)
    return tuple(Service(spread) for spread in spreads), tuple(service_of)


def _root(first_word: Mapping[str, str], word: str) -> str:
    while first_word.get(word, word) != word:
        word = first_word[word]
    return word


def _resources(inventory: Inventory) -> tuple[ResourceKind, ...]:
    """Weigh resources so that a hundredth of a mean host costs as much in each."""
    wholes = [inventory.models[host.model].amounts for host in inventory.hosts]
    means = [sum(amounts) // len(wholes) for amounts in zip(*wholes, strict=True)]
    return tuple(
        ResourceKind(kind in _TRANSIENT, max(1, _WHOLE_HOST // max(1, mean)))
        for kind, mean in zip(Resource, means, strict=True)
    )


def _machines(
    inventory: Inventory,
    parties: Sequence[tuple[Workload, ...]],
    present: Sequence[int],
    price: MovingPrice,
) -> tuple[Machine, ...]:
    used = [Amounts()] * len(inventory.hosts)
    for party, at in zip(parties, present, strict=True):
        used[at] = sum((workload.amounts for workload in party), start=used[at])
    sites = {name: number for number, name in enumerate(inventory.sites)}
    return tuple(
        Machine(
            neighbourhood=0,
            location=sites[host.site],
            # A host that is overloaded today may stay so, and may not become more so.
            capacity=tuple(map(max, inventory.models[host.model].amounts, used[number])),
            safety_capacity=_safety(inventory, host),
            move_cost=tuple(
                0 if other.site == host.site else price.between_sites for other in inventory.hosts
            ),
        )
        for number, host in enumerate(inventory.hosts)
    )


def _safety(inventory: Inventory, host: Host) -> tuple[int, ...]:
    if host.switched_off:
        return tuple(Amounts())
    return tuple(inventory.policy.usable(inventory.models[host.model].amounts))


def _process(
    inventory: Inventory,
    party: tuple[Workload, ...],
    service: int,
    at: int,
    price: MovingPrice,
) -> Process:
    amounts = sum((workload.amounts for workload in party), start=Amounts())
    memory_gib = -(-amounts.memory_mib // _MIB_PER_GIB)
    downtime_s = sum(workload.downtime_s for workload in party)
    cost = price.move + memory_gib * price.gib + downtime_s * price.downtime_s
    return Process(service, tuple(amounts), cost, _only_on(inventory, party, at))


def _only_on(inventory: Inventory, party: tuple[Workload, ...], at: int) -> tuple[int, ...]:
    if any(workload.fixed for workload in party):
        return (at,)
    found = tuple(
        number
        for number, host in enumerate(inventory.hosts)
        if all(_may_run(inventory, workload, host) for workload in party)
        and (number == at or not host.switched_off)
    )
    if at not in found:
        raise InvalidInputError(
            "capacity.workload_runs_where_it_may_not",
            workload=party[0].name,
            host=inventory.hosts[at].name,
        )
    return () if len(found) == len(inventory.hosts) else found


def _may_run(inventory: Inventory, workload: Workload, host: Host) -> bool:
    licences = inventory.models[host.model].licences
    return (
        (not workload.sites or host.site in workload.sites)
        and (not workload.licence or workload.licence in licences)
        and (not host.organisations or workload.organisation in host.organisations)
    )


def _balances(inventory: Inventory) -> tuple[Balance, ...]:
    """Ask that free memory be in proportion to free CPU, as in all hosts together."""
    wholes = [inventory.models[host.model].amounts for host in inventory.hosts]
    cpu = sum(amounts.cpu_milli for amounts in wholes)
    memory = sum(amounts.memory_mib for amounts in wholes)
    places = _PLACES[Resource.CPU], _PLACES[Resource.MEMORY]
    weight = _WHOLE_HOST * len(wholes) // max(1, memory) // _BALANCE_SHARE
    return (Balance(*places, round(memory / max(1, cpu)), max(1, weight)),)


def _refuse_broken(bridge: Bridge, service_of: Sequence[int]) -> None:
    """Refuse a placement whose groups do not stand apart: that takes a plan, not a balance."""
    for breach in check_placement(bridge.problem, bridge.present, bridge.present).broken:
        names = ", ".join(
            name
            for names, service in zip(bridge.workloads, service_of, strict=True)
            for name in names
            if service == breach.at[0]
        )
        if breach.rule is Rule.CONFLICT:
            raise InvalidInputError("capacity.group_shares_host", workloads=names)
        raise InvalidInputError("capacity.group_on_few_sites", workloads=names)
