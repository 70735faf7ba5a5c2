"""Inventories that no rule could save: names that lead nowhere, workloads larger than any host."""

from collections import Counter
from collections.abc import Iterable

from beffroi.capacity.model import (
    Amounts,
    HostModel,
    Inventory,
    Resource,
    SiteLoss,
    Workload,
)
from beffroi.kernel.errors import InvalidInputError

_SITES_FOR_A_LOSS = 2


def refuse_mistakes(inventory: Inventory) -> None:
    """Refuse names that are unknown or told twice, rules without meaning, what fits on no host.

    Raises:
        InvalidInputError: The first such mistake.
    """
    _refuse_unknown_names(inventory)
    _refuse_doubles("host", (host.name for host in inventory.hosts))
    _refuse_doubles("workload", (one.name for one in inventory.workloads))
    _refuse_rules_without_meaning(inventory)
    _refuse_too_large(inventory)


def _refuse_rules_without_meaning(inventory: Inventory) -> None:
    """Refuse the loss of the only site, and what may not leave a host that it is not on."""
    loss, sites = inventory.policy.site_loss, set(inventory.sites)
    if loss is not SiteLoss.IGNORED and len(sites) < _SITES_FOR_A_LOSS:
        raise InvalidInputError(
            "capacity.site_loss_without_another", site_loss=loss.value, count=len(sites)
        )
    for one in inventory.workloads:
        if one.fixed and not one.host:
            raise InvalidInputError("capacity.fixed_nowhere", workload=one.name)


def _refuse_unknown_names(inventory: Inventory) -> None:
    sites, models = set(inventory.sites), set(inventory.models)
    hosts = {host.name for host in inventory.hosts}
    for host in inventory.hosts:
        _refuse_unless_known("host", host.name, "site", [host.site], sites)
        _refuse_unless_known("host", host.name, "model", [host.model], models)
    _refuse_unless_known("inventory", "buys", "model", inventory.buys, models)
    for one in inventory.workloads:
        _refuse_unless_known("workload", one.name, "site", one.sites, sites)
        _refuse_unless_known("workload", one.name, "host", [one.host] * bool(one.host), hosts)


def _refuse_unless_known(
    kind: str, name: str, what: str, given: Iterable[str], known: set[str]
) -> None:
    for one in given:
        if one not in known:
            raise InvalidInputError(
                "capacity.name_unknown", kind=kind, name=name, what=what, given=one
            )


def _refuse_doubles(kind: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise InvalidInputError("capacity.name_twice", kind=kind, name=name, times=times)


def _refuse_too_large(inventory: Inventory) -> None:
    names = {*inventory.buys, *(host.model for host in inventory.hosts if not host.switched_off)}
    models = [inventory.models[name] for name in sorted(names)]
    offers = [(model, inventory.policy.usable(model.amounts)) for model in models]
    for one in inventory.workloads:
        needed = _needed_by(one, inventory)
        if offers and not any(needed.fits(usable) for _, usable in offers):
            _refuse_as_too_large(one, needed, offers)


def _needed_by(workload: Workload, inventory: Inventory) -> Amounts:
    """Return what it needs alone: of CPU what the planner adds up, at its highest hour."""
    amounts = workload.amounts
    if not (inventory.policy.peaks and workload.cpu_by_hour):
        return amounts
    peak = max(workload.cpu_by_hour)
    return Amounts(peak, amounts.memory_mib, amounts.disk_gib, amounts.io_per_s)


def _refuse_as_too_large(
    workload: Workload, needed: Amounts, offers: list[tuple[HostModel, Amounts]]
) -> None:
    """Name the resource that the best host lacks, relative to what is needed."""

    def most_lacking(usable: Amounts) -> tuple[float, Resource, int, int]:
        pairs = zip(Resource, needed, usable, strict=True)
        return max((its / max(1, there), resource, its, there) for resource, its, there in pairs)

    model, usable = min(offers, key=lambda offer: (most_lacking(offer[1])[0], offer[0].name))
    _, resource, asked, there = most_lacking(usable)
    raise InvalidInputError(
        "capacity.workload_too_large",
        workload=workload.name,
        resource=resource.value,
        needed=asked,
        usable=there,
        model=model.name,
    )
