"""The nouns of the ledger: what was used, what it cost, who pays, and how it is proven.

Money is ``Decimal``, in euros. What is charged has whole cents; rates have as many decimals as
their owners gave them. Nouns with ``omit_defaults`` have texts whose default is empty while a
written one may not be: their encoded form leaves such a text out.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from beffroi.energy.model import Method
from beffroi.ledger.parties import AddressLine, CountedParty, NamedParty, Postcode
from beffroi.territory.formats import Slug, Title

REVENUE_KEY: Final = "revenue"
REVENUE_ACCOUNT: Final = "70878"
"""Refunds of costs by others (M57, account 7087): what the revenue lowers is such a refund."""


def _at_least(minimum: int, maximum: int | None = None) -> Meta:
    """Bound a ``Decimal``, which msgspec itself does not."""
    bounds = {"minimum": minimum} if maximum is None else {"minimum": minimum, "maximum": maximum}
    return Meta(extra_json_schema=bounds)


Amount = Annotated[Decimal, _at_least(-1_000_000_000, 1_000_000_000)]
Price = Annotated[Decimal, _at_least(0, 1_000_000)]
Weight = Annotated[Decimal, _at_least(0, 1_000_000_000)]
Percent = Annotated[Decimal, _at_least(0, 100)]
Iban = Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9]{2}( ?[0-9A-Z]){11,30}$(?!\n)")]
Bic = Annotated[str, Meta(pattern=r"^[A-Z]{6}[0-9A-Z]{2}([0-9A-Z]{3})?$(?!\n)")]
AccountCode = Annotated[str, Meta(pattern=r"^[0-9A-Z]{2,12}$(?!\n)", description="M57 account.")]
NumberPrefix = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9]{0,9}$(?!\n)")]
Reference = Annotated[str, Meta(min_length=1, max_length=50)]


class UsageUnit(StrEnum):
    """What use is counted in."""

    CPU_CORE_H = "cpu_core_h"
    MEMORY_GIB_H = "memory_gib_h"
    STORAGE_GIB_H = "storage_gib_h"
    DATABASE_GIB_H = "database_gib_h"
    BACKUP_GIB_H = "backup_gib_h"
    TRAFFIC_GIB = "traffic_gib"
    REQUESTS_1000 = "requests_1000"
    RUNNING_H = "running_h"
    ENERGY_MARGINAL_KWH = "energy_marginal_kwh"
    ENERGY_IDLE_KWH = "energy_idle_kwh"


class Usage(msgspec.Struct, frozen=True):
    """What one application used over a time.

    Attributes:
        organisation: Empty for the platform's own parts.
        quantities: By unit, with six decimals; a unit that is absent was not used.
        minutes: How many minutes of the time have a record.
    """

    application: str
    organisation: str
    since: datetime
    until: datetime
    quantities: Mapping[UsageUnit, Decimal]
    minutes: int
    energy_method: Method = Method.MODELLED


class BodyKind(StrEnum):
    """What kind of body pays."""

    COMMUNE = "commune"
    INTERCOMMUNAL = "intercommunal"
    PUBLIC_OFFICE = "public_office"
    COMPANY = "company"


class Charging(StrEnum):
    """How a body pays: its share of what everything costs, or the prices of the list."""

    SHARES_COSTS = "shares_costs"
    BY_RATES = "by_rates"


class Body(CountedParty, frozen=True, kw_only=True):
    """Who receives a statement, with an invoice or a revenue order (titre de recette)."""

    name: Annotated[Slug, Meta(description="Key of the body.")]
    kind: Annotated[BodyKind, Meta(description="What kind of body it is.")]
    organisations: Annotated[
        tuple[Slug, ...],
        Meta(min_length=1, description="Organisations of the territory whose use it pays."),
    ]
    charging: Annotated[
        Charging, Meta(description="Shares what everything costs, or pays by the rates.")
    ] = Charging.SHARES_COSTS
    liable_for_vat: Annotated[
        bool, Meta(description="Gets an invoice with VAT; else a revenue order.")
    ] = False
    service_code: Annotated[Reference, Meta(description="Chorus Pro's service code.")] = ""
    commitment: Annotated[Reference, Meta(description="Its engagement number.")] = ""


class CostNature(StrEnum):
    """How a cost falls on a month."""

    YEARLY = "yearly"
    AMORTISATION = "amortisation"
    MONTHLY = "monthly"
    ENERGY = "energy"


class CostCentre(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Something that costs money; a negative amount is a revenue, such as a grant.

    Attributes:
        nature: YEARLY: a twelfth of ``amount_eur``; MONTHLY: all of it; AMORTISATION: the amount
            over ``life_years`` from ``since``, by days; ENERGY: metered kWh times PUE times price.
            Of a month that counts in part, YEARLY and MONTHLY take the share of its days.
    """

    name: Annotated[Slug, Meta(description="Key of the cost centre.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    nature: Annotated[CostNature, Meta(description="How it falls on a month.")]
    key: Annotated[Slug, Meta(description="Allocation key that shares it out.")]
    since: Annotated[date, Meta(description="First day that it counts.")]
    account: AccountCode = ""
    until: Annotated[
        date | None, Meta(description="First day that it no longer counts; absent: it goes on.")
    ] = None
    amount_eur: Annotated[
        Amount, Meta(description="Whole cents: per year, per month, or the purchase price.")
    ] = Decimal(0)
    life_years: Annotated[
        int, Meta(ge=0, le=60, description="Years of amortisation (amortisation).")
    ] = 0
    eur_per_kwh: Annotated[Price, Meta(description="Price of a kWh (energy).")] = Decimal(0)
    pue: Annotated[
        Decimal,
        _at_least(1, 5),
        Meta(description="Energy of the room for 1 of its machines (energy)."),
    ] = Decimal(1)


class KeyBasis(StrEnum):
    """What an allocation key goes by."""

    EQUAL = "equal"
    INHABITANTS = "inhabitants"
    POSTS = "posts"
    USAGE = "usage"
    FIXED = "fixed"
    MIXED = "mixed"


class AllocationKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a cost is shared out.

    Attributes:
        units: Of USAGE: each unit's weight; their sums are weighted after each is turned into
            shares of 1. A unit that nobody used counts for nothing.
        weights: Of FIXED: by body.
        parts: Of MIXED: the weight of other keys.
        floor_percent: No body pays less than this of the cost, to the cent.
    """

    name: Annotated[Slug, Meta(description="Key of the allocation key.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    basis: Annotated[KeyBasis, Meta(description="What it goes by.")]
    units: Annotated[
        Mapping[UsageUnit, Weight],
        Meta(
            description="Weight of each unit of use (usage).",
            extra_json_schema={"propertyNames": {"pattern": f"^({'|'.join(UsageUnit)})$"}},
        ),
    ] = {}
    weights: Annotated[
        Mapping[Slug, Weight], Meta(description="Weight of each body that shares costs (fixed).")
    ] = {}
    parts: Annotated[
        Mapping[Slug, Weight], Meta(description="Weight of each of other keys (mixed).")
    ] = {}
    floor_percent: Annotated[Percent, Meta(description="No body pays less, in percent.")] = Decimal(
        0
    )
    ceiling_percent: Annotated[Percent, Meta(description="No body pays more, in percent.")] = (
        Decimal(100)
    )


class Rate(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A price of the list, from a day on.

    Attributes:
        unit: What it is for; absent: a flat price per month whatever the use.
        included: Quantity per month that costs nothing; by days where the rate changes.
    """

    name: Annotated[Slug, Meta(description="Key of the rate.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    since: Annotated[date, Meta(description="First day that it holds.")]
    eur: Annotated[Price, Meta(description="Price of one unit or of a month, VAT excluded.")]
    unit: Annotated[
        UsageUnit | None, Meta(description="What it is for; absent: flat, per month.")
    ] = None
    until: Annotated[
        date | None, Meta(description="First day that it no longer holds; absent: it goes on.")
    ] = None
    bodies: Annotated[
        tuple[Slug, ...], Meta(description="For whom; absent: for all who pay by rates.")
    ] = ()
    included: Annotated[Weight, Meta(description="Quantity per month that costs nothing.")] = (
        Decimal(0)
    )
    account: AccountCode = ""
    vat_percent: Annotated[
        Percent, Meta(description="VAT rate, for bodies that are liable for VAT.")
    ] = Decimal(20)


class Issuer(NamedParty, frozen=True, kw_only=True):
    """Who issues statements and invoices."""

    address: Annotated[
        tuple[AddressLine, ...], Meta(description="Lines of its address, town left out.")
    ]
    postcode: Annotated[Postcode, Meta(description="Postcode, in quotes.")]
    town: Annotated[AddressLine, Meta(description="Town.")]
    number_prefix: Annotated[
        NumberPrefix, Meta(description="What its statements' numbers begin with.")
    ]
    iban: Annotated[Iban, Meta(description="Account to pay to.")] = ""
    bic: Annotated[Bic, Meta(description="Bank of that account.")] = ""
    payment_days: Annotated[
        int,
        Meta(
            ge=0,
            le=120,
            description="Days to pay from the day of issue; public buyers owe 30 at most.",
        ),
    ] = 30
    revenue_account: Annotated[
        AccountCode, Meta(description="Account of what bodies at rates take off others' costs.")
    ] = REVENUE_ACCOUNT


class Accounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file ``accounts.yaml``: who pays what, for what, by which key."""

    issuer: Annotated[Issuer, Meta(description="Who issues statements.")]
    bodies: Annotated[Mapping[Slug, Body], Meta(description="Who receives statements.")]
    keys: Annotated[Mapping[Slug, AllocationKey], Meta(description="How costs are shared out.")]
    costs: Annotated[Mapping[Slug, CostCentre], Meta(description="What costs money.")] = {}
    rates: Annotated[Mapping[Slug, Rate], Meta(description="The price list.")] = {}

    @property
    def sharers(self) -> Mapping[str, Body]:
        """The bodies that share what everything costs, by name."""
        return {
            name: body
            for name, body in sorted(self.bodies.items())
            if body.charging is Charging.SHARES_COSTS
        }


class LineKind(StrEnum):
    """What a line of a statement is."""

    COST_SHARE = "cost_share"
    REVENUE_SHARE = "revenue_share"
    RATE = "rate"
    CORRECTION = "correction"


class Explanation(msgspec.Struct, frozen=True):
    """How a figure came about: a sentence of ``ledger.explanations.CODE`` and its values.

    Attributes:
        values: Numbers with a decimal point and days as ISO dates; each language writes them its
            own way. ``unit`` and ``method`` are keys of ``ledger.units`` and ``ledger.methods``.
        parts: Sentences that follow it.
    """

    code: str
    values: Mapping[str, str] = {}
    parts: tuple["Explanation", ...] = ()


class LineRef(msgspec.Struct, frozen=True):
    """A line of an issued statement."""

    statement: str
    line: int


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line; ``amount_eur`` follows from the other figures as ``explanation`` says.

    Attributes:
        subject: Name of the cost centre or of the rate.
        quantity: Units of this body; of a cost share: its units of operation.
        unit: Key of ``ledger.units``.
        all_units: Units of all bodies, of a cost share.
        unit_price_eur: Cost of one unit of operation, or the rate.
        cost_eur: What is shared out, of a cost share.
        since, until: Days that it covers, the last one not included.
    """

    number: int
    kind: LineKind
    subject: str
    title: str
    since: date
    until: date
    quantity: Decimal
    unit: str
    unit_price_eur: Decimal
    amount_eur: Decimal
    explanation: Explanation
    account: str = ""
    key: str = ""
    all_units: Decimal = Decimal(0)
    cost_eur: Decimal = Decimal(0)
    vat_percent: Decimal = Decimal(0)
    corrects: LineRef | None = None

    @property
    def by_rate(self) -> bool:
        """Whether a rate made it, or it corrects such a line: no key shares it out."""
        return not self.key


class StatementState(StrEnum):
    """A draft may be made again; what is issued never changes."""

    DRAFT = "draft"
    ISSUED = "issued"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a body owes for a month.

    Attributes:
        number: ``PREFIX-YEAR-000001`` without gaps, the year being the month's; empty for a draft.
        month: Its first day.
        accounts_version: Which accounts it was made with; 0 for a file that nobody applied.
        usage: What the body's organisations used.
        digest: SHA-256 of all that decides the lines of the month's statements.
        notes: What the reader should know of the records, such as a use that nobody recorded.
    """

    number: str
    body: Body
    month: date
    state: StatementState
    lines: tuple[StatementLine, ...]
    usage: tuple[Usage, ...]
    accounts_version: int
    digest: str
    issued_at: datetime | None = None
    notes: tuple[Explanation, ...] = ()

    @property
    def net_eur(self) -> Decimal:
        """The sum without VAT."""
        return sum((line.amount_eur for line in self.lines), Decimal(0))
