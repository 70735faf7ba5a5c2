"""The checker of plans, which shares no code with the planner: it adds up, it never searches.

The rules, as they are looked at:

* PLACED: every workload of the inventory stands on one host that is used; no other one does.
* HOSTS: every used host has its own name and stands on a site of the inventory; one of the
  inventory is as the inventory has it, any other is of a model that may be bought and is nobody's
  alone.
* CPU, MEMORY, DISK, IO: no more is used than ``Policy.usable``; of CPU at each hour of the week
  when ``Policy.peaks`` and some workload tells its hours. A workload without hours takes its
  ``amounts.cpu_milli`` at all of them. Where a model's disk operations are 0 there are none.
* APART: two workloads of one group stand on two hosts. ACROSS_SITES: a group of at least two
  workloads, one of which says so, covers two sites. TOGETHER: a group stands on one host.
* SITES, LICENCES, OWNERS, FIXED: as ``Workload`` and ``Host`` say.
* SWITCHED_OFF: a host that its owners told to go is not used.
* MOVES, PREFIXES, WAVES, WINDOWS: see ``checking_moves``. Losses: see ``checking_losses``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from beffroi.capacity.checking_losses import losses_replayed
from beffroi.capacity.checking_moves import (
    breaches_of_moves,
    breaches_of_prefixes,
    breaches_of_waves,
    breaches_of_windows,
)
from beffroi.capacity.checking_rooms import (
    Register,
    Room,
    reason_no_licence,
    reason_not_owner,
    reason_wrong_site,
)
from beffroi.capacity.model import (
    Check,
    Host,
    Inventory,
    Move,
    Reason,
    Replay,
    Resource,
    Workload,
)


class Rule(StrEnum):
    """What a plan is checked for; told in words under ``capacity.rules``."""

    PLACED = "placed"
    HOSTS = "hosts"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    IO = "io"
    APART = "apart"
    ACROSS_SITES = "across_sites"
    TOGETHER = "together"
    SITES = "sites"
    LICENCES = "licences"
    OWNERS = "owners"
    FIXED = "fixed"
    SWITCHED_OFF = "switched_off"
    MOVES = "moves"
    PREFIXES = "prefixes"
    WAVES = "waves"
    WINDOWS = "windows"


_RULE_OF = {
    Resource.CPU: Rule.CPU,
    Resource.MEMORY: Rule.MEMORY,
    Resource.DISK: Rule.DISK,
    Resource.IO: Rule.IO,
}
Standing = list[tuple[Workload, Room]]


def check_plan(
    inventory: Inventory,
    placement: Mapping[str, str],
    used_hosts: Sequence[Host],
    moves: Sequence[Move],
) -> tuple[Check, ...]:
    """Look at every rule, in the order of ``Rule``.

    Args:
        inventory: What there is; its policy says how much of a host may be used.
        placement: Workload to host, both by name.
        used_hosts: Those that stay or are bought, spares included.
        moves: From the inventory's placement to this one, in their order.
    """
    register = Register(inventory, used_hosts)
    rooms = register.rooms(used_hosts, placement)
    standing = [
        (workload, rooms[placement[name]])
        for name, workload in register.workloads.items()
        if placement.get(name) in rooms
    ]
    workloads = len(inventory.workloads)
    return (
        _check(Rule.PLACED, workloads, _misplaced(register, placement)),
        _check(Rule.HOSTS, len(used_hosts), _unknown_hosts(inventory, used_hosts)),
        *_capacities(rooms.values(), register.hours),
        *_groups(standing),
        *_admissions(standing),
        _check(Rule.FIXED, workloads, _unfixed(standing)),
        _check(Rule.SWITCHED_OFF, len(used_hosts), _woken(used_hosts)),
        _check(Rule.MOVES, len(moves), breaches_of_moves(register, placement, moves)),
        _check(Rule.PREFIXES, len(moves), breaches_of_prefixes(register, moves)),
        _check(Rule.WAVES, len({one.wave for one in moves}), breaches_of_waves(register, moves)),
        _check(Rule.WINDOWS, len(moves), breaches_of_windows(register, moves)),
    )


def replay_losses(
    inventory: Inventory,
    placement: Mapping[str, str],
    used_hosts: Sequence[Host],
    proposed: Sequence[Replay] = (),
) -> tuple[Replay, ...]:
    """Lose every host, then every site, and restart what must run; ``checking_losses`` says how.

    Args:
        inventory: What there is, with its policy.
        placement: Workload to host, both by name.
        used_hosts: Those that stay or are bought, spares included.
        proposed: Where the planner would restart what is lost, told apart by ``lost`` and
            ``is_site``. Each of its restarts is tried first and taken only where every rule
            holds, so a wrong proposal cannot make a plan look better.
    """
    return losses_replayed(Register(inventory, used_hosts), placement, proposed)


def _check(rule: Rule, looked_at: int, breaches: Iterable[Reason]) -> Check:
    found = tuple(breaches)
    return Check(rule.value, not found, looked_at, found)


def _misplaced(register: Register, placement: Mapping[str, str]) -> Iterable[Reason]:
    for name in register.workloads:
        host = placement.get(name)
        if host is None:
            yield Reason("not_placed", {"workload": name})
        elif host not in register.used:
            yield Reason("on_unused_host", {"workload": name, "host": host})
    for name in placement:
        if name not in register.workloads:
            yield Reason("workload_unknown", {"workload": name})


def _unknown_hosts(inventory: Inventory, used_hosts: Sequence[Host]) -> Iterable[Reason]:
    there = {host.name: host for host in inventory.hosts}
    names: set[str] = set()
    for host in used_hosts:
        if host.name in names:
            yield Reason("host_twice", {"host": host.name})
        names.add(host.name)
        if host.name in there:
            if host != there[host.name]:
                yield Reason("host_altered", {"host": host.name})
        elif host.model not in inventory.buys:
            yield Reason("host_not_on_sale", {"host": host.name, "model": host.model})
        elif host.organisations:
            owners = ", ".join(host.organisations)
            yield Reason("bought_host_reserved", {"host": host.name, "owners": owners})
        if host.site not in inventory.sites:
            yield Reason("site_unknown", {"host": host.name, "site": host.site})


def _capacities(rooms: Iterable[Room], hours: int) -> list[Check]:
    breaches = defaultdict(list)
    looked_at = 0
    for room in rooms:
        looked_at += 1
        for overload in room.overloads():
            breaches[overload.resource].append(overload.reason("host_over", host=room.host.name))
    return [
        _check(rule, looked_at * (hours if rule is Rule.CPU else 1), breaches[resource])
        for resource, rule in _RULE_OF.items()
    ]


def _groups(standing: Standing) -> list[Check]:
    apart, together = defaultdict(list), defaultdict(list)
    for workload, room in standing:
        if workload.apart:
            apart[workload.apart].append((workload, room))
        if workload.together:
            together[workload.together].append((workload, room))
    spread = {
        name: members
        for name, members in apart.items()
        if len(members) > 1 and any(workload.across_sites for workload, _ in members)
    }
    return [
        _check(Rule.APART, len(apart), _meetings(apart)),
        _check(Rule.ACROSS_SITES, len(spread), _on_one_site(spread)),
        _check(Rule.TOGETHER, len(together), _separations(together)),
    ]


def _meetings(apart: Mapping[str, Standing]) -> Iterable[Reason]:
    for group, members in apart.items():
        by_host: dict[str, list[str]] = defaultdict(list)
        for workload, room in members:
            by_host[room.host.name].append(workload.name)
        for host, names in by_host.items():
            if len(names) > 1:
                values = {"group": group, "host": host, "workloads": ", ".join(names)}
                yield Reason("apart_meet", values)


def _on_one_site(spread: Mapping[str, Standing]) -> Iterable[Reason]:
    for group, members in spread.items():
        sites = {room.host.site for _, room in members}
        if len(sites) == 1:
            names = ", ".join(workload.name for workload, _ in members)
            yield Reason("on_one_site", {"group": group, "site": sites.pop(), "workloads": names})


def _separations(together: Mapping[str, Standing]) -> Iterable[Reason]:
    for group, members in together.items():
        hosts = sorted({room.host.name for _, room in members})
        if len(hosts) > 1:
            yield Reason("together_separated", {"group": group, "hosts": ", ".join(hosts)})


def _admissions(standing: Standing) -> list[Check]:
    rules: dict[Rule, Callable[[Workload, Room], Reason | None]] = {
        Rule.SITES: reason_wrong_site,
        Rule.LICENCES: reason_no_licence,
        Rule.OWNERS: reason_not_owner,
    }
    return [
        _check(
            rule,
            len(standing),
            [reason for one in standing if (reason := reason_against(*one)) is not None],
        )
        for rule, reason_against in rules.items()
    ]


def _unfixed(standing: Standing) -> Iterable[Reason]:
    for workload, room in standing:
        if workload.fixed and workload.host and room.host.name != workload.host:
            values = {"workload": workload.name, "host": workload.host, "planned": room.host.name}
            yield Reason("fixed_moved", values)


def _woken(used_hosts: Sequence[Host]) -> Iterable[Reason]:
    return [
        Reason("switched_off_used", {"host": one.name}) for one in used_hosts if one.switched_off
    ]
