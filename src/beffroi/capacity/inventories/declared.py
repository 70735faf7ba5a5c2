"""From the nouns of plan.yaml to those of the planner."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from beffroi.capacity.inventories.findings import ReadInventory
from beffroi.capacity.inventories.plan_file import (
    Day,
    DeclaredModel,
    DeclaredWorkload,
    PlanFile,
    Rule,
    Window,
)
from beffroi.capacity.inventories.plan_file_rules import host_names, matching
from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Host,
    HostModel,
    Policy,
    PowerPoint,
    Workload,
)

_HOURS_OF_DAY: Final = 24
_DAYS: Final = tuple(Day)


def declared_inventory(plan: PlanFile) -> ReadInventory:
    """Return what the file itself declares, without what it imports."""
    only_site = next(iter(plan.sites), "") if len(plan.sites) == 1 else ""
    return ReadInventory(
        workloads=tuple(_workload(one) for one in plan.workloads.values()),
        hosts=tuple(
            Host(
                name=name,
                model=plan.hosts[key].model,
                site=plan.hosts[key].site or only_site,
                organisations=plan.hosts[key].organisations,
                switched_off=plan.hosts[key].switched_off,
            )
            for name, key in host_names(plan)
        ),
        models={name: _model(one) for name, one in plan.host_models.items()},
        sites=tuple(plan.sites),
        buys=plan.buys,
        policy=None
        if plan.policy is UNSET
        else msgspec.convert(plan.policy, Policy, from_attributes=True),
    )


def _amounts(noun: DeclaredModel | DeclaredWorkload) -> Amounts:
    return Amounts(
        round(noun.cores * 1000),
        round(noun.memory_gib * 1024),
        round(noun.disk_gib),
        noun.io_per_s,
    )


def _workload(noun: DeclaredWorkload) -> Workload:
    return Workload(
        name=noun.name,
        amounts=_amounts(noun),
        organisation=noun.organisation,
        host=noun.host,
    )


def _model(noun: DeclaredModel) -> HostModel:
    ends = (PowerPoint(0.0, noun.idle_w), PowerPoint(1.0, noun.full_w)) if noun.full_w else ()
    return HostModel(
        name=noun.name,
        amounts=_amounts(noun),
        rack_units=noun.rack_units,
        power=noun.power or ends,
        power_source=noun.power_source,
        price_eur=f"{noun.price_eur:f}" if noun.price_eur else None,
        yearly_eur=f"{noun.yearly_eur:f}",
        embodied_kg=noun.embodied_kg,
        licences=noun.licences,
    )


def ruled(plan: PlanFile, workloads: tuple[Workload, ...]) -> tuple[Workload, ...]:
    """Apply the rules to workloads in their order, then the windows of their organisations."""
    by_name = {workload.name: workload for workload in workloads}
    for rule in plan.rules:
        for name in matching(rule.workloads, by_name):
            by_name[name] = _with_rule(by_name[name], rule)
    hours = {name: window_hours(windows) for name, windows in plan.windows.items()}
    return tuple(_with_windows(workload, hours) for workload in by_name.values())


def _with_rule(workload: Workload, rule: Rule) -> Workload:
    group = " + ".join(rule.workloads)
    return msgspec.structs.replace(
        workload,
        organisation=rule.organisation or workload.organisation,
        apart=group if rule.apart else workload.apart,
        across_sites=rule.across_sites or workload.across_sites,
        together=group if rule.together else workload.together,
        sites=rule.sites or workload.sites,
        licence=rule.licence or workload.licence,
        criticality=(workload.criticality if rule.criticality is UNSET else rule.criticality),
        fixed=rule.fixed or workload.fixed,
        downtime_s=workload.downtime_s if rule.downtime_s is UNSET else rule.downtime_s,
    )


def _with_windows(workload: Workload, hours: Mapping[str, tuple[int, ...]]) -> Workload:
    windows = hours.get(workload.organisation, ())
    return msgspec.structs.replace(workload, windows=windows) if windows else workload


def window_hours(windows: tuple[Window, ...]) -> tuple[int, ...]:
    """Return the hours of the week that windows open, Monday 0 h being 0."""
    return tuple(sorted({hour for window in windows for hour in _opened(window)}))


def _opened(window: Window) -> Iterator[int]:
    past = 0 if window.to_h > window.from_h else _HOURS_OF_DAY
    for day in window.days:
        first = _DAYS.index(day) * _HOURS_OF_DAY
        for hour in range(window.from_h, window.to_h + past):
            yield (first + hour) % HOURS_OF_WEEK
