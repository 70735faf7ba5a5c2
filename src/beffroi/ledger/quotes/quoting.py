"""A quote: from needs, accounts and a placement to prices that add up to the cent; pure."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.cents import rounded_eur, with_decimals
from beffroi.ledger.model import (
    REVENUE_KEY,
    Accounts,
    AllocationKey,
    Body,
    BodyKind,
    Charging,
    CostCentre,
    CostNature,
    KeyBasis,
    Rate,
)
from beffroi.ledger.quotes.cautions import cautions_of
from beffroi.ledger.quotes.costing import DIRECT, Basis, basis_of, costs_of
from beffroi.ledger.quotes.forecast import MONTHS, Year, forecast_year, with_costs, with_payer
from beffroi.ledger.quotes.items import Pricing, priced_lines, pricing_of, quantities_of
from beffroi.ledger.quotes.model import (
    BodyRelief,
    PriceChange,
    Quote,
    QuoteLine,
    Relief,
    Total,
    Totals,
)
from beffroi.ledger.quotes.needs import Charged, Needs
from beffroi.ledger.quotes.ports import OrganisationLoad, Placement
from beffroi.territory.shape import nearest

_RATE: Final = "quote"


def quote_of(needs: Needs, accounts: Accounts, placement: Placement, day: date) -> Quote:
    """Price a tender's needs.

    Args:
        needs: What the buyer asks for.
        accounts: What everything costs, and who shares it.
        placement: The platform without and with the tenant.
        day: Day of the offer.

    Raises:
        InvalidInputError: The needs name what the accounts do not hold, or the tenant already
            shares their costs.
    """
    body = tenant_body(needs, accounts)
    refuse_unknown(needs, accounts)
    basis = basis_of(needs, accounts, body, placement)
    without, sharing = basis.year_without(), basis.year_sharing()
    costs = costs_of(basis, without, sharing)
    load = _load_of(needs.organisation, placement)
    pricing = pricing_of(needs, basis.accounts, costs, quantities_of(needs, load))
    lines = priced_lines(needs, pricing)
    totals = _totals(needs, lines, pricing)
    return Quote(
        needs=needs,
        issuer=accounts.issuer,
        body=body,
        day=day,
        placement=placement,
        costs=costs,
        asked_eur=pricing.asked_eur,
        lines=lines,
        totals=totals,
        change=_change(needs, totals),
        relief=_relief(basis, without, totals.month.net_eur),
        warnings=tuple(cautions_of(basis, costs, lines, totals)),
    )


def tenant_body(needs: Needs, accounts: Accounts) -> Body:
    """Return the buyer as the accounts know it, or would.

    Raises:
        InvalidInputError: It shares the accounts' costs, so that it has no price to pay.
    """
    buyer = needs.buyer
    known = next(
        (one for one in accounts.bodies.values() if needs.organisation in one.organisations), None
    )
    if known is not None and known.charging is Charging.SHARES_COSTS:
        raise InvalidInputError(
            "ledger.quote_body_shares", body=known.name, organisation=needs.organisation
        )
    fresh = Body(
        name=needs.organisation,
        title=buyer.title,
        kind=BodyKind.PUBLIC_OFFICE,
        organisations=(needs.organisation,),
        siret=buyer.siret,
    )
    return msgspec.structs.replace(
        known or fresh,
        title=buyer.title,
        siret=buyer.siret,
        address=buyer.address,
        postcode=buyer.postcode,
        town=buyer.town,
        vat_number=buyer.vat_number,
        inhabitants=buyer.inhabitants,
        posts=buyer.posts,
    )


def refuse_unknown(needs: Needs, accounts: Accounts) -> None:
    """Refuse needs that do not go with the accounts.

    Raises:
        InvalidInputError: They name a cost or a key that is not there, or leave one out.
    """
    terms = needs.terms
    if not accounts.sharers:
        raise InvalidInputError("ledger.quote_nobody_shares")
    for field, names in (
        ("hosts_cost", (terms.hosts_cost,)),
        ("upkeep_cost", (terms.upkeep_cost,)),
        ("priced_as", tuple(terms.priced_as)),
    ):
        for name in names:
            if name not in accounts.costs:
                near = nearest(name, sorted(accounts.costs))
                raise InvalidInputError(
                    "ledger.quote_cost_unknown", field=field, name=name, nearest=near
                )
    if accounts.costs[terms.hosts_cost].nature is not CostNature.AMORTISATION:
        raise InvalidInputError("ledger.quote_hosts_not_amortised", cost=terms.hosts_cost)
    for name, key in sorted(accounts.keys.items()):
        if key.basis is KeyBasis.FIXED and name not in terms.weights:
            raise InvalidInputError("ledger.quote_weight_missing", key=name)


def _load_of(organisation: str, placement: Placement) -> OrganisationLoad:
    return next(one for one in placement.joined.loads if one.organisation == organisation)


def _totals(needs: Needs, lines: tuple[QuoteLine, ...], pricing: Pricing) -> Totals:
    """Add lines up; where the buyer orders all on demand the price that is asked is foreseen."""
    foreseen = {
        Charged.MONTHLY: rounded_eur(pricing.asked_eur / MONTHS),
        Charged.ONCE: Decimal(0),
    }
    found = {}
    for charged in Charged:
        amounts = [
            line.amount_eur
            for line in lines
            if line.charged is charged and line.quantity is not None
        ]
        found[charged] = sum(amounts, Decimal(0)) if amounts else foreseen[charged]
    return _added_up(needs, found[Charged.MONTHLY], found[Charged.ONCE])


def _added_up(needs: Needs, monthly: Decimal, once: Decimal) -> Totals:
    percent = Fraction(needs.terms.vat_percent) / 100

    def taxed(net: Decimal) -> Total:
        return Total(net, rounded_eur(Fraction(net) * percent))

    return Totals(
        once=taxed(once),
        month=taxed(monthly),
        year=taxed(MONTHS * monthly),
        duration=taxed(needs.market.duration_months * monthly + once),
    )


def _change(needs: Needs, totals: Totals) -> PriceChange | None:
    if needs.present is None:
        return None
    present, months = needs.present.yearly_eur, needs.market.duration_months
    whole = Fraction(present) * months / MONTHS
    offered = totals.duration.net_eur
    percent = with_decimals(100 * (Fraction(offered) - whole) / whole, 2) if whole else None
    return PriceChange(
        present_eur=rounded_eur(present),
        offered_eur=rounded_eur(Fraction(offered) * MONTHS / months),
        present_duration_eur=rounded_eur(whole),
        offered_duration_eur=offered,
        percent=percent,
    )


def _relief(basis: Basis, without: Year, monthly: Decimal) -> Relief:
    """Have the ledger state the first year with the tenant paying, and compare."""
    starts = basis.needs.market.starts.replace(day=1)
    rate = Rate(name=_RATE, title=basis.needs.consultation.title, since=starts, eur=monthly)
    accounts = with_costs(_with_revenue_key(basis.with_booked()), _direct_centre(basis))
    paying = with_payer(accounts, basis.body, rate)
    after = forecast_year(paying, basis.placement.joined.loads, starts)
    before_eur, after_eur = without.borne(), after.borne()
    costs_before = without.cost_of(basis.accounts.costs.values())
    return Relief(
        bodies=tuple(
            BodyRelief(name, body.title, before_eur[name], after_eur[name])
            for name, body in basis.accounts.sharers.items()
        ),
        revenue_eur=MONTHS * monthly,
        added_eur=after.cost_of(accounts.costs.values()) - costs_before,
    )


def _with_revenue_key(accounts: Accounts) -> Accounts:
    """What is done for the tenant alone is borne as its revenue is shared."""
    equal = AllocationKey(name=REVENUE_KEY, title=REVENUE_KEY, basis=KeyBasis.EQUAL)
    return msgspec.structs.replace(accounts, keys={REVENUE_KEY: equal, **accounts.keys})


def _direct_centre(basis: Basis) -> Iterator[CostCentre]:
    if basis.direct_eur:
        yield CostCentre(
            name=DIRECT,
            title=basis.needs.consultation.title,
            nature=CostNature.YEARLY,
            key=REVENUE_KEY,
            since=basis.needs.market.starts.replace(day=1),
            amount_eur=basis.direct_eur,
        )
