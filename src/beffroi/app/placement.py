"""Capacity's planner as the ledger's quotes want to see it."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.host_power import RunningHost, loads_of, power_w, week_w
from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    Amounts,
    Criticality,
    Decision,
    Host,
    HostDecision,
    Inventory,
    Plan,
    Reason,
    Workload,
)
from beffroi.capacity.ports import Planner
from beffroi.capacity.savings_terms import SavingsAsked
from beffroi.capacity.service import CapacityService
from beffroi.energy.model import S_PER_YEAR
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress, Told
from beffroi.kernel.rights.model import Actor
from beffroi.ledger.quotes.needs import BusyHours, NeededApplication, ServiceLevel, Weekday
from beffroi.ledger.quotes.ports import (
    HostUse,
    OrganisationLoad,
    Placement,
    PlanChoice,
    PlatformPlan,
    Shares,
    Tenant,
)

_DAY_HOURS: Final = 24
_MIB_PER_GIB: Final = 1024
_KWH_PER_W: Final = S_PER_YEAR / 3.6e6
_THOUSANDTH: Final = Decimal("0.001")
_TENTH: Final = Decimal("0.1")


class PlannedPlacement:
    """Fills ledger's ``PlacementOffice`` with plans for an inventory of files."""

    def __init__(self, planner: Planner, files: Sequence[Path]) -> None:
        self._planner = planner
        self._files = files

    async def compare(self, tenant: Tenant, told: Told) -> Placement:
        """Plan without the tenant, then with it."""
        loaded = await self._planner.read(self._files)
        return await _compared(self._planner, loaded.inventory, _load(loaded.savings), tenant, told)


class KeptPlanPlacement:
    """Fills ledger's ``PlacementOffice`` with plans for the inventory of a plan that was kept."""

    def __init__(
        self, planner: Planner, capacity: CapacityService, actor: Actor, plan_id: str
    ) -> None:
        self._planner = planner
        self._capacity = capacity
        self._actor = actor
        self._plan_id = plan_id

    async def compare(self, tenant: Tenant, told: Told) -> Placement:
        """Plan without the tenant, then with it."""
        kept = await self._capacity.plan(self._actor, self._plan_id)
        load = 1.0 if kept.savings is None else kept.savings.terms.load.value
        return await _compared(self._planner, kept.plan.inventory, load, tenant, told)


class KeptPlans:
    """Fills ledger's ``PlacementOffices`` with the plans that the platform keeps."""

    def __init__(self, planner: Planner, capacity: CapacityService) -> None:
        self._planner = planner
        self._capacity = capacity

    async def choices(self, actor: Actor) -> Sequence[PlanChoice]:
        """List the newest plans."""
        return [PlanChoice(one.id, one.title) for one in await self._capacity.plans(actor)]

    def of_plan(self, actor: Actor, plan_id: str) -> KeptPlanPlacement:
        """Plan anew for the inventory of one of them."""
        return KeptPlanPlacement(self._planner, self._capacity, actor, plan_id)


def _load(savings: SavingsAsked | None) -> float:
    return 1.0 if savings is None else savings.terms.load.value


async def _compared(
    planner: Planner, inventory: Inventory, load: float, tenant: Tenant, told: Told
) -> Placement:
    without, joined = _inventories(inventory, tenant)
    plans = [
        await planner.plan(one, _half(told, half)) for half, one in enumerate((without, joined))
    ]
    return Placement(
        hosts_now=len(inventory.hosts),
        without=_told_plan(plans[0], tenant, load),
        joined=_told_plan(plans[1], tenant, load),
    )


def _half(told: Told, half: int) -> Told:
    def tell(now: Progress) -> None:
        told(Progress((half + now.share) / 2, now.doing))

    return tell


def _inventories(inventory: Inventory, tenant: Tenant) -> tuple[Inventory, Inventory]:
    """Return the inventory without the tenant's workloads and with them."""
    own = [one for one in inventory.workloads if one.organisation == tenant.organisation]
    names = ", ".join(sorted(one.name for one in own))
    if tenant.applications and own:
        raise InvalidInputError(
            "ledger.quote_organisation_there", organisation=tenant.organisation, workloads=names
        )
    if tenant.applications:
        fresh = tuple(one for needed in tenant.applications for one in _copies(needed, tenant))
        joined = msgspec.structs.replace(inventory, workloads=(*inventory.workloads, *fresh))
        return inventory, joined
    if not own:
        known = sorted({one.organisation for one in inventory.workloads if one.organisation})
        raise InvalidInputError(
            "ledger.quote_no_workloads",
            organisation=tenant.organisation,
            known=", ".join(known) or "0",
        )
    others = tuple(one for one in inventory.workloads if one.organisation != tenant.organisation)
    return msgspec.structs.replace(inventory, workloads=others), inventory


def _copies(needed: NeededApplication, tenant: Tenant) -> Iterable[Workload]:
    """Turn an application into workloads; sizes are rounded up."""
    critical = needed.level is not ServiceLevel.STANDARD
    cpu_milli = _up(needed.cores * 1000)
    for number in range(1, needed.count + 1):
        yield Workload(
            name=f"{tenant.organisation}-{needed.name}-{number}",
            organisation=tenant.organisation,
            amounts=Amounts(cpu_milli, _up(needed.memory_gib * _MIB_PER_GIB), _up(needed.disk_gib)),
            cpu_by_hour=_by_hour(needed.busy, cpu_milli) if needed.busy is not None else (),
            apart=f"{tenant.organisation}-{needed.name}" if critical else "",
            across_sites=needed.level is ServiceLevel.CRITICAL,
            sites=tenant.sites,
            criticality=Criticality.CRITICAL if critical else Criticality.SHEDDABLE,
        )


def _by_hour(busy: BusyHours, cpu_milli: int) -> tuple[int, ...]:
    """Write the CPU of each hour of the week, Monday 0 h first."""
    rest = _up(busy.rest_percent * cpu_milli / 100)
    hours = [rest] * HOURS_OF_WEEK
    length = (busy.to_h - busy.from_h) % _DAY_HOURS or _DAY_HOURS
    for place, day in enumerate(Weekday):
        if day in busy.days:
            first = place * _DAY_HOURS + busy.from_h
            for hour in range(first, first + length):
                hours[hour % HOURS_OF_WEEK] = cpu_milli
    return tuple(hours)


def _up(amount: Decimal) -> int:
    return -int(-amount // 1)


def _told_plan(plan: Plan, tenant: Tenant, load: float) -> PlatformPlan:
    inventory = plan.inventory
    kept = [one for one in plan.hosts if one.decision is not Decision.SWITCH_OFF]
    bought = [inventory.models[one.host.model] for one in kept if one.decision is Decision.BUY]
    known = all(len(inventory.models[one.host.model].power) > 1 for one in kept)
    return PlatformPlan(
        hosts=tuple(_host_use(plan, one, tenant) for one in kept),
        loads=_organisation_loads(plan, load) if known else _sized_loads(inventory),
        purchase_eur=sum((Decimal(model.price_eur or "0") for model in bought), Decimal(0)),
        upkeep_eur=sum(
            (Decimal(inventory.models[one.host.model].yearly_eur) for one in kept), Decimal(0)
        ),
        kwh_known=known,
        mean_load=Decimal(repr(load)),
        gap=0 if plan.proof.optimal else plan.proof.gap,
        holds=plan.proof.holds,
        losses=len(plan.proof.replays),
        words=_words(plan.proof.bound.why),
    )


def _words(why: Reason) -> Mapping[Language, str]:
    return {
        language: sentence(language, f"capacity.reasons.{why.code}", **why.values)
        for language in Language
    }


def _host_use(plan: Plan, decision: HostDecision, tenant: Tenant) -> HostUse:
    host = decision.host
    here = [one for one in plan.inventory.workloads if plan.placement.get(one.name) == host.name]
    own = [one for one in here if one.organisation == tenant.organisation]
    others = [one for one in here if one.organisation != tenant.organisation]
    hour = _busiest_hour(here)
    room = plan.inventory.policy.usable(plan.inventory.models[host.model].amounts)
    return HostUse(
        host=host.name,
        site=host.site,
        model=host.model,
        spare=decision.spare,
        bought=decision.decision is Decision.BUY,
        others=_shares(others, hour, room),
        tenant=_shares(own, hour, room),
    )


def _busiest_hour(workloads: Sequence[Workload]) -> int:
    return max(range(HOURS_OF_WEEK), key=lambda hour: sum(_cpu(one, hour) for one in workloads))


def _cpu(workload: Workload, hour: int) -> int:
    return workload.cpu_by_hour[hour] if workload.cpu_by_hour else workload.amounts.cpu_milli


def _shares(workloads: Sequence[Workload], hour: int, room: Amounts) -> Shares:
    return Shares(
        cpu=_percent(sum(_cpu(one, hour) for one in workloads), room.cpu_milli),
        memory=_percent(sum(one.amounts.memory_mib for one in workloads), room.memory_mib),
        disk=_percent(sum(one.amounts.disk_gib for one in workloads), room.disk_gib),
    )


def _percent(taken: int, room: int) -> Decimal:
    return (100 * Decimal(taken) / room).quantize(_TENTH) if room else Decimal(0)


def _sized_loads(inventory: Inventory) -> tuple[OrganisationLoad, ...]:
    """Say what each organisation is sized for."""
    by_owner: dict[str, list[Workload]] = {}
    for one in inventory.workloads:
        by_owner.setdefault(one.organisation, []).append(one)
    return tuple(
        OrganisationLoad(
            organisation=owner,
            workloads=len(own),
            cores=_mean_cores(own),
            memory_gib=Decimal(sum(one.amounts.memory_mib for one in own)) / _MIB_PER_GIB,
            disk_gib=Decimal(sum(one.amounts.disk_gib for one in own)),
        )
        for owner, own in sorted(by_owner.items())
    )


def _mean_cores(workloads: Sequence[Workload]) -> Decimal:
    hours = sum(
        sum(one.cpu_by_hour) if one.cpu_by_hour else HOURS_OF_WEEK * one.amounts.cpu_milli
        for one in workloads
    )
    return (Decimal(hours) / HOURS_OF_WEEK / 1000).quantize(_THOUSANDTH)


def _organisation_loads(plan: Plan, load: float) -> tuple[OrganisationLoad, ...]:
    """Add each organisation's part of the energy: work by CPU, rest by memory, as bills do."""
    hosts = plan.used_hosts
    total, idle = _year_kwh(plan, hosts, load)
    loads = _sized_loads(plan.inventory)
    cores = sum((one.cores for one in loads), Decimal(0)) or Decimal(1)
    memory = sum((one.memory_gib for one in loads), Decimal(0)) or Decimal(1)
    return tuple(
        msgspec.structs.replace(
            one,
            marginal_kwh=((total - idle) * one.cores / cores).quantize(_THOUSANDTH),
            idle_kwh=(idle * one.memory_gib / memory).quantize(_THOUSANDTH),
        )
        for one in loads
    )


def _year_kwh(plan: Plan, hosts: Sequence[Host], load: float) -> tuple[Decimal, Decimal]:
    """Return a year's energy of hosts by their power curves, and what they take at rest of it."""
    models = plan.inventory.models
    loads = loads_of(plan.inventory, plan.placement, hosts, {})
    running = [
        RunningHost(name=host.name, model=models[host.model], load=loads[host.name])
        for host in hosts
    ]
    mean_w = sum(week_w(running, load)) / HOURS_OF_WEEK
    idle_w = sum(power_w(models[host.model].power, 0) for host in hosts)
    return _exact(mean_w * _KWH_PER_W), _exact(idle_w * _KWH_PER_W)


def _exact(kwh: float) -> Decimal:
    """Round to watt-hours; from here on sums are exact."""
    return Decimal(repr(kwh)).quantize(_THOUSANDTH)
