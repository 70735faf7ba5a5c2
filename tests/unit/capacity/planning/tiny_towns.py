"""Towns so small that every plan for them can be tried, and the fewest hosts that one needs.

Written from the rules alone, without any code of the planner or of the checker.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, product

from beffroi.capacity.model import (
    Amounts,
    Criticality,
    Host,
    HostModel,
    Inventory,
    Policy,
    SiteLoss,
    Workload,
)

Stand = tuple[Workload, Host]


def tiny_town(seed: int) -> Inventory:
    """Draw a town of at most five hosts and five workloads, with rules of every sort."""
    chance = random.Random(seed)  # noqa: S311 - a made-up town
    sites = tuple("abc"[: chance.choice([1, 2, 2, 2, 3])])
    models = {
        name: HostModel(
            name=name,
            amounts=Amounts(
                chance.choice([8, 10, 12, 16]) * 1000, chance.choice([8, 10, 12, 16]) * 1024
            ),
            licences=("oracle",) * (chance.random() < 0.6),
        )
        for name in chance.choice(["x", "xy", "xy", "xyz"])
    }
    hosts = tuple(
        Host(
            name=f"h{number}",
            model=chance.choice(sorted(models)),
            site=chance.choice(sites),
            organisations=("town",) * (chance.random() < 0.08),
            switched_off=chance.random() < 0.05,
        )
        for number in range(chance.randint(2, 5))
    )
    losses = list(SiteLoss) if len(sites) > 1 else [SiteLoss.IGNORED]
    return Inventory(
        sites=sites,
        models=models,
        hosts=hosts,
        workloads=tuple(
            _workload(chance, f"w{number}", sites, hosts) for number in range(chance.randint(1, 5))
        ),
        policy=Policy(
            cpu_share=1.0,
            memory_share=1.0,
            spare_hosts=chance.choice([0, 1, 1, 1, 2]),
            site_loss=chance.choice(losses),
        ),
    )


def _workload(
    chance: random.Random, name: str, sites: Sequence[str], hosts: Sequence[Host]
) -> Workload:
    host = chance.choice(["", *(host.name for host in hosts)])
    some = tuple(sorted(chance.sample(sites, chance.randint(1, len(sites)))))
    return Workload(
        name=name,
        amounts=Amounts(chance.randint(1, 5) * 1000, chance.randint(1, 5) * 1024),
        organisation=chance.choice(["town", "housing"]),
        apart=chance.choice(["", "", "", "web"]),
        across_sites=chance.random() < 0.2,
        together=chance.choice(["", "", "", "", "pair"]),
        sites=some if chance.random() < 0.15 else (),
        licence="oracle" if chance.random() < 0.1 else "",
        criticality=chance.choice(list(Criticality)),
        host=host,
        fixed=bool(host) and chance.random() < 0.15,
    )


def fewest_hosts(inventory: Inventory) -> int | None:
    """Try every set of hosts and every placement; none where no plan holds."""
    hosts = [host for host in inventory.hosts if not host.switched_off]
    for count in range(len(hosts) + 1):
        for used in combinations(hosts, count):
            if any(_survives(inventory, used, plan) for plan in _placements(inventory, used)):
                return count
    return None


def _placements(inventory: Inventory, used: Sequence[Host]) -> Iterator[list[Stand]]:
    """Give those that hold while nothing is lost."""
    options = [
        [
            host
            for host in used
            if _admitted(inventory, one, host) and (not one.fixed or host.name == one.host)
        ]
        for one in inventory.workloads
    ]
    for places in product(*options):
        stands = list(zip(inventory.workloads, places, strict=True))
        if (
            _keeps_together(stands)
            and _room_and_apart(inventory, stands)
            and _across_sites(inventory, stands)
        ):
            yield stands


def _survives(inventory: Inventory, used: Sequence[Host], stands: list[Stand]) -> bool:
    policy = inventory.policy
    for site in inventory.sites:
        here = [host for host in used if host.site == site]
        for lost in combinations(here, min(policy.spare_hosts, len(here))):
            stay = [one for one in stands if one[1] not in lost]
            restart = [one for one, host in stands if host in lost and not one.fixed]
            left = [host for host in here if host not in lost]
            if not _starts_again(inventory, stay, restart, left):
                return False
        if policy.site_loss is not SiteLoss.IGNORED:
            stay = [
                (one, host)
                for one, host in stands
                if host.site != site
                and (policy.site_loss is SiteLoss.KEEP or one.criticality is Criticality.CRITICAL)
            ]
            restart = [one for one, host in stands if host.site == site and _goes_on(one, site)]
            left = [host for host in used if host.site != site]
            if not _starts_again(inventory, stay, restart, left):
                return False
    return True


def _goes_on(one: Workload, lost: str) -> bool:
    elsewhere = not one.sites or bool(set(one.sites) - {lost})
    return one.criticality is Criticality.CRITICAL and not one.fixed and elsewhere


def _starts_again(
    inventory: Inventory, stay: list[Stand], restart: Iterable[Workload], left: Sequence[Host]
) -> bool:
    units: Mapping[tuple[str, str], list[Workload]] = defaultdict(list)
    for one in restart:
        units["together" if one.together else "alone", one.together or one.name].append(one)
    options = [
        [host for host in left if all(_admitted(inventory, one, host) for one in unit)]
        for unit in units.values()
    ]
    for places in product(*options):
        started = [
            (one, host) for unit, host in zip(units.values(), places, strict=True) for one in unit
        ]
        if _room_and_apart(inventory, [*stay, *started]):
            return True
    return False


def _admitted(inventory: Inventory, one: Workload, host: Host) -> bool:
    return (
        (not one.sites or host.site in one.sites)
        and (not one.licence or one.licence in inventory.models[host.model].licences)
        and (not host.organisations or one.organisation in host.organisations)
    )


def _room_and_apart(inventory: Inventory, stands: Sequence[Stand]) -> bool:
    cpu: dict[str, int] = defaultdict(int)
    memory: dict[str, int] = defaultdict(int)
    groups = set()
    for one, host in stands:
        most = inventory.models[host.model].amounts
        cpu[host.name] += one.amounts.cpu_milli
        memory[host.name] += one.amounts.memory_mib
        if cpu[host.name] > most.cpu_milli or memory[host.name] > most.memory_mib:
            return False
        if one.apart and (one.apart, host.name) in groups:
            return False
        groups.add((one.apart, host.name))
    return True


def _keeps_together(stands: Sequence[Stand]) -> bool:
    hosts: dict[str, str] = {}
    return all(
        not one.together or hosts.setdefault(one.together, host.name) == host.name
        for one, host in stands
    )


def _across_sites(inventory: Inventory, stands: Sequence[Stand]) -> bool:
    asked = {one.apart for one in inventory.workloads if one.apart and one.across_sites}
    sites = {group: [host.site for one, host in stands if one.apart == group] for group in asked}
    return all(len(told) < 2 or len(set(told)) > 1 for told in sites.values())
