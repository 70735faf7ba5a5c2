"""What bodies, costs and rates must agree on; pure."""

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

from beffroi.ledger.identifiers import iban_is_valid, siret_is_valid, vat_number_is_valid
from beffroi.ledger.key_rules import key_mistakes
from beffroi.ledger.model import (
    Accounts,
    Body,
    Charging,
    CostCentre,
    CostNature,
    Rate,
)
from beffroi.ledger.months import YEARS_COUNTED, is_counted
from beffroi.ledger.references import unknown_reference
from beffroi.territory.findings import KeyPath, Mistake

_AMOUNT_NATURES = tuple(nature for nature in CostNature if nature is not CostNature.ENERGY)


def accounts_mistakes(accounts: Accounts) -> Iterator[Mistake]:
    """Say all that is wrong within the nouns and between them."""
    yield from _issuer_mistakes(accounts)
    if not accounts.bodies:
        yield Mistake("ledger.no_body", ("bodies",))
    if accounts.costs and accounts.bodies and not accounts.sharers:
        yield Mistake("ledger.nobody_shares", ("costs",), at_key=True)
    for body in accounts.bodies.values():
        yield from _body_mistakes(accounts, body)
    yield from _paid_twice(accounts)
    for cost in accounts.costs.values():
        path = ("costs", cost.name)
        yield from unknown_reference(cost.key, "keys", accounts.keys, (*path, "key"))
        yield from _cost_mistakes(cost, path)
        yield from _period_mistakes(cost.since, cost.until, path)
    for rate in accounts.rates.values():
        yield from _rate_mistakes(accounts, rate)
        yield from _period_mistakes(rate.since, rate.until, ("rates", rate.name))
    yield from _overlaps(accounts)
    yield from key_mistakes(accounts)


def without_account(accounts: Accounts) -> tuple[str, ...]:
    """Name the costs and rates whose revenue orders would tell no M57 account, in order.

    Those of bodies liable for VAT alone get invoices, which tell none.
    """
    costs = sorted(cost.name for cost in accounts.costs.values() if not cost.account)
    untaxed = {name for name, body in accounts.bodies.items() if not body.liable_for_vat}
    rates = sorted(
        rate.name
        for rate in accounts.rates.values()
        if not rate.account
        and _payers_of(rate, accounts.bodies.keys() - accounts.sharers) & untaxed
    )
    return (*(costs if accounts.sharers else ()), *rates)


def _issuer_mistakes(accounts: Accounts) -> Iterator[Mistake]:
    issuer = accounts.issuer
    yield from _number_mistakes(issuer.siret, issuer.vat_number, ("issuer",))
    if issuer.iban and not iban_is_valid(issuer.iban):
        yield Mistake("ledger.iban_wrong", ("issuer", "iban"), {"found": issuer.iban})
    taxed = [name for name, body in accounts.bodies.items() if body.liable_for_vat]
    if taxed and not issuer.vat_number:
        values = {"body": taxed[0]}
        yield Mistake("ledger.issuer_vat_number_missing", ("issuer",), values, at_key=True)


def _body_mistakes(accounts: Accounts, body: Body) -> Iterator[Mistake]:
    path = ("bodies", body.name)
    yield from _number_mistakes(body.siret, body.vat_number, path)
    if body.charging is Charging.SHARES_COSTS:
        if body.liable_for_vat:
            values = {"body": body.name}
            yield Mistake("ledger.shares_with_vat", (*path, "liable_for_vat"), values)
    elif not any(not rate.bodies or body.name in rate.bodies for rate in accounts.rates.values()):
        yield Mistake("ledger.body_without_rate", path, {"body": body.name}, at_key=True)


def _number_mistakes(siret: str, vat_number: str, path: KeyPath) -> Iterator[Mistake]:
    if not siret_is_valid(siret):
        yield Mistake("ledger.siret_wrong", (*path, "siret"), {"found": siret})
    elif vat_number and not vat_number_is_valid(vat_number, siret):
        values = {"found": vat_number, "siren": siret[:9]}
        yield Mistake("ledger.vat_number_wrong", (*path, "vat_number"), values)


def _paid_twice(accounts: Accounts) -> Iterator[Mistake]:
    payers: dict[str, str] = {}
    for name, body in accounts.bodies.items():
        for place, organisation in enumerate(body.organisations):
            if organisation in payers:
                path = ("bodies", name, "organisations", place)
                values = {"organisation": organisation, "other": payers[organisation]}
                yield Mistake("ledger.organisation_paid_twice", path, values)
            payers.setdefault(organisation, name)


def _cost_mistakes(cost: CostCentre, path: KeyPath) -> Iterator[Mistake]:
    of_nature = {
        "amount_eur": _AMOUNT_NATURES,
        "life_years": (CostNature.AMORTISATION,),
        "eur_per_kwh": (CostNature.ENERGY,),
    }
    for field, natures in of_nature.items():
        value = getattr(cost, field)
        if cost.nature in natures and not value:
            values = {"cost": cost.name, "key": field, "nature": cost.nature}
            yield Mistake("ledger.cost_needs", path, values, at_key=True)
        elif cost.nature not in natures and value:
            yield _not_for_nature(cost, field, natures)
    if cost.nature is not CostNature.ENERGY and cost.pue != 1:
        yield _not_for_nature(cost, "pue", (CostNature.ENERGY,))
    if cost.amount_eur != cost.amount_eur.quantize(Decimal("0.01")):
        values = {"found": str(cost.amount_eur)}
        yield Mistake("ledger.not_whole_cents", (*path, "amount_eur"), values)


def _not_for_nature(cost: CostCentre, field: str, natures: tuple[CostNature, ...]) -> Mistake:
    values = {"key": field, "kind": cost.nature, "kinds": ", ".join(natures)}
    return Mistake("territory.key_not_for_kind", ("costs", cost.name, field), values, at_key=True)


def _period_mistakes(since: date, until: date | None, path: KeyPath) -> Iterator[Mistake]:
    for field, day in (("since", since), ("until", until)):
        if day is not None and not is_counted(day):
            values = {"found": str(day), **YEARS_COUNTED}
            yield Mistake("ledger.year_not_counted", (*path, field), values)
    if until is not None and until <= since:
        values = {"since": str(since), "until": str(until)}
        yield Mistake("ledger.ends_before_start", (*path, "until"), values)


def _rate_mistakes(accounts: Accounts, rate: Rate) -> Iterator[Mistake]:
    for place, name in enumerate(rate.bodies):
        path = ("rates", rate.name, "bodies", place)
        yield from unknown_reference(name, "bodies", accounts.bodies, path)
        body = accounts.bodies.get(name)
        if body is not None and body.charging is Charging.SHARES_COSTS:
            yield Mistake("ledger.rate_for_sharer", path, {"rate": rate.name, "body": name})
    if rate.included and rate.unit is None:
        values = {"key": "included", "needed": "unit"}
        included = ("rates", rate.name, "included")
        yield Mistake("territory.key_needs", included, values, at_key=True)


def _overlaps(accounts: Accounts) -> Iterator[Mistake]:
    """Find what would charge one use, or one flat price of the same title, twice."""
    rates = sorted(accounts.rates.values(), key=lambda one: (one.since, one.name))
    payers = accounts.bodies.keys() - accounts.sharers.keys()
    for place, later in enumerate(rates):
        for earlier in rates[:place]:
            common = sorted(_payers_of(earlier, payers) & _payers_of(later, payers))
            ends = earlier.until is not None and earlier.until <= later.since
            if common and not ends and _charged_for(earlier) == _charged_for(later):
                values = {
                    "rate": later.name,
                    "other": earlier.name,
                    "body": common[0],
                    "since": str(later.since),
                }
                yield Mistake("ledger.rates_overlap", ("rates", later.name), values, at_key=True)


def _payers_of(rate: Rate, payers: Collection[str]) -> set[str]:
    return set(payers) & set(rate.bodies) if rate.bodies else set(payers)


def _charged_for(rate: Rate) -> str:
    return rate.title if rate.unit is None else rate.unit
