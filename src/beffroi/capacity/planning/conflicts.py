"""Why no plan exists: a smallest set of rules that no plan can hold at once.

What is only not found is told apart from what is proven not to exist.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from beffroi.capacity.growth import of_one_resource
from beffroi.capacity.model import Inventory, Policy, Resource, SiteLoss, Workload
from beffroi.capacity.packing.exact import Verdict
from beffroi.capacity.planning.blocks import Blocks, blocks_of
from beffroi.capacity.planning.estate import Estate, estate_of
from beffroi.capacity.planning.search import can_be_packed
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress, Told


class RuleKind(StrEnum):
    """What may forbid a plan; the words are those of an inventory's file."""

    APART = "apart"
    ACROSS_SITES = "across_sites"
    TOGETHER = "together"
    SITES = "sites"
    LICENCE = "licence"
    FIXED = "fixed"
    OWNERS = "organisations"
    SWITCHED_OFF = "switched_off"
    SITE_LOSS = "site_loss"
    SPARE_HOSTS = "spare_hosts"
    HOSTS = "hosts"


class Rule(msgspec.Struct, frozen=True, order=True):
    """One rule of an inventory, and whom it is about."""

    kind: RuleKind
    subject: str

    def __str__(self) -> str:
        return f"{self.kind} «{self.subject}»" if self.subject else str(self.kind)


def no_plan(inventory: Inventory, *, seed: int, told: Told) -> InvalidInputError:
    """Make the error that names what forbids a plan.

    Args:
        inventory: One for which the search found no plan.
        seed: Of the packings that are tried.
        told: Called with the progress.
    """
    short = _resource_short(inventory)
    if short is not None:
        return short
    rules = rules_of(inventory)
    told(Progress(0.5, "looking for the rules that contradict each other"))
    conflict = smallest_conflict(inventory, rules, seed=seed)
    if not conflict:
        return InvalidInputError("capacity.plan_not_found", hosts=len(inventory.hosts))
    if conflict == [Rule(RuleKind.HOSTS, "")]:
        return _no_room(relaxed(inventory, rules, {*conflict}), seed=seed)
    # A group across sites is told by the word of its group apart: one of the two names both.
    across = {rule.subject for rule in conflict if rule.kind is RuleKind.ACROSS_SITES}
    named = [
        _told(rule, inventory.policy)
        for rule in sorted(conflict)
        if rule.kind is not RuleKind.APART or rule.subject not in across
    ]
    return InvalidInputError("capacity.no_plan", rules=" + ".join(named), count=len(named))


def _told(rule: Rule, policy: Policy) -> str:
    values = {RuleKind.SITE_LOSS: policy.site_loss, RuleKind.SPARE_HOSTS: policy.spare_hosts}
    return f"{rule} = {values[rule.kind]}" if rule.kind in values else str(rule)


def _resource_short(inventory: Inventory) -> InvalidInputError | None:
    """Name the resource of which all hosts together have too little, if none may be bought."""
    if inventory.buys:
        return None
    hosts = [host for host in inventory.hosts if not host.switched_off]
    usable = [inventory.policy.usable(inventory.models[host.model].amounts) for host in hosts]
    needed = _needed_in_all(blocks_of(inventory))
    for place, resource in enumerate(Resource):
        there = sum(list(amounts)[place] for amounts in usable)
        if needed[place] > there:
            return InvalidInputError(
                "capacity.room_short",
                resource=resource.value,
                needed=needed[place],
                usable=there,
                hosts=len(hosts),
            )
    return None


def _no_room(inventory: Inventory, *, seed: int) -> InvalidInputError:
    """Name the workload that finds no room on the hosts beside those that are larger.

    Args:
        inventory: Without rules, and yet without a plan.
        seed: Of the packings that are tried.
    """

    def none_fits(some: Inventory) -> bool:
        return impossible(some, seed=seed)

    alone = ((one, of_one_resource(inventory, one)) for one in Resource)
    short = next(((one, some) for one, some in alone if none_fits(some)), None)
    resource, asked = short or (Resource.MEMORY, inventory)
    place = tuple(Resource).index(resource)
    ordered = sorted(asked.workloads, key=lambda one: (-tuple(one.amounts)[place], one.name))

    def largest(count: int) -> Inventory:
        return msgspec.structs.replace(asked, workloads=tuple(ordered[:count]))

    counts = range(len(ordered))
    count = bisect_left(counts, True, key=lambda some: none_fits(largest(some)))  # noqa: FBT003
    values = {"hosts": len(asked.hosts), "count": count, "workload": ordered[count - 1].name}
    if short is None:
        return InvalidInputError("capacity.no_room", **values)
    return InvalidInputError("capacity.no_room_of", resource=resource.value, **values)


def _needed_in_all(blocks: Blocks) -> list[int]:
    return [int(blocks.cpu.sum(axis=0).max(initial=0)), *blocks.rest.sum(axis=0).tolist()]


def rules_of(inventory: Inventory) -> list[Rule]:
    """List the rules that a plan for this inventory has to hold."""
    rules = {Rule(RuleKind.HOSTS, "")}
    for one in inventory.workloads:
        told = (
            (RuleKind.APART, one.apart),
            (RuleKind.ACROSS_SITES, one.apart if one.across_sites else ""),
            (RuleKind.TOGETHER, one.together),
            (RuleKind.SITES, one.name if one.sites else ""),
            (RuleKind.LICENCE, one.licence),
            (RuleKind.FIXED, one.name if one.fixed else ""),
        )
        rules |= {Rule(kind, subject) for kind, subject in told if subject}
    for host in inventory.hosts:
        if host.organisations:
            rules.add(Rule(RuleKind.OWNERS, ", ".join(host.organisations)))
        if host.switched_off:
            rules.add(Rule(RuleKind.SWITCHED_OFF, host.name))
    if inventory.policy.spare_hosts:
        rules.add(Rule(RuleKind.SPARE_HOSTS, ""))
    if inventory.policy.site_loss is not SiteLoss.IGNORED:
        rules.add(Rule(RuleKind.SITE_LOSS, ""))
    return sorted(rules)


def smallest_conflict(inventory: Inventory, rules: Sequence[Rule], *, seed: int) -> list[Rule]:
    """Return rules that provably contradict each other; nothing where no proof was found.

    None of them can be left out: without it, the others are not known to contradict each other.

    Source: Junker, QuickXplain, AAAI 2004.
    """

    def contradict(kept: Iterable[Rule]) -> bool:
        return impossible(relaxed(inventory, rules, set(kept)), seed=seed)

    def explained(background: list[Rule], added: bool, rest: list[Rule]) -> list[Rule]:  # noqa: FBT001
        if added and contradict(background):
            return []
        if len(rest) == 1:
            return rest
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        of_second = explained([*background, *first], True, second)  # noqa: FBT003
        of_first = explained([*background, *of_second], bool(of_second), first)
        return [*of_first, *of_second]

    if contradict([]) or not contradict(rules):
        return []
    return explained([], False, list(rules))  # noqa: FBT003


def impossible(inventory: Inventory, *, seed: int) -> bool:
    """Tell whether it is proven that no placement holds every rule, on whatever hosts."""
    estate = estate_of(inventory, blocks_of(inventory))
    return contradicts_itself(estate) or can_be_packed(estate, seed=seed) is Verdict.IMPOSSIBLE


def contradicts_itself(estate: Estate) -> bool:
    """Tell whether a block finds no host at all, or a group stands apart from itself."""
    blocks = estate.blocks
    if blocks.torn or not estate.stands.any(axis=1).all():
        return True
    for group in blocks.groups:
        held = [blocks.fixed[block] for block in group.blocks if blocks.fixed[block]]
        if len(set(group.blocks)) < len(group.blocks) or len(set(held)) < len(held):
            return True
    return False


def relaxed(inventory: Inventory, rules: Sequence[Rule], kept: set[Rule]) -> Inventory:
    """Return the inventory without the rules that are not kept."""
    dropped = set(rules) - kept
    policy = inventory.policy
    if Rule(RuleKind.SITE_LOSS, "") in dropped:
        policy = msgspec.structs.replace(policy, site_loss=SiteLoss.IGNORED)
    if Rule(RuleKind.SPARE_HOSTS, "") in dropped:
        policy = msgspec.structs.replace(policy, spare_hosts=0)
    hosts = tuple(
        msgspec.structs.replace(
            host,
            organisations=()
            if Rule(RuleKind.OWNERS, ", ".join(host.organisations)) in dropped
            else host.organisations,
            switched_off=host.switched_off
            and Rule(RuleKind.SWITCHED_OFF, host.name) not in dropped,
        )
        for host in inventory.hosts
    )
    on_sale = tuple(inventory.models) if Rule(RuleKind.HOSTS, "") in dropped else inventory.buys
    workloads = tuple(_freed(one, dropped) for one in inventory.workloads)
    return msgspec.structs.replace(
        inventory, policy=policy, hosts=hosts, buys=on_sale, workloads=workloads
    )


def _freed(workload: Workload, dropped: set[Rule]) -> Workload:
    def off(kind: RuleKind, subject: str) -> bool:
        return Rule(kind, subject) in dropped

    return msgspec.structs.replace(
        workload,
        apart="" if off(RuleKind.APART, workload.apart) else workload.apart,
        across_sites=workload.across_sites and not off(RuleKind.ACROSS_SITES, workload.apart),
        together="" if off(RuleKind.TOGETHER, workload.together) else workload.together,
        sites=() if off(RuleKind.SITES, workload.name) else workload.sites,
        licence="" if off(RuleKind.LICENCE, workload.licence) else workload.licence,
        fixed=workload.fixed and not off(RuleKind.FIXED, workload.name),
    )
