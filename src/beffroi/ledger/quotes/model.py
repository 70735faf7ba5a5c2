"""The nouns of a quote: what taking a tenant in costs, what it would pay, what others would."""

from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from beffroi.ledger.model import Body, Explanation, Issuer
from beffroi.ledger.quotes.needs import Charged, Needs, PriceItem
from beffroi.ledger.quotes.ports import Placement


class CostKind(StrEnum):
    """What a part of a cost is."""

    HOSTS = "hosts"
    UPKEEP = "upkeep"
    ENERGY = "energy"
    DIRECT = "direct"
    SHARE = "share"


class CostPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of what the tenant costs in its first year.

    Attributes:
        subject: Name of the cost centre, or of the direct cost.
        title: Of the cost centre; empty where the kind or the subject says it.
    """

    kind: CostKind
    subject: str
    title: str
    yearly_eur: Decimal
    explanation: Explanation


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What taking the tenant in costs.

    Attributes:
        marginal: What would not be spent without it: the floor of any price.
        full: What a sharer with its units would bear: the least a public body may ask.
        once_eur: The work to take it in, in neither of them.
    """

    marginal: tuple[CostPart, ...]
    full: tuple[CostPart, ...]
    once_eur: Decimal

    @property
    def floor_eur(self) -> Decimal:
        """The marginal cost of a year."""
        return sum((part.yearly_eur for part in self.marginal), Decimal(0))

    @property
    def full_eur(self) -> Decimal:
        """The full cost of a year."""
        return sum((part.yearly_eur for part in self.full), Decimal(0))

    @property
    def owed_eur(self) -> Decimal:
        """What a price must cover: the higher of both."""
        return max(self.floor_eur, self.full_eur)


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the price list.

    Attributes:
        item: Of a line of ours; nothing for one of the buyer's.
        designation: The buyer's words; empty for a line of ours.
        quantity: A month's, or the whole of a line paid once; nothing: on demand.
        amount_eur: Quantity times price, in whole cents; 0 on demand.
        below_cost: The unit price is less than the full cost of what the unit takes.
    """

    number: str
    item: PriceItem | None
    designation: str
    unit: str
    charged: Charged
    quantity: Decimal | None
    unit_price_eur: Decimal
    amount_eur: Decimal
    below_cost: bool
    explanation: Explanation


class Total(msgspec.Struct, frozen=True):
    """A sum without VAT, its VAT rounded once, and both together."""

    net_eur: Decimal
    vat_eur: Decimal

    @property
    def gross_eur(self) -> Decimal:
        """The sum with VAT."""
        return self.net_eur + self.vat_eur


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What is paid: once, each month, in a year of twelve months, in all."""

    once: Total
    month: Total
    year: Total
    duration: Total


class PriceChange(msgspec.Struct, frozen=True):
    """What the buyer's present price becomes, a year and over the duration.

    Attributes:
        present_eur: A year at present.
        offered_eur: The whole offer spread over its years, work to take it in included.
        present_duration_eur: The present price over the offer's duration.
        offered_duration_eur: The whole offer.
        percent: The change of the whole, with two decimals; nothing where nothing is paid today.
    """

    present_eur: Decimal
    offered_eur: Decimal
    present_duration_eur: Decimal
    offered_duration_eur: Decimal
    percent: Decimal | None

    @property
    def change_eur(self) -> Decimal:
        """What is paid more in a year; less where negative."""
        return self.offered_eur - self.present_eur


class BodyRelief(msgspec.Struct, frozen=True):
    """What a body that shares costs bears in the first year, without and with the tenant."""

    body: str
    title: str
    before_eur: Decimal
    after_eur: Decimal

    @property
    def relief_eur(self) -> Decimal:
        """What it bears less; more where negative."""
        return self.before_eur - self.after_eur


class Relief(msgspec.Struct, frozen=True, kw_only=True):
    """What the tenant's payments change for those who share.

    Attributes:
        revenue_eur: What the tenant pays in its first year, without VAT.
        added_eur: What the year costs more with it: the bodies' relief is the difference.
    """

    bodies: tuple[BodyRelief, ...]
    revenue_eur: Decimal
    added_eur: Decimal

    @property
    def total_eur(self) -> Decimal:
        """What all of them bear less together."""
        return sum((one.relief_eur for one in self.bodies), Decimal(0))


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A priced answer.

    Attributes:
        body: The buyer, as statements would name it.
        asked_eur: The yearly price that the unit prices are made for, before their rounding up.
        warnings: What whoever signs must know.
    """

    needs: Needs
    issuer: Issuer
    body: Body
    day: date
    placement: Placement
    costs: Costs
    asked_eur: Decimal
    lines: tuple[QuoteLine, ...]
    totals: Totals
    change: PriceChange | None
    relief: Relief
    warnings: tuple[Explanation, ...]

    @property
    def valid_until(self) -> date:
        """The last day that the offer stands."""
        return date.fromordinal(self.day.toordinal() + self.needs.market.validity_days)
