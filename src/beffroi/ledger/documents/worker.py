"""Documents of a month or a year, made by ``python -m beffroi.ledger.documents.worker``.

Files are written whole or not at all, one by one, in the folder that was asked for; the same
request gives the same bytes.
"""

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.processes.workers import Progress, Told, answer_as_worker
from beffroi.kernel.typesetting import Typesetter
from beffroi.ledger.documents.focus_files import (
    BILLING_PERIOD,
    COST_AND_USAGE,
    INVOICE_DETAIL,
    as_csv,
    as_parquet,
)
from beffroi.ledger.documents.focus_invoices import billing_period, invoice_detail
from beffroi.ledger.documents.focus_rows import cost_and_usage
from beffroi.ledger.documents.invoice_pdf import invoice_pdf
from beffroi.ledger.documents.invoicing import invoice_of
from beffroi.ledger.documents.model import (
    DocumentFile,
    DocumentKind,
    Documents,
    DocumentsRequest,
)
from beffroi.ledger.documents.revenue_orders import (
    orders_csv,
    orders_json,
    revenue_orders,
    statement_file,
)
from beffroi.ledger.documents.statement_pdf import statement_pdf
from beffroi.ledger.documents.unit_cost_files import unit_costs_csv, unit_costs_pdf
from beffroi.ledger.documents.whole_files import write_whole

MODULE: Final = "beffroi.ledger.documents.worker"
_PDF, _CSV, _JSON = "application/pdf", "text/csv", "application/json"
_PARQUET: Final = "application/vnd.apache.parquet"


class _Made(msgspec.Struct, frozen=True):
    """A file that is made and not yet written."""

    name: str
    media_type: str
    content: bytes
    statement: str = ""


def make_documents(request: DocumentsRequest, told: Told) -> Documents:
    """Make the documents wanted and write them.

    Raises:
        InvalidInputError: A statement cannot become the document wanted.
    """
    folder = Path(request.folder)
    total = sum(_count(kind, request) for kind in request.kinds)
    written: list[DocumentFile] = []
    for kind in request.kinds:
        for made in _MAKERS[kind](request):
            written.append(_written(folder, kind, made))
            told(Progress(min(1.0, len(written) / total), made.name))
    return Documents(tuple(written))


def _statements(request: DocumentsRequest) -> Iterator[_Made]:
    typesetter = _typesetter("statement.typ")
    for statement in request.statements:
        content = statement_pdf(typesetter, statement, request)
        yield _Made(statement_file(statement), _PDF, content, statement.number)


def _invoices(request: DocumentsRequest) -> Iterator[_Made]:
    typesetter = _typesetter("invoice.typ")
    for statement in request.statements:
        if statement.body.liable_for_vat:
            invoice = invoice_of(statement, request.accounts.issuer, request.issued)
            content = invoice_pdf(typesetter, invoice, request.language)
            yield _Made(f"{statement.number}-facture.pdf", _PDF, content, statement.number)


def _revenue_orders(request: DocumentsRequest) -> Iterator[_Made]:
    orders = revenue_orders(
        request.statements, request.accounts.issuer, request.issued, request.language
    )
    stem = f"{_month(request)}-titres"
    yield _Made(f"{stem}.csv", _CSV, orders_csv(orders))
    yield _Made(f"{stem}.json", _JSON, orders_json(orders))


def _focus(request: DocumentsRequest) -> Iterator[_Made]:
    datasets = {
        "cost-and-usage": (COST_AND_USAGE, cost_and_usage(request)),
        "invoice-detail": (INVOICE_DETAIL, invoice_detail(request)),
        "billing-period": (BILLING_PERIOD, billing_period(request)),
    }
    for name, (columns, rows) in datasets.items():
        stem = f"{_month(request)}-focus-{name}"
        yield _Made(f"{stem}.csv", _CSV, as_csv(columns, rows))
        yield _Made(f"{stem}.parquet", _PARQUET, as_parquet(columns, rows))


def _unit_costs(request: DocumentsRequest) -> Iterator[_Made]:
    table, language = request.unit_costs, request.language
    if table is not None:
        stem = f"couts-unitaires-{table.year}"
        pdf = unit_costs_pdf(_typesetter("unit_costs.typ"), table, request.accounts, language)
        yield _Made(f"{stem}.pdf", _PDF, pdf)
        yield _Made(f"{stem}.csv", _CSV, unit_costs_csv(table, language))


_MAKERS: Final[dict[DocumentKind, Callable[[DocumentsRequest], Iterator[_Made]]]] = {
    DocumentKind.STATEMENTS: _statements,
    DocumentKind.INVOICES: _invoices,
    DocumentKind.REVENUE_ORDERS: _revenue_orders,
    DocumentKind.FOCUS: _focus,
    DocumentKind.UNIT_COSTS: _unit_costs,
}
_FILES_AT_ONCE: Final = {
    DocumentKind.REVENUE_ORDERS: 2,
    DocumentKind.FOCUS: 6,
    DocumentKind.UNIT_COSTS: 2,
}


def _count(kind: DocumentKind, request: DocumentsRequest) -> int:
    return _FILES_AT_ONCE.get(kind, len(request.statements))


def _written(folder: Path, kind: DocumentKind, made: _Made) -> DocumentFile:
    write_whole(folder / made.name, made.content)
    return DocumentFile(
        name=made.name,
        kind=kind,
        media_type=made.media_type,
        size_bytes=len(made.content),
        sha256=sha256(made.content).hexdigest(),
        statement=made.statement,
    )


def _month(request: DocumentsRequest) -> str:
    return f"{request.statements[0].month:%Y-%m}"


@cache
def _typesetter(template: str) -> Typesetter:
    return Typesetter(Path(str(files("beffroi.ledger.documents"))) / "templates" / template)


if __name__ == "__main__":
    answer_as_worker(DocumentsRequest, make_documents)
