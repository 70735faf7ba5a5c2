"""What is asked of the worker that makes documents, and what it answers."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.ledger.model import Accounts, Statement, UsageUnit
from beffroi.ledger.unit_costs import UnitCostTable


class DocumentKind(StrEnum):
    """What can be made from statements.

    ``STATEMENTS``: a PDF for each. ``INVOICES``: a Factur-X for each body liable to VAT.
    ``REVENUE_ORDERS``: CSV and JSON of the orders (titres de recette) for the other bodies.
    ``FOCUS``: Cost and Usage, Invoice Detail and Billing Period, each as CSV and Parquet.
    ``UNIT_COSTS``: the table of a year as PDF and CSV; of no statement.
    """

    STATEMENTS = "statements"
    INVOICES = "invoices"
    REVENUE_ORDERS = "revenue_orders"
    FOCUS = "focus"
    UNIT_COSTS = "unit_costs"


class TableFormat(StrEnum):
    """How the table of unit costs is written."""

    PDF = "pdf"
    CSV = "csv"


class DayUse(msgspec.Struct, frozen=True):
    """What a body used on one day of the month."""

    body: str
    day: date
    quantities: Mapping[UsageUnit, Decimal]


class MonthCost(msgspec.Struct, frozen=True):
    """What a body paid for one cost centre or rate in a month, without VAT."""

    body: str
    month: date
    subject: str
    title: str
    amount_eur: Decimal


class DocumentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Documents wanted of the statements of one month, or of the unit costs of a year.

    Attributes:
        accounts: Those that the statements or unit costs were made with.
        statements: Of one month; none where only unit costs are wanted.
        folder: Where the files are put; it exists.
        days: For the plots of use by day; none: no such plot.
        history: For the plot of cost by centre; the months before and this one; none: no plot.
        issued: When the statements that a line corrects were issued, by number.
        grid_g_per_kwh: Carbon of the grid, in grams of CO2 equivalent per kWh; absent: untold.
        grid_source: Where that figure is from, for the reader.
        unit_costs: The table of a year, where it is wanted.
    """

    kinds: tuple[DocumentKind, ...]
    accounts: Accounts
    statements: tuple[Statement, ...]
    folder: str
    language: Language = Language.FR
    days: tuple[DayUse, ...] = ()
    history: tuple[MonthCost, ...] = ()
    issued: Mapping[str, date] = {}
    grid_g_per_kwh: Decimal | None = None
    grid_source: str = ""
    unit_costs: UnitCostTable | None = None


class DocumentFile(msgspec.Struct, frozen=True):
    """A file that was written; ``statement`` is its number, empty for those of a whole month."""

    name: str
    kind: DocumentKind
    media_type: str
    size_bytes: int
    sha256: str
    statement: str = ""


class Documents(msgspec.Struct, frozen=True):
    """The files that were written, in the order of the statements."""

    files: tuple[DocumentFile, ...]
