"""What the nouns of plan.yaml must agree on, the imported ones included; pure."""

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

import msgspec

from beffroi.capacity.inventories.findings import ReadInventory
from beffroi.capacity.inventories.near_names import NearNames
from beffroi.capacity.inventories.plan_file import DeclaredModel, PlanFile
from beffroi.territory.findings import KeyPath, Mistake


class Known(msgspec.Struct, frozen=True):
    """The names that a plan file may refer to: its own and those that it imports.

    Attributes:
        imported: What its imports hold; absent when a row of theirs was refused, so that what
            only they could know is not held against the file.
    """

    plan: PlanFile
    imported: ReadInventory | None

    @property
    def hosts(self) -> Collection[str]:
        """Names of hosts."""
        return {name for name, _ in host_names(self.plan)} | {
            host.name for host in self._read().hosts
        }

    @property
    def models(self) -> Collection[str]:
        """Names of models of host."""
        return {*self.plan.host_models, *self._read().models}

    @property
    def workloads(self) -> Collection[str]:
        """Names of workloads."""
        return {*self.plan.workloads, *(one.name for one in self._read().workloads)}

    @property
    def workloads_without_host(self) -> set[str]:
        """Names of workloads that run nowhere yet."""
        declared = {name for name, one in self.plan.workloads.items() if not one.host}
        return declared | {one.name for one in self._read().workloads if not one.host}

    @property
    def organisations(self) -> Collection[str]:
        """Who owns workloads, rules included."""
        written = (one.organisation for one in self.plan.workloads.values())
        read = (one.organisation for one in self._read().workloads)
        ruled = (rule.organisation for rule in self.plan.rules)
        return {name for name in (*written, *read, *ruled) if name}

    @property
    def sites(self) -> Collection[str]:
        """Names of sites, or those that hosts name when none is declared."""
        read = self._read()
        named = {
            *(host.site for host in self.plan.hosts.values()),
            *(host.site for host in read.hosts),
            *read.sites,
        }
        return set(self.plan.sites) or named - {""}

    def _read(self) -> ReadInventory:
        return self.imported or ReadInventory()


def host_names(plan: PlanFile) -> Iterator[tuple[str, str]]:
    """Give each host that is declared, and the key that declares it."""
    for key, host in plan.hosts.items():
        if host.count == 1:
            yield key, key
        else:
            yield from ((f"{key}-{number}", key) for number in range(1, host.count + 1))


def matching(patterns: Collection[str], names: Collection[str]) -> set[str]:
    """Return the names that one of the patterns matches, ``*`` standing for anything."""
    exact = {pattern for pattern in patterns if pattern in names}
    open_ended = [pattern for pattern in patterns if pattern not in exact]
    return exact | {name for name in names for pattern in open_ended if fnmatchcase(name, pattern)}


def plan_file_mistakes(known: Known) -> Iterator[Mistake]:
    """Say what is wrong within the file and between it and what it imports."""
    plan = known.plan
    for name, model in plan.host_models.items():
        yield from _power_mistakes(name, model)
    yield from _host_mistakes(known)
    for organisation, windows in plan.windows.items():
        for place, window in enumerate(windows):
            if window.from_h == window.to_h:
                yield Mistake(
                    "capacity.window_empty", ("windows", organisation, place), {"hour": window.to_h}
                )
    if known.imported is not None:
        yield from _reference_mistakes(known)
        yield from _rule_mistakes(known)


def _power_mistakes(name: str, model: DeclaredModel) -> Iterator[Mistake]:
    path = ("host_models", name)
    loads = [point.load for point in model.power]
    if model.power and (model.idle_w or model.full_w):
        yield Mistake(
            "capacity.declared_power_twice", (*path, "power"), {"model": name}, at_key=True
        )
    if len(loads) == 1 or any(load < 0 or load > 1 for load in loads):
        yield Mistake("capacity.declared_power_few", (*path, "power"), {"model": name}, at_key=True)
    elif loads != sorted(set(loads)):
        yield Mistake(
            "capacity.declared_power_not_rising", (*path, "power"), {"model": name}, at_key=True
        )
    if model.full_w < model.idle_w:
        values = {"idle_w": model.idle_w, "full_w": model.full_w}
        yield Mistake("capacity.declared_power_below_rest", (*path, "idle_w"), values)


def _host_mistakes(known: Known) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    imported = known.imported.host_places if known.imported else {}
    for name, key in host_names(known.plan):
        if name in seen:
            values = {"name": name, "other": seen[name]}
            yield Mistake("capacity.host_declared_twice", ("hosts", key), values, at_key=True)
        elif name in imported:
            values = {"name": name, "other": str(imported[name])}
            yield Mistake("capacity.declared_and_imported", ("hosts", key), values, at_key=True)
        seen[name] = key
    several = len(known.sites) > 1
    for key, host in known.plan.hosts.items():
        if several and not host.site:
            values = {"name": key}
            yield Mistake("capacity.host_without_site", ("hosts", key), values, at_key=True)


def _reference_mistakes(known: Known) -> Iterator[Mistake]:
    plan = known.plan
    hosts, models = NearNames(known.hosts), NearNames(known.models)
    sites, organisations = NearNames(known.sites), NearNames(known.organisations)
    for key, host in plan.hosts.items():
        yield from _unknown(host.model, models, "host_models", ("hosts", key, "model"))
        if plan.sites:
            yield from _unknown(host.site, sites, "sites", ("hosts", key, "site"))
    for place, model in enumerate(plan.buys):
        yield from _unknown(model, models, "host_models", ("buys", place))
    places = known.imported.places if known.imported else {}
    for name, workload in plan.workloads.items():
        yield from _unknown(workload.host, hosts, "hosts", ("workloads", name, "host"))
        if name in places:
            values = {"name": name, "other": str(places[name])}
            path = ("workloads", name)
            yield Mistake("capacity.declared_and_imported", path, values, at_key=True)
    for organisation in plan.windows:
        path = ("windows", organisation)
        found = _unknown(organisation, organisations, "organisation", path)
        yield from (msgspec.structs.replace(one, at_key=True) for one in found)


def _unknown(name: str, names: NearNames, section: str, path: KeyPath) -> Iterator[Mistake]:
    if name and name not in names:
        values = {"name": name, "section": section, "nearest": names.near(name)}
        yield Mistake("capacity.declared_name_unknown", path, values)


def _rule_mistakes(known: Known) -> Iterator[Mistake]:
    grouped: Mapping[str, dict[str, int]] = {"apart": {}, "together": {}}
    sites, workloads = NearNames(known.sites), NearNames(known.workloads)
    for place, rule in enumerate(known.plan.rules):
        path = ("rules", place)
        for site_place, site in enumerate(rule.sites):
            yield from _unknown(site, sites, "sites", (*path, "sites", site_place))
        for pattern_place, pattern in enumerate(rule.workloads):
            if not matching((pattern,), known.workloads):
                values = {"pattern": pattern, "nearest": workloads.near(pattern)}
                yield Mistake(
                    "capacity.rule_matches_none", (*path, "workloads", pattern_place), values
                )
        if rule.across_sites and not rule.apart:
            yield Mistake("capacity.across_sites_needs_apart", (*path, "across_sites"))
        if rule.apart and rule.together:
            yield Mistake("capacity.apart_and_together", (*path, "together"), at_key=True)
        yield from _fixed_nowhere(known, place)
        for kind, first in grouped.items():
            if getattr(rule, kind):
                yield from _grouped_twice(known, place, kind, first)


def _fixed_nowhere(known: Known, place: int) -> Iterator[Mistake]:
    """Tell the workloads that a rule fixes although they run on no host."""
    rule = known.plan.rules[place]
    if rule.fixed:
        matched = matching(rule.workloads, known.workloads)
        nowhere = sorted(matched & known.workloads_without_host)
        if nowhere:
            values = {"count": len(nowhere), "name": nowhere[0]}
            yield Mistake("capacity.rule_fixes_nowhere", ("rules", place, "fixed"), values)


def _grouped_twice(known: Known, place: int, kind: str, first: dict[str, int]) -> Iterator[Mistake]:
    """Tell the workloads that another rule, or their file, puts into a group already."""
    imported = {
        one.name: getattr(one, kind) for one in (known.imported or ReadInventory()).workloads
    }
    for name in sorted(matching(known.plan.rules[place].workloads, known.workloads)):
        other = f"rules[{first[name]}]" if name in first else imported.get(name, "")
        if other:
            values = {"name": name, "kind": kind, "other": other}
            yield Mistake("capacity.grouped_twice", ("rules", place, kind), values, at_key=True)
        first.setdefault(name, place)
