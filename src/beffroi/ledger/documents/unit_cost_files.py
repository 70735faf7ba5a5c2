"""The yearly table of unit costs: the page for councils and accountants, the rows for spreadsheets.

Source: CGCT D5211-16: the unit cost is told to the bodies every year before they vote their
budgets, with what is foreseen of use in units of operation.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.explaining import reasons_of, use_note
from beffroi.ledger.documents.figures import day_in_words, told_price, told_unit, told_units
from beffroi.ledger.documents.french_csv import eur_with_comma, french_csv, number_with_comma
from beffroi.ledger.documents.key_wording import key_rows
from beffroi.ledger.documents.plots import BarPlot, refund_plots
from beffroi.ledger.documents.sheet import Head, footer_of, heads_of, party_of, word, words_of
from beffroi.ledger.model import Accounts
from beffroi.ledger.months import instant_of
from beffroi.ledger.unit_costs import UnitCost, UnitCostTable

_COLUMNS: Final = (
    *("exercice", "service", "compte", "cle", "unite", "derniers_comptes", "budget"),
    *("unites_prevues", "cout_unitaire", "organisme", "unites", "remboursement"),
)


class ToldRow(msgspec.Struct, frozen=True):
    """A row whose first cell says more below its title."""

    title: str
    told: str
    figures: tuple[str, ...]


class ServiceRefunds(msgspec.Struct, frozen=True):
    """A service, and what each body is expected to pay back of it."""

    title: str
    rows: tuple[ToldRow, ...]


class UnitCostSheet(msgspec.Struct, frozen=True, kw_only=True):
    """What the template is given: texts, written in one language."""

    head: Head
    facts: tuple[tuple[str, str], ...]
    words: dict[str, str]
    headers: dict[str, tuple[str, ...]]
    summary: str
    services: tuple[ToldRow, ...]
    total: ToldRow
    refunds: tuple[ServiceRefunds, ...]
    bodies: tuple[tuple[str, str], ...]
    rows: tuple[BarPlot, ...]
    keys: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def unit_costs_pdf(
    typesetter: Typesetter, table: UnitCostTable, accounts: Accounts, language: Language
) -> bytes:
    """Make the PDF of a table: PDF/A-3a and PDF/UA-1.

    Args:
        typesetter: Of the template ``unit_costs.typ``.
        table: Of a year.
        accounts: That it was made with.
        language: Of its texts.
    """
    sheet = _sheet(table, accounts, language)
    return typesetter.typeset(sheet, made_at=instant_of(table.made_on))


def unit_costs_csv(table: UnitCostTable, language: Language) -> bytes:
    """Write a row for each service and body."""
    rows = (
        (
            str(table.year),
            service.title,
            service.account,
            service.key_title,
            told_unit(service.unit, language),
            eur_with_comma(service.last_accounts_eur),
            eur_with_comma(service.budget_eur),
            number_with_comma(service.forecast_units),
            number_with_comma(service.unit_cost_eur),
            refund.title,
            number_with_comma(refund.units),
            eur_with_comma(refund.refund_eur),
        )
        for service in table.services
        for refund in service.refunds
    )
    return french_csv(_COLUMNS, rows)


def _sheet(table: UnitCostTable, accounts: Accounts, language: Language) -> UnitCostSheet:
    years = {"year": table.year, "before": table.year - 1}
    title = word(language, "unit_costs.title", **years)
    return UnitCostSheet(
        head=Head(
            language=language,
            title=title,
            issuer=party_of(accounts.issuer, language),
            footer=footer_of(accounts.issuer, title, language),
        ),
        facts=_facts(table, language),
        words={
            **words_of(language, ("page", "keys")),
            **{
                key: word(language, f"unit_costs.{key}", **years)
                for key in ("costs", "refunds", "refunds_told", "bodies", "method")
            },
        },
        headers=_headers(table, language),
        summary=word(
            language,
            "unit_costs.summary",
            **years,
            services=len(table.services),
            bodies=len(table.bodies),
            budget=told_euros(table.budget_eur, language),
            last=told_euros(table.last_accounts_eur, language),
        ),
        services=tuple(_service_row(one, language) for one in table.services),
        total=ToldRow(
            word(language, "together"),
            "",
            ("", *_two(table.last_accounts_eur, table.budget_eur, language), "", ""),
        ),
        refunds=tuple(_refund_rows(one, language) for one in table.services),
        bodies=(
            *((one.title, told_euros(one.refund_eur, language)) for one in table.bodies),
            (word(language, "together"), told_euros(table.budget_eur, language)),
        ),
        rows=refund_plots(table.bodies, language),
        keys=key_rows((one.key for one in table.services), accounts.keys, language),
        notes=tuple(_notes(table, language)),
    )


def _facts(table: UnitCostTable, language: Language) -> tuple[tuple[str, str], ...]:
    facts = {"unit_costs.made_on": day_in_words(table.made_on, language)}
    if table.accounts_version:
        facts["accounts"] = str(table.accounts_version)
    return tuple((word(language, key), value) for key, value in facts.items())


def _headers(table: UnitCostTable, language: Language) -> dict[str, tuple[str, ...]]:
    years = {"year": table.year, "before": table.year - 1}
    keys = ("service", "unit", "last_accounts", "budget", "forecast", "unit_cost")
    return {
        "services": tuple(word(language, f"unit_costs.heads.{key}", **years) for key in keys),
        "refunds": tuple(
            word(language, f"unit_costs.heads.{key}", **years)
            for key in ("body", "forecast", "unit_cost", "refund")
        ),
        "keys": heads_of(language, ("key", "basis")),
    }


def _service_row(service: UnitCost, language: Language) -> ToldRow:
    key = word(language, "unit_costs.by_key", title=service.key_title)
    account = word(language, "account_code", account=service.account) if service.account else ""
    unused = word(language, "unit_costs.unused") if service.unused else ""
    return ToldRow(
        service.title,
        " ".join(filter(None, (key, account, unused))),
        (
            told_unit(service.unit, language),
            *_two(service.last_accounts_eur, service.budget_eur, language),
            told_units(service.forecast_units, service.unit, language),
            told_price(service.unit_cost_eur, language),
        ),
    )


def _refund_rows(service: UnitCost, language: Language) -> ServiceRefunds:
    unit_cost = told_price(service.unit_cost_eur, language)
    return ServiceRefunds(
        f"{service.title} ({told_unit(service.unit, language)})",
        tuple(
            ToldRow(
                one.title,
                reasons_of(one, language),
                (
                    told_units(one.units, service.unit, language),
                    unit_cost,
                    told_euros(one.refund_eur, language),
                ),
            )
            for one in service.refunds
        ),
    )


def _two(one: Decimal, other: Decimal, language: Language) -> tuple[str, str]:
    return told_euros(one, language), told_euros(other, language)


def _notes(table: UnitCostTable, language: Language) -> Iterator[str]:
    years = {"year": table.year, "before": table.year - 1}
    yield word(language, "unit_costs.law")
    yield word(language, "unit_costs.declared", **years)
    yield use_note(table, language)
    yield word(language, "unit_costs.cents")
    if table.payers_by_rates:
        yield word(language, "unit_costs.by_rates", bodies=", ".join(table.payers_by_rates))
    yield word(language, "unit_costs.settled", **years)
