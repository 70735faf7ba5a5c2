"""What a tenant costs: at the margin, and as one of those who share; pure.

Marginal: the hosts that are bought because of it (both plans leave room for the loss of a host),
their upkeep, the energy, and what is done for it alone. Full: what the keys of the accounts would
have it bear if it shared, and what is done for it alone.

A public body that answers a tender may not ask less than its full cost, direct and indirect.
Source: Conseil d'État, avis n° 222208, 8 November 2000; Assemblée, n° 355563, 30 December 2014.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from beffroi.ledger.cents import plain_eur, plain_number, rounded_eur, with_decimals
from beffroi.ledger.model import (
    Accounts,
    AllocationKey,
    Body,
    CostCentre,
    CostNature,
    Explanation,
    LineKind,
    StatementLine,
)
from beffroi.ledger.quotes.forecast import (
    MONTHS,
    Year,
    forecast_year,
    with_costs,
    with_sharer,
    without_body,
)
from beffroi.ledger.quotes.model import CostKind, CostPart, Costs
from beffroi.ledger.quotes.needs import DirectCost, HostsBought, Needs
from beffroi.ledger.quotes.ports import Placement

HOSTS: Final = "quote-hosts"
UPKEEP: Final = "quote-upkeep"
DIRECT: Final = "quote-direct"
_WHOLE: Final = Decimal(1)


class Basis(msgspec.Struct, frozen=True):
    """What a tenant's costs are reckoned from.

    Attributes:
        accounts: Without the tenant.
        body: The tenant.
    """

    needs: Needs
    accounts: Accounts
    body: Body
    placement: Placement

    @property
    def added_centres(self) -> tuple[CostCentre, ...]:
        """The hosts that the tenant needs and their upkeep, booked as the accounts book theirs."""
        terms, placement = self.needs.terms, self.placement
        hosts, upkeep = (
            self.accounts.costs[terms.hosts_cost],
            self.accounts.costs[terms.upkeep_cost],
        )
        centres = {
            HOSTS: (hosts, placement.joined.purchase_eur - placement.without.purchase_eur),
            UPKEEP: (upkeep, placement.joined.upkeep_eur - placement.without.upkeep_eur),
        }
        return tuple(
            msgspec.structs.replace(
                like,
                name=name,
                nature=CostNature.AMORTISATION if name == HOSTS else CostNature.YEARLY,
                amount_eur=rounded_eur(amount),
                life_years=hosts.life_years if name == HOSTS else 0,
                since=self.needs.market.starts.replace(day=1),
                until=None,
            )
            for name, (like, amount) in centres.items()
            if amount > 0
        )

    @property
    def booked_centres(self) -> tuple[CostCentre, ...]:
        """Those of the added ones that the accounts do not hold yet."""
        already = self.needs.terms.hosts_bought is HostsBought.ALREADY
        return () if already else self.added_centres

    @property
    def direct_eur(self) -> Decimal:
        """What is done for the tenant alone, in a year, the work to take it in left out."""
        return sum((part.yearly_eur for part in direct_parts(self.needs)), Decimal(0))

    def year_without(self) -> Year:
        """Foresee the first year without the tenant."""
        return forecast_year(self.accounts, self.placement.without.loads, self._starts)

    def year_sharing(self) -> Year:
        """Foresee it as one of those who share."""
        accounts = with_sharer(self.with_booked(), self.body, self.needs.terms.weights)
        return forecast_year(accounts, self.placement.joined.loads, self._starts)

    def with_booked(self) -> Accounts:
        """Return the accounts with the hosts that they do not hold yet."""
        return with_costs(self.accounts, self.booked_centres)

    @property
    def _starts(self) -> date:
        return self.needs.market.starts


def basis_of(needs: Needs, accounts: Accounts, body: Body, placement: Placement) -> Basis:
    """Put together what a tenant's costs are reckoned from."""
    return Basis(needs, without_body(accounts, body.name), body, placement)


def costs_of(basis: Basis, without: Year, sharing: Year) -> Costs:
    """Reckon what a tenant costs in its first year.

    Args:
        basis: What it is reckoned from.
        without: The year without it.
        sharing: The year with it as one of those who share.
    """
    direct = direct_parts(basis.needs)
    energy = tuple(_energy(basis, without, sharing))
    needs = basis.needs
    once = needs.asked(DirectCost.SETUP_HOUR) * needs.terms.direct_costs.get(
        DirectCost.SETUP_HOUR, Decimal(0)
    )
    return Costs(
        marginal=(*_added(basis, sharing), *energy, *direct),
        full=(*_shares(basis, sharing), *direct),
        once_eur=rounded_eur(once),
    )


def direct_parts(needs: Needs) -> tuple[CostPart, ...]:
    """Reckon what is done for the tenant alone in a year."""
    return tuple(
        _direct(cost, needs.asked(cost), needs.terms.direct_costs[cost])
        for cost in DirectCost
        if cost is not DirectCost.SETUP_HOUR and needs.asked(cost)
    )


def _direct(cost: DirectCost, quantity: Decimal, eur: Decimal) -> CostPart:
    yearly = rounded_eur(MONTHS * quantity * eur)
    values = {
        "quantity": plain_number(quantity),
        "price_eur": plain_eur(eur),
        "cost_eur": plain_eur(yearly),
    }
    return CostPart(
        kind=CostKind.DIRECT,
        subject=cost.value,
        title="",
        yearly_eur=yearly,
        explanation=Explanation(f"quote_{cost.value}", values),
    )


def _added(basis: Basis, year: Year) -> Iterator[CostPart]:
    placement = basis.placement
    added = {centre.name: centre for centre in basis.added_centres}
    for kind, name in ((CostKind.HOSTS, HOSTS), (CostKind.UPKEEP, UPKEEP)):
        centre = added.get(name)
        cost = Decimal(0) if centre is None else year.cost_of([centre])
        values = {
            "with_hosts": str(len(placement.joined.hosts)),
            "without_hosts": str(len(placement.without.hosts)),
            "cost_eur": plain_eur(cost),
        }
        code = f"quote_no_{kind.value}"
        if centre is not None:
            code = f"quote_{kind.value}"
            values["amount_eur"] = plain_eur(centre.amount_eur)
            values["life_years"] = str(centre.life_years)
        yield CostPart(
            kind=kind,
            subject=name,
            title="",
            yearly_eur=cost,
            explanation=Explanation(code, values),
        )


def _energy(basis: Basis, without: Year, sharing: Year) -> Iterator[CostPart]:
    """Take the energy of both years apart; the power curves of every model are needed."""
    plans = (basis.placement.without, basis.placement.joined)
    if not all(plan.kwh_known for plan in plans):
        return
    before, after = (
        sum((load.marginal_kwh + load.idle_kwh for load in plan.loads), Decimal(0))
        for plan in plans
    )
    for name, centre in sorted(basis.accounts.costs.items()):
        if centre.nature is not CostNature.ENERGY:
            continue
        cost = max(sharing.cost_of([centre]) - without.cost_of([centre]), Decimal(0))
        values = {
            "kwh": plain_number((after - before).quantize(_WHOLE)),
            "with_kwh": plain_number(after.quantize(_WHOLE)),
            "without_kwh": plain_number(before.quantize(_WHOLE)),
            "load_percent": plain_number(100 * basis.placement.joined.mean_load),
            "pue": plain_number(centre.pue),
            "price_eur": plain_eur(centre.eur_per_kwh),
            "cost_eur": plain_eur(cost),
        }
        yield CostPart(
            kind=CostKind.ENERGY,
            subject=name,
            title=centre.title,
            yearly_eur=cost,
            explanation=Explanation("quote_energy", values),
        )


def _shares(basis: Basis, sharing: Year) -> Iterator[CostPart]:
    by_subject: dict[str, list[StatementLine]] = {}
    for line in sharing.lines_of(basis.body.name):
        if line.kind is LineKind.COST_SHARE:
            by_subject.setdefault(line.subject, []).append(line)
    for subject, lines in by_subject.items():
        yield _share(subject, lines, basis.accounts.keys)


def _share(
    subject: str, lines: Sequence[StatementLine], keys: Mapping[str, AllocationKey]
) -> CostPart:
    cost = sum((line.cost_eur for line in lines), Decimal(0))
    amount = sum((line.amount_eur for line in lines), Decimal(0))
    percent = with_decimals(100 * Fraction(amount) / Fraction(cost), 2) if cost else Decimal(0)
    values = {
        "total_eur": plain_eur(cost),
        "key": keys[lines[0].key].title,
        "percent": plain_number(percent),
        "cost_eur": plain_eur(amount),
    }
    told = Explanation("quote_share", values, lines[0].explanation.parts)
    return CostPart(
        kind=CostKind.SHARE,
        subject=subject,
        title=lines[0].title,
        yearly_eur=amount,
        explanation=told,
    )
