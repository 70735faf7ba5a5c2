"""What quotes need of others: a place for the tenant, and documents made elsewhere."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.processes.workers import Told
from beffroi.kernel.rights.model import Actor
from beffroi.ledger.quotes.needs import NeededApplication, Needs

Words = Mapping[Language, str]


class Tenant(msgspec.Struct, frozen=True):
    """Who is to be taken in.

    Attributes:
        applications: New ones; none: the organisation's workloads that are in the inventory.
        sites: Where new ones may stand; none: anywhere.
    """

    organisation: str
    applications: tuple[NeededApplication, ...] = ()
    sites: tuple[str, ...] = ()


class Shares(msgspec.Struct, frozen=True):
    """Percents of what may be used of a host, at its busiest hour."""

    cpu: Decimal
    memory: Decimal
    disk: Decimal


class HostUse(msgspec.Struct, frozen=True, kw_only=True):
    """How full a host is: with the tenant's part and that of all others."""

    host: str
    site: str
    model: str
    spare: bool
    bought: bool
    others: Shares
    tenant: Shares


class OrganisationLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation is sized for, and its part of the hosts' energy.

    Attributes:
        organisation: Empty for what belongs to nobody.
        cores: On average over the week.
        marginal_kwh: A year's energy of its work, before cooling.
        idle_kwh: Its part of a year's energy of hosts at rest.
    """

    organisation: str
    workloads: int
    cores: Decimal
    memory_gib: Decimal
    disk_gib: Decimal
    marginal_kwh: Decimal = Decimal(0)
    idle_kwh: Decimal = Decimal(0)


class PlatformPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The platform as planned.

    Attributes:
        hosts: How full each host in use is.
        purchase_eur: What is bought, taxes excluded.
        upkeep_eur: Maintenance and licences of all hosts in use, a year.
        kwh_known: Every model in use has a power curve.
        mean_load: What workloads use on average of the CPU they are sized for; 1 where untold.
        gap: Hosts above what is proven necessary; 0 where the plan is proven the least.
        holds: Every rule holds, and every loss was replayed with nothing stranded.
        losses: How many losses of a host or a site were replayed.
        words: What sets the number of hosts.
    """

    hosts: tuple[HostUse, ...]
    loads: tuple[OrganisationLoad, ...]
    purchase_eur: Decimal
    upkeep_eur: Decimal
    kwh_known: bool
    mean_load: Decimal
    gap: int
    holds: bool
    losses: int
    words: Words

    @property
    def spares(self) -> int:
        """How many hosts are kept free for the loss of another."""
        return sum(one.spare for one in self.hosts)

    @property
    def bought(self) -> int:
        """How many hosts are bought."""
        return sum(one.bought for one in self.hosts)


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """The same platform without and with the tenant, both planned by the same policy.

    Attributes:
        hosts_now: Machines that are there before either plan.
    """

    hosts_now: int
    without: PlatformPlan
    joined: PlatformPlan


class PlacementOffice(Protocol):
    """Plans the platform without and with a tenant."""

    async def compare(self, tenant: Tenant, told: Told) -> Placement:
        """Make both plans.

        Raises:
            InvalidInputError: No plan can be made, or the inventory does not know the tenant's
                workloads, or holds some of theirs beside the new ones.
        """
        ...


class PlanChoice(msgspec.Struct, frozen=True):
    """A plan whose inventory a tenant may be added to."""

    id: str
    title: str


class PlacementOffices(Protocol):
    """The inventories that the platform knows."""

    async def choices(self, actor: Actor) -> Sequence[PlanChoice]:
        """List them, the newest first."""
        ...

    def of_plan(self, actor: Actor, plan_id: str) -> PlacementOffice:
        """Return who plans for one of them."""
        ...


def tenant_of(needs: Needs) -> Tenant:
    """Say who is to be taken in."""
    return Tenant(needs.organisation, tuple(needs.applications.values()), needs.sites)
