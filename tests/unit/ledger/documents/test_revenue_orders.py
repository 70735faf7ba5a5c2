"""Data of revenue orders: whole, exact, and read by a French spreadsheet."""

import csv
from datetime import date
from decimal import Decimal
from io import StringIO

import msgspec
import pytest

from beffroi.kernel.catalogue import Language
from beffroi.ledger.documents.french_csv import MARK
from beffroi.ledger.documents.revenue_orders import (
    OrderKind,
    RevenueOrder,
    budget_year,
    orders_csv,
    orders_json,
    revenue_orders,
)
from beffroi.ledger.model import LineKind, LineRef, StatementState
from tests.support.drancy_statements import ISSUER, drancy_statements


def _orders() -> tuple[RevenueOrder, ...]:
    return revenue_orders(drancy_statements(), ISSUER, {}, Language.FR)


def test_only_bodies_outside_vat_get_an_order() -> None:
    assert [one.reference for one in _orders()] == [f"NUM-2026-00000{n}" for n in (1, 2, 3)]


def test_accounts_add_up_to_the_piece_and_pieces_to_the_statements() -> None:
    for order, statement in zip(_orders(), drancy_statements(), strict=False):
        assert sum(one.amount_eur for one in order.amounts) == order.amount_eur
        assert order.amount_eur == statement.net_eur
        assert {one.account for one in order.amounts} == {"70688", "70848", "70878"}


def test_a_draft_gets_no_order() -> None:
    drafts = [
        msgspec.structs.replace(one, state=StatementState.DRAFT) for one in drancy_statements()
    ]
    assert revenue_orders(drafts, ISSUER, {}, Language.FR) == ()


def test_a_negative_statement_is_a_reduction_with_an_amount_above_zero() -> None:
    first = drancy_statements()[0]
    turned = [msgspec.structs.replace(line, amount_eur=-line.amount_eur) for line in first.lines]
    (order,) = revenue_orders(
        [msgspec.structs.replace(first, lines=tuple(turned))], ISSUER, {}, Language.FR
    )
    assert order.kind is OrderKind.REDUCTION
    assert order.amount_eur == first.net_eur


def test_the_csv_has_a_decimal_comma_and_the_names_that_it_was_given() -> None:
    first = drancy_statements()[0]
    body = msgspec.structs.replace(first.body, title='Ville « d’Ô; "Rey" » & fils')  # noqa: RUF001
    text = orders_csv(
        revenue_orders([msgspec.structs.replace(first, body=body)], ISSUER, {}, Language.FR)
    ).decode()
    assert text.startswith(MARK)
    rows = list(csv.DictReader(StringIO(text.removeprefix(MARK)), delimiter=";"))
    assert {one["debiteur"] for one in rows} == {body.title}
    assert {one["montant_piece"] for one in rows} == {"16422,94"}
    cents = sum(Decimal(one["montant"].replace(",", ".")) for one in rows)
    assert cents == Decimal("16422.94")
    assert {one["date_emission"] for one in rows} == {"2026-11-04"}


def test_the_json_reads_back_to_the_same_orders() -> None:
    read = msgspec.json.decode(orders_json(_orders()), type=tuple[RevenueOrder, ...])
    assert read == _orders()


def test_a_reduction_names_the_orders_that_it_lowers_and_their_budgets() -> None:
    first = drancy_statements()[0]
    reduced = {"NUM-2025-000041": date(2026, 1, 31), "NUM-2025-000007": date(2025, 9, 3)}
    lines = tuple(
        msgspec.structs.replace(
            line, kind=LineKind.CORRECTION, amount_eur=Decimal(-10), corrects=LineRef(number, 1)
        )
        for line, number in zip(first.lines, [*reduced, "NUM-2025-000007"], strict=False)
    )
    turned = msgspec.structs.replace(first, lines=lines)
    orders = revenue_orders([turned], ISSUER, reduced, Language.FR)
    assert [(one.reference, one.year) for one in orders[0].reduces] == [
        ("NUM-2025-000007", 2025),
        ("NUM-2025-000041", 2025),
    ]
    text = orders_csv(orders).decode().removeprefix(MARK)
    row = next(csv.DictReader(StringIO(text), delimiter=";"))
    assert row["reference_titre_reduit"] == "NUM-2025-000007, NUM-2025-000041"
    assert row["exercice_titre_reduit"] == "2025, 2025"
    assert row["mois_service"] == "2026-10"


@pytest.mark.parametrize(
    ("service_year", "issued", "year"),
    [
        (2026, date(2026, 11, 4), 2026),
        (2026, date(2027, 1, 31), 2026),
        (2026, date(2027, 2, 1), 2027),
    ],
)
def test_december_issued_in_january_goes_to_the_budget_of_its_service(
    service_year: int, issued: date, year: int
) -> None:
    assert budget_year(service_year, issued) == year
