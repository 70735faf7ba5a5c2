"""FOCUS 1.4 datasets as CSV and Parquet: the columns, their types and how each is written.

Decimals are exact in both: plain digits in CSV, ``decimal128`` in Parquet, with the scales that
focus-data-toolkit proposes for a model that states none. Times are UTC.
"""

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from io import BytesIO, StringIO
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from beffroi.ledger.documents.focus_rows import Row


class ColumnType(StrEnum):
    """How a column is written."""

    TEXT = "text"
    MOMENT = "moment"
    COST = "cost"
    PRICE = "price"
    NUMBER = "number"


_PRECISION: Final = 38
_SCALES: Final = {ColumnType.COST: 17, ColumnType.PRICE: 16, ColumnType.NUMBER: 14}


def _typed(kind: ColumnType, names: str) -> dict[str, ColumnType]:
    return dict.fromkeys(names.split(), kind)


COST_AND_USAGE: Final = {
    **_typed(ColumnType.COST, "BilledCost ContractedCost EffectiveCost ListCost"),
    **_typed(ColumnType.PRICE, "ContractedUnitPrice ListUnitPrice"),
    **_typed(ColumnType.NUMBER, "ConsumedQuantity PricingQuantity"),
    **_typed(
        ColumnType.MOMENT, "BillingPeriodStart BillingPeriodEnd ChargePeriodStart ChargePeriodEnd"
    ),
    **_typed(
        ColumnType.TEXT,
        "AllocatedMethodDetails AllocatedMethodId AllocatedResourceId AllocatedResourceName"
        " AllocatedTags BillingAccountId BillingAccountName BillingCurrency ChargeCategory"
        " ChargeClass ChargeDescription ChargeFrequency ConsumedUnit HostProviderName"
        " InvoiceDetailId InvoiceId InvoiceIssuerName PricingCategory PricingUnit ResourceId"
        " ResourceName ResourceType ServiceCategory ServiceName ServiceProviderName"
        " ServiceSubcategory SkuId SkuMeter SkuPriceDetails SkuPriceId SubAccountId"
        " SubAccountName x_Account x_Corrects x_EnergyMethod x_KeyName x_SplitOriginId",
    ),
    **_typed(ColumnType.NUMBER, "x_Co2eKg x_EnergyKwh x_SplitOriginCost"),
}
INVOICE_DETAIL: Final = {
    **_typed(ColumnType.COST, "BilledCost"),
    **_typed(
        ColumnType.MOMENT,
        "BillingPeriodStart BillingPeriodEnd InvoiceDetailCreated InvoiceDetailLastUpdated"
        " InvoiceIssueDate PaymentDueDate",
    ),
    **_typed(
        ColumnType.TEXT,
        "BillingAccountId BillingCurrency ChargeCategory InvoiceDetailDescription"
        " InvoiceDetailGrain InvoiceDetailId InvoiceId InvoiceIssueStatus InvoiceIssuerName"
        " PaymentTerms PurchaseOrderNumber ReferenceInvoiceId",
    ),
}
BILLING_PERIOD: Final = {
    **_typed(
        ColumnType.MOMENT,
        "BillingPeriodCreated BillingPeriodEnd BillingPeriodLastUpdated BillingPeriodStart",
    ),
    **_typed(ColumnType.TEXT, "BillingPeriodStatus InvoiceIssuerName"),
}


def as_csv(columns: Mapping[str, ColumnType], rows: Sequence[Row]) -> bytes:
    """Write a dataset as CSV in UTF-8; what is absent is empty."""
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    names = sorted(columns, key=_in_order)
    writer.writerow(names)
    writer.writerows([_plain(row.get(name)) for name in names] for row in rows)
    return text.getvalue().encode()


def as_parquet(columns: Mapping[str, ColumnType], rows: Sequence[Row]) -> bytes:
    """Write a dataset as Parquet; what is absent is null."""
    names = sorted(columns, key=_in_order)
    schema = pa.schema([(name, _arrow_type(columns[name])) for name in names])
    arrays = [
        pa.array([row.get(name) for row in rows], type=schema.field(name).type) for name in names
    ]
    written = BytesIO()
    table = pa.Table.from_arrays(arrays, schema=schema)
    parquet.write_table(table, written, compression="zstd")
    return written.getvalue()


def _in_order(name: str) -> tuple[bool, str]:
    """Sort by name, columns of our own after those of FOCUS."""
    return name.startswith("x_"), name


def _plain(value: Any) -> str:  # noqa: ANN401 - a cell holds whatever its column is of
    match value:
        case None:
            return ""
        case datetime():
            return f"{value:%Y-%m-%dT%H:%M:%SZ}"
        case Decimal():
            return f"{value:f}"
    return str(value)


def _arrow_type(kind: ColumnType) -> Any:  # noqa: ANN401 - pyarrow has no types
    if kind is ColumnType.TEXT:
        return pa.string()
    if kind is ColumnType.MOMENT:
        return pa.timestamp("ms", tz="UTC")
    return pa.decimal128(_PRECISION, _SCALES[kind])
