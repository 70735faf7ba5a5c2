"""Documents of issued statements, for those who may read them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from beffroi.energy.model import FRENCH_GRID_G_PER_KWH, FRENCH_GRID_SOURCE
from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, NotFoundError
from beffroi.kernel.processes.workers import Progress
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger import statement_store
from beffroi.ledger.allocation_service import AllocationService
from beffroi.ledger.documents.model import (
    DayUse,
    DocumentFile,
    DocumentKind,
    DocumentsRequest,
    MonthCost,
    TableFormat,
)
from beffroi.ledger.issuing import told_month
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import Accounts, Statement, UsageUnit
from beffroi.ledger.months import PARIS, month_of
from beffroi.ledger.ports import DocumentMaker
from beffroi.ledger.statement_service import StatementService

_OF_ONE_BODY: Final = (DocumentKind.STATEMENTS, DocumentKind.INVOICES)


class Written(msgspec.Struct, frozen=True):
    """A document with its content."""

    file: DocumentFile
    content: bytes


class _Kept(msgspec.Struct, frozen=True):
    """What documents tell beside the statements themselves.

    Attributes:
        history: The statements of their bodies over a year.
        issued: When the statements that they correct were issued, by number.
    """

    accounts: Accounts
    history: Sequence[Statement]
    issued: Mapping[str, date]


class DocumentService:
    """Makes documents when they are asked for: the same statement gives the same bytes."""

    def __init__(
        self,
        database: Database,
        statements: StatementService,
        use: MeteringService,
        maker: DocumentMaker,
    ) -> None:
        self._database = database
        self._statements = statements
        self._use = use
        self._maker = maker

    async def of_statement(
        self, actor: Actor, number: str, kind: DocumentKind, language: Language
    ) -> Written:
        """Return the PDF of a statement, or its invoice.

        Raises:
            NotFoundError: There is no such statement for the actor, or it has no such document.
        """
        statement = await self._statements.statement(actor, number)
        if kind not in _OF_ONE_BODY:
            raise NotFoundError("ledger.document_unknown", statement=number, kind=kind)
        found = await self._made(actor, (statement,), kind, language)
        if not found:
            raise NotFoundError("ledger.document_unknown", statement=number, kind=kind)
        return found[0]

    async def of_month(
        self, actor: Actor, month: date, kind: DocumentKind, language: Language
    ) -> tuple[Written, ...]:
        """Return the documents of all statements of a month.

        Raises:
            NotFoundError: The month was not issued, or has no such documents.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        if kind is DocumentKind.UNIT_COSTS:
            raise NotFoundError("ledger.document_unknown", statement=told_month(month), kind=kind)
        statements = tuple(await self._statements.statements_of(actor, month))
        if not statements:
            raise NotFoundError("ledger.month_not_issued", month=told_month(month))
        return await self._made(actor, statements, kind, language)

    async def of_unit_costs(
        self, actor: Actor, year: int, wanted: TableFormat, language: Language
    ) -> Written:
        """Return the table of unit costs of a year.

        Raises:
            NotFoundError: No accounts were applied.
            ConflictError: Other accounts were applied meanwhile.
        """
        allocation = AllocationService(self._statements)
        table = await allocation.unit_costs(actor, year)
        held = await allocation.accounts(actor)
        if held.version != table.accounts_version:
            raise ConflictError("kernel.changed_meanwhile")
        with TemporaryDirectory(prefix="beffroi-documents-") as folder:
            request = DocumentsRequest(
                kinds=(DocumentKind.UNIT_COSTS,),
                accounts=held.document,
                statements=(),
                folder=folder,
                language=language,
                unit_costs=table,
            )
            found = {Path(one.file.name).suffix: one for one in await self._written(request)}
        return found[f".{wanted}"]

    async def _written(self, request: DocumentsRequest) -> tuple[Written, ...]:
        made = await self._maker.make(request, _nobody_listens)
        folder = Path(request.folder)
        return tuple(
            [
                Written(one, await asyncio.to_thread((folder / one.name).read_bytes))
                for one in made.files
            ]
        )

    async def _made(
        self,
        actor: Actor,
        statements: tuple[Statement, ...],
        kind: DocumentKind,
        language: Language,
    ) -> tuple[Written, ...]:
        month = statements[0].month
        kept = await self._kept(actor, month, statements)
        with TemporaryDirectory(prefix="beffroi-documents-") as folder:
            request = DocumentsRequest(
                kinds=(kind,),
                accounts=kept.accounts,
                statements=statements,
                folder=folder,
                language=language,
                days=await self._days(month, statements),
                history=tuple(_costs(kept.history)),
                issued=kept.issued,
                grid_g_per_kwh=Decimal(str(FRENCH_GRID_G_PER_KWH.value)),
                grid_source=FRENCH_GRID_SOURCE,
            )
            return await self._written(request)

    async def _kept(self, actor: Actor, month: date, statements: Sequence[Statement]) -> _Kept:
        """Return what documents tell beside the statements, as far as the actor may read it."""
        bodies = [one.body.name for one in statements]
        corrected = {
            line.corrects.statement
            for one in statements
            for line in one.lines
            if line.corrects is not None
        }
        first = date(month.year - 1, month.month, 1)
        async with self._database.transaction(actor.scope) as connection:
            history = await statement_store.statements_between(connection, bodies, first, month)
        async with self._database.transaction(EVERYTHING) as connection:
            records = await statement_store.records_of(connection, month)
            moments = await statement_store.issue_moments(connection, sorted(corrected))
        if records is None:
            raise NotFoundError("ledger.month_not_issued", month=told_month(month))
        issued = {number: at.astimezone(PARIS).date() for number, at in moments.items()}
        return _Kept(records.accounts, history, issued)

    async def _days(self, month: date, statements: Sequence[Statement]) -> tuple[DayUse, ...]:
        """Return what each body's own organisations used by day."""
        whole = month_of(month)
        bodies = {name: one.body.name for one in statements for name in one.body.organisations}
        usage = await self._use.usage_by_day(
            EVERYTHING, whole.begins_at, whole.ends_at, organisations=tuple(bodies)
        )
        sums: defaultdict[tuple[str, date], dict[UsageUnit, Decimal]] = defaultdict(dict)
        for one in usage:
            own = sums[bodies[one.organisation], one.since.astimezone(PARIS).date()]
            for unit, quantity in one.quantities.items():
                own[unit] = own.get(unit, Decimal(0)) + quantity
        return tuple(DayUse(body, day, own) for (body, day), own in sorted(sums.items()))


def _costs(statements: Sequence[Statement]) -> Iterator[MonthCost]:
    for statement in statements:
        for line in statement.lines:
            yield MonthCost(
                statement.body.name, statement.month, line.subject, line.title, line.amount_eur
            )


def _nobody_listens(progress: Progress) -> None:
    del progress
