"""Rows of FOCUS 1.4 from a month's statements; pure.

What was decided:

- The billing account is the issuer's platform; each body is a sub account.
- A line becomes one row for each application of the body, if it goes by use: its whole cents are
  shared by the use of the units that its key or rate counts, by largest remainder. A line that
  goes by something else (inhabitants, equal shares, a flat price) stays one row of the body, with
  no resource: no application made it cost more.
- A share of a cost is a split of that cost over all bodies: ``AllocatedMethodId`` is the key,
  ``AllocatedRatio`` its part of the cost, ``x_SplitOriginId`` and ``x_SplitOriginCost`` the cost.
- What lowers the month (a share of revenue or of a grant) is a ``Credit``; what puts right
  another month is an ``Adjustment`` of the class ``Correction``, its line in ``x_Corrects``.
- VAT is a row of the category ``Tax`` for each rate. So the rows that are not ``Tax`` add up to
  the statements' sum without VAT, and all rows to what is due.
- Energy is told once for each application and part of the month, in rows that cost nothing.

Source: FOCUS 1.4 (FinOps Foundation, CC-BY-4.0), Data Generator-Calculated Split Cost Allocation.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from beffroi.kernel.catalogue import Language, sentence
from beffroi.ledger.cents import settled, shared_out
from beffroi.ledger.costs import within
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.model import DocumentsRequest
from beffroi.ledger.documents.usage_totals import application_id, by_application, energy_kwh
from beffroi.ledger.documents.vat import VatRate, vat_of
from beffroi.ledger.model import (
    AllocationKey,
    KeyBasis,
    LineKind,
    Statement,
    StatementLine,
    Usage,
    UsageUnit,
)
from beffroi.ledger.months import Span, instant_of, month_of

Row = Mapping[str, Any]
CURRENCY: Final = "EUR"
_MICRO: Final = Decimal("0.000001")
_RATIO: Final = Decimal("0.000000000001")
_COST: Final = Decimal("0.000000000001")
_GRAMS_PER_KG: Final = 1000
_JSON: Final = msgspec.json.Encoder(decimal_format="number")
_CATEGORIES: Final = {
    UsageUnit.CPU_CORE_H: ("Compute", "Containers"),
    UsageUnit.MEMORY_GIB_H: ("Compute", "Containers"),
    UsageUnit.STORAGE_GIB_H: ("Storage", "Block Storage"),
    UsageUnit.DATABASE_GIB_H: ("Databases", "Relational Databases"),
    UsageUnit.BACKUP_GIB_H: ("Storage", "Backup Storage"),
    UsageUnit.TRAFFIC_GIB: ("Networking", "Network Connectivity"),
}
_PLATFORM: Final = ("Web", "Application Platforms")
_FINANCE: Final = ("Other", "Other (Other)")
_UNITS: Final = {
    UsageUnit.CPU_CORE_H: "Core-Hours",
    UsageUnit.MEMORY_GIB_H: "GiB-Hours",
    UsageUnit.STORAGE_GIB_H: "GiB-Hours",
    UsageUnit.DATABASE_GIB_H: "GiB-Hours",
    UsageUnit.BACKUP_GIB_H: "GiB-Hours",
    UsageUnit.TRAFFIC_GIB: "GiB",
    UsageUnit.REQUESTS_1000: "1000 Requests",
    UsageUnit.RUNNING_H: "Hours",
    UsageUnit.ENERGY_MARGINAL_KWH: "kWh",
    UsageUnit.ENERGY_IDLE_KWH: "kWh",
}


class _Part(msgspec.Struct, frozen=True):
    """A part of a line: all of it, or what one application makes of it."""

    usage: Usage | None
    amount_eur: Decimal
    quantity: Decimal


def cost_and_usage(request: DocumentsRequest) -> tuple[Row, ...]:
    """Make the rows of Cost and Usage, statement by statement and line by line."""
    rows: list[Row] = []
    for statement in request.statements:
        shared = _shared_columns(statement, request)
        for line in statement.lines:
            parts = _parts(line, statement.usage, request.accounts.keys)
            rows.extend(shared | _line_columns(line, part, statement, request) for part in parts)
        rows.extend(
            shared | _tax_columns(one, statement, request.language) for one in vat_of(statement)
        )
        rows.extend(shared | _energy_columns(one, request) for one in statement.usage)
    return tuple(rows)


def invoice_line_id(statement: Statement, line: str) -> str | None:
    """Name a line of an issued statement; a draft has no such lines."""
    return f"{statement.number}/{line}" if statement.number else None


def charge_of(line: StatementLine) -> str:
    """Tell the category of a line's charge; no price of FOCUS is below 0."""
    if line.kind is LineKind.CORRECTION:
        return "Adjustment"
    if line.kind is LineKind.REVENUE_SHARE or line.unit_price_eur < 0:
        return "Credit"
    return "Usage"


def tax_line_name(rate: VatRate) -> str:
    """Name the line of one rate of VAT."""
    return f"VAT-{rate.percent:f}"


def _shared_columns(statement: Statement, request: DocumentsRequest) -> dict[str, Any]:
    issuer, month = request.accounts.issuer, month_of(statement.month)
    return {
        "BillingAccountId": issuer.siret,
        "BillingAccountName": issuer.title,
        "BillingCurrency": CURRENCY,
        "BillingPeriodStart": month.begins_at,
        "BillingPeriodEnd": month.ends_at,
        "HostProviderName": issuer.title,
        "InvoiceId": statement.number or None,
        "InvoiceIssuerName": issuer.title,
        "ServiceProviderName": issuer.title,
        "SubAccountId": statement.body.name,
        "SubAccountName": statement.body.title,
    }


def _line_columns(
    line: StatementLine, part: _Part, statement: Statement, request: DocumentsRequest
) -> dict[str, Any]:
    charge = charge_of(line)
    category, subcategory = _category(line)
    return {
        **_period(line.since, line.until),
        **_costs(line, part),
        **(_measures(line, part) if charge == "Usage" else {}),
        **(_allocation(line, part, statement.body.name) if line.cost_eur else {}),
        **_resource(part.usage),
        "ChargeCategory": charge,
        "ChargeClass": "Correction" if line.kind is LineKind.CORRECTION else None,
        "ChargeDescription": explained(line.explanation, request.language),
        "ChargeFrequency": "Usage-Based" if part.usage else "Recurring",
        "InvoiceDetailId": invoice_line_id(statement, str(line.number)),
        "ServiceCategory": category,
        "ServiceName": line.title,
        "ServiceSubcategory": subcategory,
        "x_Account": line.account or None,
        "x_Corrects": f"{line.corrects.statement}/{line.corrects.line}" if line.corrects else None,
        "x_KeyName": line.key or None,
    }


def _costs(line: StatementLine, part: _Part) -> dict[str, Any]:
    """Tell what is billed, and price times quantity for what is priced by unit."""
    if charge_of(line) != "Usage":
        return dict.fromkeys(
            ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), part.amount_eur
        )
    listed = (line.unit_price_eur * part.quantity).quantize(_COST)
    return {
        "BilledCost": part.amount_eur,
        "EffectiveCost": part.amount_eur,
        "ListCost": listed,
        "ContractedCost": listed,
        "ListUnitPrice": line.unit_price_eur,
        "ContractedUnitPrice": line.unit_price_eur,
    }


def _measures(line: StatementLine, part: _Part) -> dict[str, Any]:
    unit = _UNITS[UsageUnit(line.unit)] if line.unit in set(UsageUnit) else line.unit
    return {
        "ConsumedQuantity": part.quantity,
        "ConsumedUnit": unit,
        "PricingCategory": "Standard",
        "PricingQuantity": part.quantity,
        "PricingUnit": unit,
        "SkuId": line.subject,
        "SkuMeter": line.title,
        "SkuPriceId": f"{line.subject}/{line.since.isoformat()}",
    }


def _allocation(line: StatementLine, part: _Part, body: str) -> dict[str, Any]:
    """Tell which part of which cost this is; its share is of the cost of all bodies."""
    ratio = (part.amount_eur / line.cost_eur).quantize(_RATIO)
    origin = f"{line.subject}/{line.since.isoformat()}/{line.until.isoformat()}"
    return {
        "AllocatedMethodId": line.key,
        "AllocatedMethodDetails": _JSON.encode({"Elements": [{"AllocatedRatio": ratio}]}).decode(),
        "AllocatedResourceId": f"{body}/{application_id(part.usage)}" if part.usage else body,
        "AllocatedResourceName": part.usage.application if part.usage else body,
        "x_SplitOriginId": origin,
        "x_SplitOriginCost": line.cost_eur,
    }


def _tax_columns(rate: VatRate, statement: Statement, language: Language) -> dict[str, Any]:
    month = month_of(statement.month)
    told = sentence(language, "ledger.documents.vat")
    return {
        **_period(month.since, month.until),
        **dict.fromkeys(
            ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), rate.tax_eur
        ),
        "ChargeCategory": "Tax",
        "ChargeDescription": f"{told} {rate.percent:f} %",
        "ChargeFrequency": "Recurring",
        "InvoiceDetailId": invoice_line_id(statement, tax_line_name(rate)),
        "ServiceCategory": _FINANCE[0],
        "ServiceName": told,
        "ServiceSubcategory": _FINANCE[1],
    }


def _energy_columns(usage: Usage, request: DocumentsRequest) -> dict[str, Any]:
    """Tell the energy of an application, which costs nothing here: other rows bear its cost."""
    kwh = energy_kwh(usage)
    grams = request.grid_g_per_kwh
    told = sentence(request.language, "ledger.documents.plots.energy")
    nothing = dict.fromkeys(
        ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), Decimal(0)
    )
    return {
        **nothing,
        **_resource(usage),
        "ChargePeriodStart": usage.since.astimezone(UTC),
        "ChargePeriodEnd": usage.until.astimezone(UTC),
        "ChargeCategory": "Usage",
        "ChargeDescription": told,
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": kwh,
        "ConsumedUnit": "kWh",
        "ContractedUnitPrice": Decimal(0),
        "ListUnitPrice": Decimal(0),
        "PricingCategory": "Standard",
        "PricingQuantity": kwh,
        "PricingUnit": "kWh",
        "ServiceCategory": _PLATFORM[0],
        "ServiceName": told,
        "ServiceSubcategory": _PLATFORM[1],
        "SkuId": "energy",
        "SkuMeter": told,
        "SkuPriceId": "energy",
        "x_Co2eKg": None if grams is None else (kwh * grams / _GRAMS_PER_KG).quantize(_MICRO),
        "x_EnergyKwh": kwh,
        "x_EnergyMethod": usage.energy_method.value,
    }


def _period(since: date, until: date) -> dict[str, Any]:
    return {"ChargePeriodStart": instant_of(since), "ChargePeriodEnd": instant_of(until)}


def _resource(usage: Usage | None) -> dict[str, Any]:
    if usage is None:
        return {}
    return {
        "ResourceId": application_id(usage),
        "ResourceName": usage.application,
        "ResourceType": "Application",
    }


def _category(line: StatementLine) -> tuple[str, str]:
    if charge_of(line) != "Usage":
        return _FINANCE
    if line.kind is LineKind.RATE and line.unit in set(UsageUnit):
        return _CATEGORIES.get(UsageUnit(line.unit), _PLATFORM)
    return _PLATFORM


def _parts(
    line: StatementLine, usage: Iterable[Usage], keys: Mapping[str, AllocationKey]
) -> tuple[_Part, ...]:
    """Cut a line into what each application makes of it; whole cents, nothing lost."""
    covers = Span(line.since, line.until)
    used = by_application(within(usage, covers) if line.kind is LineKind.RATE else usage)
    weights = _weights(_counted_units(line, keys), used)
    if not weights:
        return (_Part(None, line.amount_eur, line.quantity),)
    amounts = shared_out(line.amount_eur, weights)
    quantities = _shared_quantity(line.quantity, weights)
    return tuple(_Part(used[name], amounts[name], quantities[name]) for name in weights)


def _counted_units(
    line: StatementLine, keys: Mapping[str, AllocationKey]
) -> Mapping[UsageUnit, Decimal]:
    """Tell which units of use decide a line, with their weights; none: it goes by no use."""
    if line.kind is LineKind.RATE:
        return {UsageUnit(line.unit): Decimal(1)} if line.unit in set(UsageUnit) else {}
    if line.kind is LineKind.COST_SHARE and line.key in keys:
        return _units_of(keys[line.key], keys)
    return {}


def _units_of(key: AllocationKey, keys: Mapping[str, AllocationKey]) -> Mapping[UsageUnit, Decimal]:
    """Tell the units of a key; of a mixed one those of its parts that go by use."""
    if key.basis is KeyBasis.USAGE:
        return key.units
    found: dict[UsageUnit, Decimal] = {}
    if key.basis is KeyBasis.MIXED:
        for name, part in key.parts.items():
            for unit, weight in _units_of(keys[name], keys).items():
                found[unit] = found.get(unit, Decimal(0)) + part * weight
    return found


def _weights(units: Mapping[UsageUnit, Decimal], used: Mapping[str, Usage]) -> dict[str, Fraction]:
    """Turn use into shares of 1 by application: each unit first, then their weighted sum."""
    weights = dict.fromkeys(sorted(used), Fraction(0))
    for unit, weight in units.items():
        total = Fraction(sum(one.quantities.get(unit, Decimal(0)) for one in used.values()))
        if total > 0:
            for name, one in used.items():
                share = Fraction(one.quantities.get(unit, Decimal(0))) / total
                weights[name] += Fraction(weight) * share
    total = sum(weights.values(), Fraction(0))
    return {name: weight / total for name, weight in weights.items() if weight} if total else {}


def _shared_quantity(quantity: Decimal, weights: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Share a quantity to its sixth decimal, which is the last that quantities have."""
    millionths = int(quantity.quantize(_MICRO).scaleb(6))
    exact = {name: millionths * weight for name, weight in weights.items()}
    return {name: Decimal(one).scaleb(-6) for name, one in settled(exact).items()}
