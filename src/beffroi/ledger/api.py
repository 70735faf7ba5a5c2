"""The ledger over HTTP: parse, call one verb, answer."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter

from beffroi.kernel.http.api import api_router
from beffroi.kernel.http.problems import language_of
from beffroi.kernel.rights.model import Actor
from beffroi.ledger.accounts_file import AccountsChange
from beffroi.ledger.allocation_service import AllocationService
from beffroi.ledger.answers import Format, Kind, Number, Year, file_answer
from beffroi.ledger.corrections import AskedCorrection, CorrectionBearer, CorrectionTerms
from beffroi.ledger.document_service import DocumentService
from beffroi.ledger.key_simulation import KeyTrial
from beffroi.ledger.model import (
    LineRef,
    Statement,
)
from beffroi.ledger.statement_service import AppliedAccounts, StatementService
from beffroi.ledger.statement_store import IssuedMonth
from beffroi.ledger.statements import LineDifference
from beffroi.ledger.unit_costs import UnitCostTable

_Request = Request[Any, Any, State]
Month = Annotated[date, PathParameter(description="A day of the month.")]


class AccountsFileNamed(msgspec.Struct, frozen=True):
    """A file of accounts on the platform's machine.

    Attributes:
        file: Its absolute path.
        expected_version: The version seen by the asker, 0 for none; unchecked when absent.
    """

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    expected_version: int | None = None


class WantedCorrection(msgspec.Struct, frozen=True):
    """What is to be put right on the body's next statement.

    Attributes:
        borne_by: Of a body that shares costs: the others, or the issuer.
        insist: Even though it repeats another or takes off more than the line.
    """

    line: int
    amount_eur: Decimal
    reason: str
    borne_by: CorrectionBearer = CorrectionBearer.OTHERS
    insist: bool = False


class WantedKeys(msgspec.Struct, frozen=True):
    """Keys to try.

    Attributes:
        keys: Names of keys by those of cost centres; other centres keep theirs.
        years: How many equal steps lead to them.
    """

    keys: dict[str, str]
    years: int = 1


@post("/price-book/difference", status_code=200, summary="Tell what a file of accounts changes")
async def difference(
    data: JSONBody[AccountsFileNamed],
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> tuple[AccountsChange, ...]:
    """Answer the changes; change nothing."""
    return await statements.difference(actor, Path(data.file))


@post("/price-book", status_code=200, summary="Apply a file of accounts")
async def apply_accounts(
    data: JSONBody[AccountsFileNamed],
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> AppliedAccounts:
    """Answer the version that holds and the changes."""
    return await statements.apply_accounts(actor, Path(data.file), data.expected_version)


@get("/statements", summary="List issued statements, the newest first")
async def list_statements(
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
    of: FromQuery[str] = "",
    before: FromQuery[str] = "",
) -> Sequence[Statement]:
    """Answer 100 at most, those before one that was seen."""
    return await statements.statements(actor, of or None, before or None)


@get("/statements/{number:str}", summary="Show a statement")
async def show_statement(
    number: Number, statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> Statement:
    """Answer the statement as issued."""
    return await statements.statement(actor, number)


@get("/statements/{number:str}/replay", summary="Make a statement again and compare")
async def replay(
    number: Number, statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> tuple[LineDifference, ...]:
    """Answer what differs: nothing, if all is well."""
    return await statements.replay(actor, number)


@post("/statements/{number:str}/corrections", status_code=201, summary="Correct a line")
async def add_correction(
    number: Number,
    data: JSONBody[WantedCorrection],
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> AskedCorrection:
    """Answer the correction, which the body's next statement will show."""
    ref = LineRef(number, data.line)
    terms = CorrectionTerms(data.borne_by, data.insist)
    return await statements.add_correction(actor, ref, data.amount_eur, data.reason, terms)


@get("/statements/{number:str}/documents/{kind:str}", summary="Get a statement's document")
async def statement_document(
    number: Number,
    kind: Kind,
    request: _Request,
    documents: NamedDependency[DocumentService],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Answer a file: the statement or the invoice as PDF."""
    made = await documents.of_statement(actor, number, kind, language_of(request))
    return file_answer(made.content, made.file.media_type, made.file.name)


@get("/months", summary="List the months issued")
async def list_months(
    statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> Sequence[IssuedMonth]:
    """Answer them, the newest first."""
    return await statements.months(actor)


@get("/months/{month:date}/draft", summary="Make the statements of a month as they would be now")
async def draft(
    month: Month, statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> tuple[Statement, ...]:
    """Answer drafts; keep nothing."""
    return await statements.draft(actor, month)


@post("/months/{month:date}/issue", status_code=200, summary="Issue the statements of a month")
async def issue(
    month: Month,
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
    without_last_reading: FromQuery[bool] = False,  # noqa: FBT002 - how litestar names it
) -> tuple[Statement, ...]:
    """Answer what was issued, for all bodies at once."""
    return await statements.issue(actor, month, without_last_reading=without_last_reading)


@get("/months/{month:date}/documents/{kind:str}", summary="Get the documents of a month")
async def month_documents(
    month: Month,
    kind: Kind,
    request: _Request,
    documents: NamedDependency[DocumentService],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Answer a ZIP file."""
    made = await documents.of_month(actor, month, kind, language_of(request))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in made:
            archive.writestr(zipfile.ZipInfo(one.file.name), one.content)
    return file_answer(packed.getvalue(), "application/zip", f"{month:%Y-%m}-{kind}.zip")


@get("/unit-costs/{year:int}", summary="Show the unit costs of a year")
async def unit_costs(
    year: Year, statements: NamedDependency[StatementService], actor: NamedDependency[Actor]
) -> UnitCostTable:
    """Answer services, their units of operation, and what each body is expected to pay back."""
    return await AllocationService(statements).unit_costs(actor, year)


@get("/unit-costs/{year:int}/documents/{wanted:str}", summary="Get the table of unit costs")
async def unit_costs_document(
    year: Year,
    wanted: Format,
    request: _Request,
    documents: NamedDependency[DocumentService],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Answer a file: PDF or CSV."""
    made = await documents.of_unit_costs(actor, year, wanted, language_of(request))
    return file_answer(made.content, made.file.media_type, made.file.name)


@post("/key-simulations", status_code=200, summary="Compare issued months with other keys")
async def simulate_keys(
    data: JSONBody[WantedKeys],
    statements: NamedDependency[StatementService],
    actor: NamedDependency[Actor],
) -> KeyTrial:
    """Answer winners and losers, and the yearly steps; change nothing."""
    return await AllocationService(statements).simulation(actor, data.keys, data.years)


def router() -> Router:
    """Return every route of the ledger."""
    return api_router(
        "ledger",
        difference,
        apply_accounts,
        list_statements,
        show_statement,
        replay,
        add_correction,
        statement_document,
        list_months,
        draft,
        issue,
        month_documents,
        unit_costs,
        unit_costs_document,
        simulate_keys,
    )
