"""The nouns of ``needs.yaml``: what a buyer asks for, and on which terms it is offered."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.ledger.model import Percent, Price, Reference, Weight
from beffroi.ledger.parties import CountedParty
from beffroi.territory.formats import Slug, Title


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the nouns of the file have in common."""


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class ServiceLevel(StrEnum):
    """What an application outlives.

    STANDARD: the loss of a host. REINFORCED: without a pause, its copies stand apart. CRITICAL:
    the loss of a site, its copies stand on two.
    """

    STANDARD = "standard"
    REINFORCED = "reinforced"
    CRITICAL = "critical"


class PriceItem(StrEnum):
    """What has a price; the order is that of the price list."""

    SUBSCRIPTION = "subscription"
    CORE = "core"
    MEMORY = "memory"
    DISK = "disk"
    BACKUP = "backup"
    TRAFFIC = "traffic"
    SUPPORT = "support"
    SETUP = "setup"


class DirectCost(StrEnum):
    """What is done for one tenant alone, so that no key shares it out."""

    BACKUP_GIB = "backup_gib"
    TRAFFIC_GIB = "traffic_gib"
    SUPPORT_HOUR = "support_hour"
    SETUP_HOUR = "setup_hour"


class HostsBought(StrEnum):
    """Whether the accounts hold the hosts that the tenant needs."""

    ANEW = "anew"
    ALREADY = "already"


class Charged(StrEnum):
    """How often a line is paid."""

    MONTHLY = "monthly"
    ONCE = "once"


class Buyer(CountedParty, frozen=True, kw_only=True):
    """Who asks."""


class Consultation(Declared, frozen=True, kw_only=True):
    """The tender."""

    reference: Annotated[Reference, Meta(description="The buyer's reference.")]
    title: Annotated[Title, Meta(description="What it is about.")]
    day: Annotated[date, Meta(description="Day of its publication.")]


class IndexParameter(Declared, frozen=True, kw_only=True):
    """A letter of the formula."""

    meaning: Annotated[Title, Meta(description="What it stands for.")]
    value: Annotated[Decimal | None, Meta(description="Its value, where it is known.")] = None


class Indexation(Declared, frozen=True, kw_only=True):
    """How prices follow an index."""

    formula: Annotated[Title, Meta(description="Such as P = P0 * (a + b * S / S0).")]
    parameters: Annotated[
        Mapping[Title, IndexParameter], Meta(description="What its letters stand for.")
    ] = {}


class Market(Declared, frozen=True, kw_only=True):
    """How long the prices hold."""

    starts: Annotated[date, Meta(description="First day of service.")]
    duration_months: Annotated[int, Meta(ge=1, le=120, description="Length, in months.")]
    validity_days: Annotated[
        int, Meta(ge=1, le=365, description="How long the offer stands, in days.")
    ] = 120
    indexation: Annotated[
        Indexation | None, Meta(description="How prices change; absent: they are firm.")
    ] = None


class PresentPrice(Declared, frozen=True, kw_only=True):
    """What the buyer pays today."""

    yearly_eur: Annotated[Price, Meta(description="Euros a year, VAT excluded.")]
    covers: Annotated[Title, Meta(description="What that pays for.")]


class BusyHours(Declared, frozen=True, kw_only=True):
    """When an application works; past midnight where it ends before it begins."""

    days: Annotated[tuple[Weekday, ...], Meta(description="Which days; default: all.")] = tuple(
        Weekday
    )
    from_h: Annotated[int, Meta(ge=0, le=23, description="First hour, 0 to 23.")] = 0
    to_h: Annotated[int, Meta(ge=0, le=24, description="Hour at which it ends, 0 to 24.")] = 24
    rest_percent: Annotated[Percent, Meta(description="CPU it takes at other hours.")] = Decimal(0)


class NeededApplication(Declared, frozen=True, kw_only=True):
    """An application to host; sizes are those of each of its copies."""

    name: Annotated[Slug, Meta(description="Key of the application.")]
    title: Annotated[str, Meta(max_length=120, description="Name that people read.")] = ""
    cores: Annotated[Decimal, Meta(description="Processor cores at its busiest hour.")]
    memory_gib: Annotated[Decimal, Meta(description="Memory, in GiB.")]
    disk_gib: Annotated[Decimal, Meta(description="Disk space, in GiB.")]
    count: Annotated[int, Meta(ge=1, le=1000, description="How many copies.")] = 1
    level: Annotated[ServiceLevel, Meta(description="What it outlives.")] = ServiceLevel.STANDARD
    busy: Annotated[BusyHours | None, Meta(description="When it works; absent: always.")] = None
    backup_gib: Annotated[Weight, Meta(description="Backups of all copies, in GiB.")] = Decimal(0)
    traffic_gib: Annotated[Weight, Meta(description="Traffic of all, GiB a month.")] = Decimal(0)
    support_hours: Annotated[Weight, Meta(description="Support, hours a month.")] = Decimal(0)


class Besides(Declared, frozen=True, kw_only=True):
    """What is asked for besides the applications, or for all of them together."""

    backup_gib: Annotated[Weight, Meta(description="Backups, in GiB.")] = Decimal(0)
    traffic_gib: Annotated[Weight, Meta(description="Traffic, in GiB a month.")] = Decimal(0)
    support_hours: Annotated[Weight, Meta(description="Support, hours a month.")] = Decimal(0)
    setup_hours: Annotated[Weight, Meta(description="Work to take it in, once.")] = Decimal(0)


class Terms(Declared, frozen=True, kw_only=True):
    """On which terms the platform offers; what the buyer does not see."""

    hosts_cost: Annotated[Slug, Meta(description="The accounts' cost that hosts are booked as.")]
    upkeep_cost: Annotated[
        Slug, Meta(description="The one that their maintenance and licences are booked as.")
    ]
    hosts_bought: Annotated[
        HostsBought, Meta(description="already: these costs hold the tenant's hosts too.")
    ]
    margin_percent: Annotated[Percent, Meta(description="Margin on the full cost.")]
    vat_percent: Annotated[Percent, Meta(description="VAT rate.")] = Decimal(20)
    direct_costs: Annotated[
        Mapping[DirectCost, Price], Meta(description="Cost of an hour, or of a GiB a month.")
    ] = {}
    weights: Annotated[
        Mapping[Slug, Weight], Meta(description="The tenant's weight in keys with fixed weights.")
    ] = {}
    priced_as: Annotated[
        Mapping[Slug, Mapping[PriceItem, Weight]],
        Meta(description="Which prices carry a cost; default: those its key goes by."),
    ] = {}
    yearly_price_eur: Annotated[
        Price | None, Meta(description="A price to offer instead of full cost and margin.")
    ] = None


class BuyerLine(Declared, frozen=True, kw_only=True):
    """A line of the buyer's price list."""

    number: Annotated[str, Meta(max_length=30, description="Its number in the list.")] = ""
    designation: Annotated[
        str, Meta(min_length=1, max_length=500, description="As the buyer wrote it.")
    ]
    unit: Annotated[str, Meta(max_length=120, description="As the buyer wrote it.")] = ""
    quantity: Annotated[
        Weight | None, Meta(description="A month's, or the whole; absent: on demand.")
    ] = None
    charged: Annotated[Charged, Meta(description="monthly or once.")] = Charged.MONTHLY
    contains: Annotated[
        Mapping[PriceItem, Weight], Meta(min_length=1, description="What one unit of it takes.")
    ]


class Needs(Declared, frozen=True, kw_only=True):
    """The file ``needs.yaml``: what a buyer asks for.

    Attributes:
        applications: New ones; none: the organisation's workloads in the plan's inventory.
    """

    consultation: Annotated[Consultation, Meta(description="The tender.")]
    buyer: Annotated[Buyer, Meta(description="Who asks.")]
    organisation: Annotated[Slug, Meta(description="The buyer's key in the plan and accounts.")]
    market: Annotated[Market, Meta(description="How long the prices hold.")]
    terms: Annotated[Terms, Meta(description="On which terms it is offered.")]
    present: Annotated[
        PresentPrice | None, Meta(description="What the buyer pays today, where it said.")
    ] = None
    applications: Annotated[
        Mapping[Slug, NeededApplication], Meta(description="New applications to host.")
    ] = {}
    sites: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(description="Where new applications may stand; none: anywhere."),
    ] = ()
    besides: Annotated[Besides, Meta(description="What is asked for besides.")] = Besides()
    lines: Annotated[
        tuple[BuyerLine, ...], Meta(description="The buyer's price list; none: ours.")
    ] = ()

    def asked(self, cost: DirectCost) -> Decimal:
        """Add up what is asked of something that is done for the tenant alone."""
        besides = self.besides
        applications = self.applications.values()
        match cost:
            case DirectCost.BACKUP_GIB:
                return besides.backup_gib + sum(one.backup_gib for one in applications)
            case DirectCost.TRAFFIC_GIB:
                return besides.traffic_gib + sum(one.traffic_gib for one in applications)
            case DirectCost.SUPPORT_HOUR:
                return besides.support_hours + sum(one.support_hours for one in applications)
            case DirectCost.SETUP_HOUR:
                return besides.setup_hours
