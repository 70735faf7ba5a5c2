"""What if: another organisation joins, a host dies, a site closes, everything grows.

Each is a changed inventory, which is planned for like any other.
"""

from collections.abc import Callable, Sequence
from math import ceil

import msgspec

from beffroi.capacity.model import Amounts, Host, Inventory, Resource, SiteLoss, Workload
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.shape import nearest

_MONTHS = 12


class OrganisationJoins(msgspec.Struct, frozen=True, tag="organisation_joins"):
    """More workloads to carry."""

    workloads: tuple[Workload, ...]


class HostDies(msgspec.Struct, frozen=True, tag="host_dies"):
    """A host is gone for good."""

    host: str


class SiteCloses(msgspec.Struct, frozen=True, tag="site_closes"):
    """A site is given up, with its hosts."""

    site: str


class EverythingGrows(msgspec.Struct, frozen=True, tag="everything_grows"):
    """Every workload takes more.

    Attributes:
        per_year: Growth in a year, above -1; 0.03 for 3 %.
        months: For how long.
    """

    per_year: float
    months: int = _MONTHS


WhatIf = OrganisationJoins | HostDies | SiteCloses | EverythingGrows


class YearAhead(msgspec.Struct, frozen=True):
    """What has to be bought in all until the end of a year.

    Attributes:
        year: From 1.
        hosts: How many are bought; nothing where no purchase makes room.
        cost_eur: What they cost, taxes excluded; nothing where a price is not known.
    """

    year: int
    hosts: int | None
    cost_eur: str | None


class Runway(msgspec.Struct, frozen=True):
    """When the platform is full.

    Attributes:
        full_after_months: The last month that was found to fit; nothing if all of them do.
        never_fits_after_months: After that many months the sums alone rule out any placement.
        resource: Which resource rules it out first.
        years: What has to be bought.
    """

    full_after_months: int | None
    never_fits_after_months: int | None
    resource: str
    years: tuple[YearAhead, ...]


class RoomLeft(msgspec.Struct, frozen=True):
    """How many more standard workloads there is room for, every rule and loss included.

    Attributes:
        without_moves: With nothing else moved.
        with_moves: When others may be moved.
        at_most: No placement takes more.
    """

    without_moves: int
    with_moves: int
    at_most: int


class ForesightRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the future.

    Attributes:
        inventory: Workloads as they stand, or as a plan places them.
        hosts: The platform that is looked at; models on sale extend it.
        spares: Names of its hosts that stay empty.
        standard: The workload that room is counted in.
        per_year: Growth in a year, above -1.
        years: How far to look.
        deadline_s: How long to search, about.
        seed: The same one gives the same answer, unless the deadline ends the search.
    """

    inventory: Inventory
    hosts: tuple[Host, ...]
    standard: Workload
    spares: tuple[str, ...] = ()
    per_year: float = 0.03
    years: int = 5
    deadline_s: float = 60.0
    seed: int = 1


class Foresight(msgspec.Struct, frozen=True):
    """What is to be expected of a platform."""

    room: RoomLeft
    runway: Runway


def changed(inventory: Inventory, what_if: WhatIf) -> Inventory:
    """Return the inventory as it would be.

    Raises:
        InvalidInputError: The host or site is not in the inventory, or the site is its last.
    """
    match what_if:
        case OrganisationJoins(workloads):
            joined = (*inventory.workloads, *workloads)
            return msgspec.structs.replace(inventory, workloads=joined)
        case HostDies(host):
            _refuse_unknown(
                "capacity.what_if_host_unknown", host, [one.name for one in inventory.hosts]
            )
            return _without_hosts(inventory, lambda one: one.name == host)
        case SiteCloses(site):
            _refuse_unknown("capacity.what_if_site_unknown", site, inventory.sites)
            if len(inventory.sites) == 1:
                raise InvalidInputError("capacity.last_site", site=site)
            return _without_site(inventory, site)
        case EverythingGrows(per_year, months):
            return grown(inventory, (1 + per_year) ** (months / _MONTHS))


def grown(inventory: Inventory, factor: float) -> Inventory:
    """Multiply what each workload takes, rounded up."""

    def more(amount: int) -> int:
        return ceil(round(amount * factor, 6))

    def larger(one: Workload) -> Workload:
        return msgspec.structs.replace(
            one,
            amounts=Amounts(*(more(amount) for amount in one.amounts)),
            cpu_by_hour=tuple(more(amount) for amount in one.cpu_by_hour),
        )

    workloads = tuple(larger(one) for one in inventory.workloads)
    return msgspec.structs.replace(inventory, workloads=workloads)


def of_one_resource(inventory: Inventory, resource: Resource) -> Inventory:
    """Return the inventory as if workloads took that resource alone."""
    place = tuple(Resource).index(resource)

    def alone(one: Workload) -> Workload:
        amounts = [amount if number == place else 0 for number, amount in enumerate(one.amounts)]
        by_hour = one.cpu_by_hour if resource is Resource.CPU else ()
        return msgspec.structs.replace(one, amounts=Amounts(*amounts), cpu_by_hour=by_hour)

    return msgspec.structs.replace(inventory, workloads=tuple(map(alone, inventory.workloads)))


def on_platform(inventory: Inventory, hosts: tuple[Host, ...]) -> Inventory:
    """Return the inventory with these hosts only; what ran elsewhere runs nowhere yet."""
    names = {host.name for host in hosts}
    return msgspec.structs.replace(
        inventory,
        hosts=hosts,
        workloads=tuple(
            _cut_off(one) if one.host not in names else one for one in inventory.workloads
        ),
    )


def _without_hosts(inventory: Inventory, goes: Callable[[Host], bool]) -> Inventory:
    return on_platform(inventory, tuple(host for host in inventory.hosts if not goes(host)))


def _without_site(inventory: Inventory, site: str) -> Inventory:
    """Close a site: rules that need two are void where one is left, as are pins to it alone."""
    left = _without_hosts(inventory, lambda host: host.site == site)
    sites = tuple(one for one in left.sites if one != site)
    single = len(sites) == 1
    policy = left.policy
    if single:
        policy = msgspec.structs.replace(policy, site_loss=SiteLoss.IGNORED)
    workloads = tuple(
        msgspec.structs.replace(
            one,
            sites=tuple(name for name in one.sites if name != site),
            across_sites=one.across_sites and not single,
        )
        for one in left.workloads
    )
    return msgspec.structs.replace(left, sites=sites, policy=policy, workloads=workloads)


def _cut_off(workload: Workload) -> Workload:
    return msgspec.structs.replace(workload, host="", fixed=False)


def _refuse_unknown(code: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise InvalidInputError(code, given=name, nearest=nearest(name, known) or "-")
