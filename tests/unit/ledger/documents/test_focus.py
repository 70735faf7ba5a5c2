"""FOCUS files hold every cent once, whatever the ledger, and an independent linter accepts them."""

import csv
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from focus_data_toolkit.model.validator import lint_focus_1_4_structure
from focus_data_toolkit.validate.bundle import validate_dataset_bundle
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from beffroi.ledger.documents.focus_files import (
    BILLING_PERIOD,
    COST_AND_USAGE,
    INVOICE_DETAIL,
    as_csv,
    as_parquet,
)
from beffroi.ledger.documents.focus_invoices import billing_period, invoice_detail
from beffroi.ledger.documents.focus_rows import Row, cost_and_usage
from beffroi.ledger.documents.vat import due_eur
from beffroi.ledger.model import LineKind, LineRef, Statement, StatementState
from tests.support.document_requests import request_of
from tests.support.drancy_statements import drancy_statements

SUPPORTED = ("SupportsUnitPricing", "SupportsMultiplePricingCategories")


def _read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(content.decode())))


def _bundle(statements: Sequence[Statement]) -> dict[str, list[dict[str, str]]]:
    request = request_of(statements)
    return {
        "Cost and Usage": _read(as_csv(COST_AND_USAGE, cost_and_usage(request))),
        "Invoice Detail": _read(as_csv(INVOICE_DETAIL, invoice_detail(request))),
        "Billing Period": _read(as_csv(BILLING_PERIOD, billing_period(request))),
    }


def _billed(rows: Sequence[Row], *, tax: bool) -> Decimal:
    chosen = [one for one in rows if tax or one["ChargeCategory"] != "Tax"]
    return sum((Decimal(one["BilledCost"]) for one in chosen), Decimal(0))


def _changed(statement: Statement, **fields: Any) -> Statement:
    return msgspec.structs.replace(statement, **fields)


amounts = st.decimals(min_value=-(10**6), max_value=10**6, places=2)


@st.composite
def ledgers(draw: st.DrawFn) -> tuple[Statement, ...]:
    """Change amounts, prices, quantities and kinds of the sample's lines."""
    found = []
    for statement in drancy_statements():
        lines = [
            msgspec.structs.replace(
                line,
                amount_eur=draw(amounts),
                quantity=draw(st.decimals(min_value=0, max_value=10**7, places=6)),
                unit_price_eur=draw(st.decimals(min_value=0, max_value=10**3, places=6)),
                cost_eur=Decimal(0),
                kind=draw(st.sampled_from([line.kind, LineKind.CORRECTION])),
            )
            for line in statement.lines
        ]
        found.append(_changed(statement, lines=tuple(lines)))
    return tuple(found)


def test_the_linter_accepts_each_dataset_of_the_month() -> None:
    for name, rows in _bundle(drancy_statements()).items():
        report = lint_focus_1_4_structure(name, rows, supported_conditions=SUPPORTED)
        assert report.messages() == []
        assert report.row_count == len(rows) > 0


def test_the_datasets_agree_with_each_other_and_shares_with_their_costs() -> None:
    bundle = _bundle(drancy_statements())
    report = validate_dataset_bundle(bundle, invoice_detail_authoritative=True)
    assert [asdict(one) for one in report.errors + report.warnings] == []


def test_a_split_that_loses_a_cent_is_seen_by_the_bundle_check() -> None:
    bundle = _bundle(drancy_statements())
    first = next(one for one in bundle["Cost and Usage"] if one["x_SplitOriginId"])
    first["BilledCost"] = str(Decimal(first["BilledCost"]) + 1)
    assert not validate_dataset_bundle(bundle).ok


def test_rows_without_tax_add_up_to_the_statements_and_all_rows_to_what_is_due() -> None:
    statements = drancy_statements()
    rows = cost_and_usage(request_of(statements))
    assert _billed(rows, tax=False) == sum(one.net_eur for one in statements)
    assert _billed(rows, tax=True) == sum(due_eur(one) for one in statements)


@settings(max_examples=40, deadline=None)
@given(ledgers())
def test_no_cent_is_lost_whatever_the_ledger(statements: tuple[Statement, ...]) -> None:
    rows = cost_and_usage(request_of(statements))
    assert _billed(rows, tax=False) == sum(one.net_eur for one in statements)
    assert _billed(rows, tax=True) == sum(due_eur(one) for one in statements)
    read = _read(as_csv(COST_AND_USAGE, rows))
    report = lint_focus_1_4_structure("Cost and Usage", read, supported_conditions=SUPPORTED)
    assert report.messages() == []


def test_each_line_by_use_has_a_row_for_each_application_and_others_have_one() -> None:
    rows = cost_and_usage(request_of())
    blades = [
        one for one in rows if one.get("SkuId") == "blades" and one["SubAccountId"] == "drancy"
    ]
    licences = [
        one for one in rows if one.get("SkuId") == "licences" and one["SubAccountId"] == "drancy"
    ]
    assert [one["ResourceName"] for one in blades] == [
        "citoyens",
        "familles",
        "site-ville",
        "urbanisme",
    ]
    assert [one.get("ResourceId") for one in licences] == [None]
    assert sum(one["PricingQuantity"] for one in blades) == Decimal(58)


def test_energy_and_carbon_are_told_once_for_each_application() -> None:
    rows = [one for one in cost_and_usage(request_of()) if one.get("x_EnergyKwh") is not None]
    assert len(rows) == sum(len(one.usage) for one in drancy_statements())
    assert {one["BilledCost"] for one in rows} == {Decimal(0)}
    citoyens = next(one for one in rows if one["ResourceId"] == "drancy/citoyens")
    assert citoyens["x_EnergyKwh"] == Decimal("99.497507")
    assert citoyens["x_Co2eKg"] == Decimal("5.173870")


def test_use_in_several_parts_of_the_month_is_added_up_by_application() -> None:
    office = drancy_statements()[3]
    middle = datetime(2026, 10, 15, 22, tzinfo=UTC)
    halves = [
        msgspec.structs.replace(
            one,
            since=since,
            until=until,
            quantities={unit: one.quantities[unit] / 2 for unit in one.quantities},
        )
        for one in office.usage
        for since, until in ((one.since, middle), (middle, one.until))
    ]
    whole = cost_and_usage(request_of([office]))
    parted = cost_and_usage(request_of([_changed(office, usage=tuple(halves))]))
    assert [one for one in parted if "x_EnergyKwh" not in one] == [
        one for one in whole if "x_EnergyKwh" not in one
    ]
    energies = [sum(one.get("x_EnergyKwh", 0) for one in rows) for rows in (whole, parted)]
    assert energies[0] == energies[1]


def test_a_rate_of_half_a_month_goes_by_the_use_of_that_half() -> None:
    office = drancy_statements()[3]
    middle = datetime(2026, 10, 15, 22, tzinfo=UTC)
    early = msgspec.structs.replace(office.usage[0], until=middle)
    late = msgspec.structs.replace(office.usage[1], since=middle)
    line = msgspec.structs.replace(office.lines[0], until=date(2026, 10, 16))
    rows = cost_and_usage(request_of([_changed(office, usage=(early, late), lines=(line,))]))
    assert [one["ResourceName"] for one in rows if one.get("SkuId") == "core"] == ["astreinte"]


def test_a_grant_is_a_credit_since_no_price_is_below_zero() -> None:
    first = drancy_statements()[0]
    line = msgspec.structs.replace(
        first.lines[0],
        amount_eur=Decimal("-100.00"),
        unit_price_eur=Decimal(-1),
        cost_eur=Decimal(0),
    )
    bundle = _bundle([_changed(first, lines=(line,))])
    assert {one["ChargeCategory"] for one in bundle["Invoice Detail"]} == {"Credit"}
    report = lint_focus_1_4_structure(
        "Cost and Usage", bundle["Cost and Usage"], supported_conditions=SUPPORTED
    )
    assert report.messages() == []


def test_the_billing_period_is_the_month_of_paris_in_utc() -> None:
    (row,) = billing_period(request_of())
    assert row["BillingPeriodStart"] == datetime(2026, 9, 30, 22, tzinfo=UTC)
    assert row["BillingPeriodEnd"] == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert row["BillingPeriodStatus"] == "Closed"


def test_a_draft_has_no_invoice_and_leaves_the_period_open() -> None:
    draft = _changed(drancy_statements()[0], number="", state=StatementState.DRAFT, issued_at=None)
    bundle = _bundle([draft])
    assert bundle["Invoice Detail"] == []
    assert bundle["Billing Period"][0]["BillingPeriodStatus"] == "Open"
    assert {one["InvoiceDetailId"] for one in bundle["Cost and Usage"]} == {""}


def test_a_correction_names_the_line_that_it_puts_right() -> None:
    first = drancy_statements()[0]
    line = msgspec.structs.replace(
        first.lines[0], kind=LineKind.CORRECTION, corrects=LineRef("NUM-2026-000009", 3)
    )
    request = request_of([_changed(first, lines=(line,))])
    row = cost_and_usage(request)[0]
    assert (row["ChargeClass"], row["x_Corrects"]) == ("Correction", "NUM-2026-000009/3")
    assert invoice_detail(request)[0]["ReferenceInvoiceId"] == "NUM-2026-000009"


def test_parquet_holds_the_same_exact_figures_as_csv() -> None:
    rows = cost_and_usage(request_of())
    table = parquet.read_table(BytesIO(as_parquet(COST_AND_USAGE, rows)))
    assert table.schema.field("BilledCost").type == pa.decimal128(38, 17)
    assert table.schema.field("ChargePeriodStart").type == pa.timestamp("ms", tz="UTC")
    read = _read(as_csv(COST_AND_USAGE, rows))
    assert list(read[0]) == table.schema.names
    for column in ("BilledCost", "ListCost", "PricingQuantity", "x_EnergyKwh"):
        values = table.column(column).to_pylist()
        assert values == [Decimal(one[column]) if one[column] else None for one in read]


@pytest.mark.parametrize("dataset", [COST_AND_USAGE, INVOICE_DETAIL, BILLING_PERIOD])
def test_columns_of_our_own_come_last_and_begin_with_x(dataset: dict[str, Any]) -> None:
    header = as_csv(dataset, []).decode().strip().split(",")
    own = [name for name in header if name.startswith("x_")]
    assert header == [*sorted(set(header) - set(own)), *own]
