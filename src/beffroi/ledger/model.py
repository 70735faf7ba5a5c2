"""The nouns of the ledger: what was used, what it cost, who pays, and how it is proven.

Money is ``Decimal``, in euros. What is charged has whole cents; rates have as many decimals as
their owners gave them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from beffroi.energy.model import Method


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


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who receives a statement.

    Attributes:
        organisations: Organisations of the territory whose use it pays.
        inhabitants: Legal population.
        posts: Work places.
        liable_for_vat: Gets an invoice with VAT; else a revenue order (titre de recette).
        service_code: Chorus Pro's service code, where it asks for one.
        commitment: Its engagement number, where it asks for one.
    """

    name: str
    title: str
    kind: BodyKind
    organisations: tuple[str, ...]
    siret: str
    address: tuple[str, ...] = ()
    postcode: str = ""
    town: str = ""
    inhabitants: int = 0
    posts: int = 0
    charging: Charging = Charging.SHARES_COSTS
    liable_for_vat: bool = False
    vat_number: str = ""
    service_code: str = ""
    commitment: str = ""


class CostNature(StrEnum):
    """How a cost falls on a month."""

    YEARLY = "yearly"
    AMORTISATION = "amortisation"
    MONTHLY = "monthly"
    ENERGY = "energy"


class CostCentre(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that costs money.

    Attributes:
        nature: YEARLY: a twelfth of ``amount_eur``; MONTHLY: all of it; AMORTISATION: the amount
            over ``life_years`` from ``since``, by days; ENERGY: metered kWh times PUE times price.
        account: M57 account.
        key: The allocation key.
        since: First day that it counts.
        until: First day that it no longer counts; absent: it goes on.
    """

    name: str
    title: str
    nature: CostNature
    key: str
    since: date
    account: str = ""
    until: date | None = None
    amount_eur: Decimal = Decimal(0)
    life_years: int = 0
    eur_per_kwh: Decimal = Decimal(0)
    pue: Decimal = Decimal(1)


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
            shares of 1.
        weights: Of FIXED: by body.
        parts: Of MIXED: the weight of other keys.
        floor_percent: No body pays less than this of the cost.
        ceiling_percent: No body pays more.
    """

    name: str
    title: str
    basis: KeyBasis
    units: Mapping[UsageUnit, Decimal] = {}
    weights: Mapping[str, Decimal] = {}
    parts: Mapping[str, Decimal] = {}
    floor_percent: Decimal = Decimal(0)
    ceiling_percent: Decimal = Decimal(100)


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price of the list, from a day on.

    Attributes:
        unit: What it is for; with ``flat`` it is per month whatever the use.
        eur: Price of one unit, VAT excluded.
        bodies: For whom; empty: for all who pay by rates.
        included: Quantity per month that costs nothing.
    """

    name: str
    title: str
    since: date
    eur: Decimal
    unit: UsageUnit | None = None
    until: date | None = None
    bodies: tuple[str, ...] = ()
    included: Decimal = Decimal(0)
    account: str = ""
    vat_percent: Decimal = Decimal(20)


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who issues statements and invoices."""

    title: str
    siret: str
    address: tuple[str, ...]
    postcode: str
    town: str
    number_prefix: str
    vat_number: str = ""
    iban: str = ""
    bic: str = ""
    payment_days: int = 30


class Accounts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file ``accounts.yaml``: who pays what, for what, by which key."""

    issuer: Issuer
    bodies: Mapping[str, Body]
    keys: Mapping[str, AllocationKey]
    costs: Mapping[str, CostCentre] = {}
    rates: Mapping[str, Rate] = {}


class LineKind(StrEnum):
    """What a line of a statement is."""

    COST_SHARE = "cost_share"
    REVENUE_SHARE = "revenue_share"
    RATE = "rate"
    CORRECTION = "correction"


class Explanation(msgspec.Struct, frozen=True):
    """How a figure came about: a sentence of ``ledger.explanations.CODE`` and its values."""

    code: str
    values: Mapping[str, str] = {}


class LineRef(msgspec.Struct, frozen=True):
    """A line of an issued statement."""

    statement: str
    line: int


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line; ``amount_eur`` follows from the other figures as ``explanation`` says.

    Attributes:
        subject: Name of the cost centre or of the rate.
        quantity: Units of this body; of a cost share: its units of operation.
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


class StatementState(StrEnum):
    """A draft may be made again; what is issued never changes."""

    DRAFT = "draft"
    ISSUED = "issued"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a body owes for a month.

    Attributes:
        number: ``PREFIX-YEAR-000001`` without gaps; empty for a draft.
        month: Its first day.
        accounts_version: Which accounts it was made with.
        usage: What it was made from, so that it can be replayed.
        digest: SHA-256 of all that decides its lines.
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

    @property
    def net_eur(self) -> Decimal:
        """The sum without VAT."""
        return sum((line.amount_eur for line in self.lines), Decimal(0))
