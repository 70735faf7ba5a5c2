"""Why each host is kept, bought, spare or switched off, and what sets the bound, with figures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from beffroi.capacity.model import Decision, Host, HostDecision, Inventory, Reason, Resource
from beffroi.capacity.packing.problem import BoolArray, IntArray
from beffroi.capacity.planning.blocks import ApartGroup
from beffroi.capacity.planning.counts import Asking, least_hosts
from beffroi.capacity.planning.layouts import Layout
from beffroi.capacity.planning.search import Found
from beffroi.capacity.planning.sums import Sums

_WORDS = {
    Resource.CPU: "cpu",
    Resource.MEMORY: "memory",
    Resource.DISK: "disk",
    Resource.IO: "io",
}
_PER_UNIT = {Resource.CPU: 1000, Resource.MEMORY: 1024, Resource.DISK: 1, Resource.IO: 1}
_NAMES_MOST = 5


def decisions_of(inventory: Inventory, found: Found) -> tuple[HostDecision, ...]:
    """Tell what becomes of each host, those of the plan first, and why."""
    explained = _Explained(found)
    there = {host.name for host in inventory.hosts}
    decisions = []
    for number, host in enumerate(found.layout.hosts):
        decision = Decision.KEEP if host.name in there else Decision.BUY
        spare = bool(found.layout.spare[number])
        decisions.append(HostDecision(host, decision, explained.why_needed(number), spare))
    used = {host.name for host in found.layout.hosts}
    for host in inventory.hosts:
        if host.name not in used:
            why = _why_off(inventory, host)
            decisions.append(HostDecision(host, Decision.SWITCH_OFF, why))
    return tuple(decisions)


def why_bound(sums: Sums, bound: int) -> Reason:
    """Name the one resource or rule that sets the bound; else all of them together."""
    spares = sums.estate.inventory.policy.spare_hosts
    for asking, suffix in ((Asking.SUMS, ""), (Asking.SUMS | Asking.LOSS, "_after_loss")):
        binding = [
            alone
            for resource in _WORDS
            if (alone := _alone(sums, resource)).dimensions and least_hosts(alone, asking) == bound
        ]
        if binding:
            after_loss = Asking.LOSS in asking
            tightest = max(
                binding, key=lambda alone: _needed_of(alone, after_loss=after_loss) / _most(alone)
            )
            return _bound_by(
                tightest, f"bound_{{}}{suffix}", _needed_of(tightest, after_loss=after_loss), bound
            )
    if sums.largest_groups and least_hosts(sums, Asking.APART) == bound:
        return Reason("bound_apart", {"hosts": bound, "spares": spares})
    return Reason("bound_rules", {"hosts": bound, "spares": spares})


def _alone(sums: Sums, resource: Resource) -> Sums:
    return Sums(sums.estate, [one for one in sums.dimensions if one.resource is resource])


def _bound_by(alone: Sums, code: str, needed: int, bound: int) -> Reason:
    resource = alone.dimensions[0].resource
    unit = _PER_UNIT[resource]
    values = {
        "needed": -(-needed // unit),
        "largest": _in_units(_most(alone), unit),
        "hosts": bound,
        "spares": alone.estate.inventory.policy.spare_hosts,
    }
    return Reason(code.format(_WORDS[resource]), values)


def _in_units(amount: int, unit: int) -> int | float:
    return amount // unit if amount % unit == 0 else round(amount / unit, 1)


def _most(alone: Sums) -> int:
    return max((offers[0] for offers in alone.offers), default=1)


def _needed_of(alone: Sums, *, after_loss: bool) -> int:
    if not after_loss:
        return int(alone.demand.sum(axis=0).max(initial=0))
    return int((alone.stays.sum(axis=0) + alone.restart.sum(axis=0)).max(initial=0))


class _Explained:
    """What the hosts of a plan would lack without one of them."""

    def __init__(self, found: Found) -> None:
        self._layout: Layout = found.layout
        self._estate = found.layout.estate
        self._sums = Sums(self._estate, found.dimensions)
        self._offers = np.array(self._sums.offers, dtype=np.int64).reshape(
            len(self._estate.kinds), len(found.dimensions)
        )[self._layout.kind]
        self._at_bound = len(found.layout.hosts) == found.bound

    def why_needed(self, number: int) -> Reason:
        layout, hosts = self._layout, len(self._layout.hosts)
        if layout.spare[number]:
            site = layout.hosts[number].site
            at_work = int((~layout.spare & (layout.site == layout.site[number])).sum())
            return Reason("spare", {"site": site, "hosts": at_work})
        for reason in self._without(number):
            return reason
        code = "keep_at_bound" if self._at_bound else "keep_packing"
        return Reason(code, {"others": hosts - 1, "hosts": hosts})

    def _without(self, number: int) -> Iterator[Reason]:
        layout = self._layout
        if self._estate.kinds[layout.kind[number]].held:
            yield Reason("keep_fixed", self._fixed_on(layout.hosts[number].name))
        for kinds, needed in self._sums.by_kinds:
            if kinds[layout.kind[number]]:
                code = "keep_{}" if kinds.all() else "keep_{}_special"
                others = self._others(number, kinds) & ~layout.spare
                yield from self._lack(code, others, needed)
        yield from self._after_loss(number)
        yield from self._apart(number)

    def _others(self, number: int, kinds: BoolArray) -> BoolArray:
        chosen = np.asarray(kinds[self._layout.kind])
        chosen[number] = False
        return chosen

    def _lack(self, code: str, others: BoolArray, needed: IntArray) -> Iterator[Reason]:
        """Tell of which resource the others have too little, of the scarcest one."""
        left = self._offers[others].sum(axis=0)
        scarce = np.flatnonzero(left < needed)
        if len(scarce):
            worst = int(min(scarce, key=lambda place: left[place] / needed[place]))
            dimension = self._sums.dimensions[worst]
            unit = _PER_UNIT[dimension.resource]
            values = {
                "others": int(others.sum()),
                "left": int(left[worst]) // unit,
                "needed": -(-int(needed[worst]) // unit),
            }
            yield Reason(code.format(_WORDS[dimension.resource]), values)

    def _after_loss(self, number: int) -> Iterator[Reason]:
        if not self._estate.blocks.restarts.any():
            return
        for kinds, needed in self._sums.after_loss:
            chosen = np.zeros(len(self._estate.kinds), dtype=np.bool_)
            chosen[kinds] = True
            if chosen[self._layout.kind[number]]:
                yield from self._lack("keep_{}_after_loss", self._others(number, chosen), needed)
        others = len(self._estate.sites) - 1
        every = np.ones(len(self._estate.kinds), dtype=np.bool_)
        in_all = self._sums.stays.sum(axis=0) - (-self._sums.restart.sum(axis=0) // others)
        yield from self._lack("keep_{}_both_sites", self._others(number, every), in_all)

    def _apart(self, number: int) -> Iterator[Reason]:
        kind = self._layout.kind[number]
        for group, stands in self._full_groups:
            if stands[kind]:
                yield Reason("keep_apart", {"group": group.name, "size": len(group.blocks)})

    @cached_property
    def _full_groups(self) -> list[tuple[ApartGroup, BoolArray]]:
        """Groups with as many members as there are hosts for them; (kinds) where these stand."""
        layout, estate = self._layout, self._estate
        at_work = np.bincount(layout.kind[~layout.spare], minlength=len(estate.kinds))
        found = []
        for group in estate.blocks.groups:
            stands = np.any(estate.stands[list(group.blocks)], axis=0)
            if int(at_work[stands].sum()) == len(group.blocks):
                found.append((group, stands))
        return found

    def _fixed_on(self, host: str) -> Mapping[str, str | int | float]:
        names = [
            one.name for one in self._estate.inventory.workloads if one.fixed and one.host == host
        ]
        return {"workloads": ", ".join(names[:_NAMES_MOST]), "count": len(names)}


def _why_off(inventory: Inventory, host: Host) -> Reason:
    organisations = Counter(
        one.organisation for one in inventory.workloads if one.host == host.name
    )
    code = "off_told" if host.switched_off else "off_moved"
    if not organisations:
        code = "off_empty"
    return Reason(code, {"workloads": organisations.total()})
