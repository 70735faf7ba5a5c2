"""From costs to unit prices: which price carries which cost, and what rounding leaves; pure.

Unit prices are rounded up, so that no rounding brings a price below what it must cover.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction
from typing import Final

import msgspec

from beffroi.ledger.cents import plain_eur, plain_number, rounded_eur, with_decimals
from beffroi.ledger.model import Accounts, AllocationKey, Explanation, KeyBasis, UsageUnit
from beffroi.ledger.quotes.costing import HOSTS, UPKEEP
from beffroi.ledger.quotes.forecast import MONTHS
from beffroi.ledger.quotes.model import CostKind, CostPart, Costs, QuoteLine
from beffroi.ledger.quotes.needs import BuyerLine, Charged, DirectCost, Needs, PriceItem
from beffroi.ledger.quotes.ports import OrganisationLoad

_ITEM_OF_UNIT: Final = {
    UsageUnit.CPU_CORE_H: PriceItem.CORE,
    UsageUnit.ENERGY_MARGINAL_KWH: PriceItem.CORE,
    UsageUnit.MEMORY_GIB_H: PriceItem.MEMORY,
    UsageUnit.ENERGY_IDLE_KWH: PriceItem.MEMORY,
    UsageUnit.STORAGE_GIB_H: PriceItem.DISK,
    UsageUnit.DATABASE_GIB_H: PriceItem.DISK,
}
_ITEM_OF_DIRECT: Final = {
    DirectCost.BACKUP_GIB: PriceItem.BACKUP,
    DirectCost.TRAFFIC_GIB: PriceItem.TRAFFIC,
    DirectCost.SUPPORT_HOUR: PriceItem.SUPPORT,
}
_CENT: Final = Decimal("0.01")
_FINE: Final = Decimal("0.0001")
Quantities = Mapping[PriceItem, Decimal]
Weights = dict[PriceItem, Fraction]


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """What unit prices are made from.

    Attributes:
        quantities: A month's, of what the tenant takes; those of nothing have no price.
        carried: A year's full cost by price.
        asked_eur: The yearly price wanted.
        once_cost_eur: The cost of the work to take the tenant in.
        once_eur: The price wanted of it.
    """

    quantities: Quantities
    carried: Mapping[PriceItem, Fraction]
    asked_eur: Decimal
    once_cost_eur: Decimal
    once_eur: Decimal

    @property
    def factor(self) -> Fraction:
        """What turns cost into price."""
        return Fraction(self.asked_eur) / sum(self.carried.values())

    def exact(self, item: PriceItem) -> Fraction:
        """Return the price of one unit for a month, or of the work to take it in, unrounded."""
        if item is PriceItem.SETUP:
            return Fraction(self.once_eur)
        return self.full_cost(item) * self.factor

    def full_cost(self, item: PriceItem) -> Fraction:
        """Return the full cost of one unit for a month, or of the work to take it in."""
        if item is PriceItem.SETUP:
            return Fraction(self.once_cost_eur)
        cost = self.carried.get(item, Fraction(0))
        return cost / MONTHS / Fraction(self.quantities[item]) if cost else cost


def quantities_of(needs: Needs, load: OrganisationLoad) -> dict[PriceItem, Decimal]:
    """Say what the tenant takes in a month; cores are those of an average hour."""
    found = {
        PriceItem.SUBSCRIPTION: Decimal(1),
        PriceItem.CORE: load.cores,
        PriceItem.MEMORY: load.memory_gib,
        PriceItem.DISK: load.disk_gib,
        PriceItem.BACKUP: needs.asked(DirectCost.BACKUP_GIB),
        PriceItem.TRAFFIC: needs.asked(DirectCost.TRAFFIC_GIB),
        PriceItem.SUPPORT: needs.asked(DirectCost.SUPPORT_HOUR),
        PriceItem.SETUP: Decimal(1 if needs.asked(DirectCost.SETUP_HOUR) else 0),
    }
    return {item: quantity for item, quantity in found.items() if quantity}


def pricing_of(needs: Needs, accounts: Accounts, costs: Costs, quantities: Quantities) -> Pricing:
    """Give each cost to the prices that carry it, and say what is asked in all."""
    carried: dict[PriceItem, Fraction] = {}
    for part in costs.full:
        for item, share in _carriers(part, needs, accounts, quantities).items():
            carried[item] = carried.get(item, Fraction(0)) + share * Fraction(part.yearly_eur)
    if not sum(carried.values()):
        carried = {PriceItem.SUBSCRIPTION: Fraction(1)}
    margin = 1 + Fraction(needs.terms.margin_percent) / 100
    wanted = needs.terms.yearly_price_eur
    asked = rounded_eur(Fraction(costs.owed_eur) * margin) if wanted is None else wanted
    return Pricing(
        quantities=quantities,
        carried=carried,
        asked_eur=asked,
        once_cost_eur=costs.once_eur,
        once_eur=rounded_eur(Fraction(costs.once_eur) * margin),
    )


def priced_lines(needs: Needs, pricing: Pricing) -> tuple[QuoteLine, ...]:
    """Price the buyer's lines, or ours where the buyer gave none."""
    if not needs.lines:
        return tuple(_own_lines(pricing))
    factor = _recovering(needs.lines, pricing)
    return tuple(_buyer_line(line, pricing, factor) for line in needs.lines)


def rounded_up(exact: Fraction) -> Decimal:
    """Round a unit price up: to whole cents from a euro on, to hundredths of one below."""
    places = 2 if exact >= 1 else 4
    scaled = Decimal(-((-exact * 10**places) // 1))
    return scaled.scaleb(-places).quantize(_CENT if places == 2 else _FINE, ROUND_CEILING)


def _carriers(part: CostPart, needs: Needs, accounts: Accounts, quantities: Quantities) -> Weights:
    """Return shares of 1 by price; what would fall on a price of nothing is subscribed to."""
    if part.kind is CostKind.DIRECT:
        weights: Weights = {_ITEM_OF_DIRECT[DirectCost(part.subject)]: Fraction(1)}
    else:
        terms = needs.terms
        like = {HOSTS: terms.hosts_cost, UPKEEP: terms.upkeep_cost}.get(part.subject, part.subject)
        told = terms.priced_as.get(like)
        weights = (
            {item: Fraction(weight) for item, weight in told.items()}
            if told
            else _key_carriers(accounts.keys[accounts.costs[like].key], accounts.keys)
        )
    kept = {item: weight for item, weight in weights.items() if item in quantities and weight}
    total = sum(kept.values())
    if not total:
        return {PriceItem.SUBSCRIPTION: Fraction(1)}
    return {item: weight / total for item, weight in kept.items()}


def _key_carriers(key: AllocationKey, keys: Mapping[str, AllocationKey]) -> Weights:
    if key.basis is KeyBasis.USAGE:
        weights = (
            ({_ITEM_OF_UNIT.get(unit, PriceItem.SUBSCRIPTION): Fraction(1)}, Fraction(weight))
            for unit, weight in key.units.items()
        )
        return _combined(weights)
    if key.basis is KeyBasis.MIXED:
        parts = (
            (_key_carriers(keys[name], keys), Fraction(weight))
            for name, weight in key.parts.items()
        )
        return _combined(parts)
    return {PriceItem.SUBSCRIPTION: Fraction(1)}


def _combined(parts: Iterable[tuple[Weights, Fraction]]) -> Weights:
    """Add weights up and make their sum 1."""
    found: Weights = {}
    for weights, weight in parts:
        for item, share in weights.items():
            found[item] = found.get(item, Fraction(0)) + weight * share
    total = sum(found.values())
    return {item: weight / total for item, weight in found.items()}


def _own_lines(pricing: Pricing) -> Iterator[QuoteLine]:
    number = 0
    for item in PriceItem:
        exact = pricing.exact(item)
        if item not in pricing.quantities or not exact:
            continue
        number += 1
        price = rounded_up(exact)
        quantity = pricing.quantities[item]
        once = item is PriceItem.SETUP
        yield QuoteLine(
            number=str(number),
            item=item,
            designation="",
            unit=item.value,
            charged=Charged.ONCE if once else Charged.MONTHLY,
            quantity=quantity,
            unit_price_eur=price,
            amount_eur=rounded_eur(quantity * price),
            below_cost=price < pricing.full_cost(item),
            explanation=_explained(item, pricing, price),
        )


def _explained(item: PriceItem, pricing: Pricing, price: Decimal) -> Explanation:
    if item is PriceItem.SETUP:
        return Explanation("quote_price_setup", {"price_eur": plain_eur(price)})
    values = {
        "carried_eur": plain_eur(rounded_eur(pricing.carried[item])),
        "quantity": plain_number(pricing.quantities[item]),
        "factor": plain_number(with_decimals(pricing.factor, 4)),
        "price_eur": plain_eur(price),
    }
    return Explanation("quote_price", values)


def _content(line: BuyerLine, pricing: Pricing) -> Fraction:
    """Return what a unit of the buyer's line is worth at our exact unit prices."""
    return _summed(line, pricing, pricing.exact)


def _summed(line: BuyerLine, pricing: Pricing, each: Callable[[PriceItem], Fraction]) -> Fraction:
    """Add up what a unit of the buyer's line contains."""
    contained = (
        Fraction(amount) * each(item)
        for item, amount in line.contains.items()
        if item in pricing.quantities
    )
    return sum(contained, Fraction(0))


def _recovering(lines: Iterable[BuyerLine], pricing: Pricing) -> Fraction:
    """Return what makes the lines with quantities bring the price asked, whatever they contain."""
    monthly = sum(
        Fraction(line.quantity) * _content(line, pricing)
        for line in lines
        if line.quantity is not None and line.charged is Charged.MONTHLY
    )
    return Fraction(pricing.asked_eur) / MONTHS / monthly if monthly else Fraction(1)


def _buyer_line(line: BuyerLine, pricing: Pricing, factor: Fraction) -> QuoteLine:
    content = _content(line, pricing)
    own = factor if line.charged is Charged.MONTHLY else Fraction(1)
    if line.quantity is None:
        # What is ordered besides is not in the sum that the factor brings: it covers itself.
        own = max(own, Fraction(1))
    price = rounded_up(content * own)
    values = {
        "content_eur": plain_eur(with_decimals(content, 4)),
        "factor": plain_number(with_decimals(own, 4)),
        "price_eur": plain_eur(price),
    }
    quantity = line.quantity
    return QuoteLine(
        number=line.number,
        item=None,
        designation=line.designation,
        unit=line.unit,
        charged=line.charged,
        quantity=quantity,
        unit_price_eur=price,
        amount_eur=Decimal(0) if quantity is None else rounded_eur(quantity * price),
        below_cost=price < _summed(line, pricing, pricing.full_cost),
        explanation=Explanation("quote_price_line", values),
    )
