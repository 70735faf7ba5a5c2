"""Documents of issued statements, for those who may read them."""

import asyncio
from collections.abc import Iterator, Sequence
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
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.processes.workers import Progress
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger import statement_store
from beffroi.ledger.documents.model import (
    DayUse,
    DocumentFile,
    DocumentKind,
    DocumentsRequest,
    MonthCost,
)
from beffroi.ledger.issuing import told_month
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.model import Accounts, Statement
from beffroi.ledger.months import PARIS, month_of
from beffroi.ledger.ports import DocumentMaker
from beffroi.ledger.statement_service import StatementService

_OF_ONE_BODY: Final = (DocumentKind.STATEMENTS, DocumentKind.INVOICES)


class Written(msgspec.Struct, frozen=True):
    """A document with its content."""

    file: DocumentFile
    content: bytes


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
        found = await self._made(statement.month, (statement,), kind, language)
        if not found:
            raise NotFoundError("ledger.document_unknown", statement=number, kind=kind)
        return found[0]

    async def of_month(
        self, actor: Actor, month: date, kind: DocumentKind, language: Language
    ) -> tuple[Written, ...]:
        """Return the documents of all statements of a month.

        Raises:
            NotFoundError: The month was not issued.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        statements = tuple(await self._statements.statements_of(actor, month))
        if not statements:
            raise NotFoundError("ledger.month_not_issued", month=told_month(month))
        return await self._made(month, statements, kind, language)

    async def _made(
        self,
        month: date,
        statements: tuple[Statement, ...],
        kind: DocumentKind,
        language: Language,
    ) -> tuple[Written, ...]:
        accounts, history = await self._kept(month, statements)
        with TemporaryDirectory(prefix="beffroi-documents-") as folder:
            request = DocumentsRequest(
                kinds=(kind,),
                accounts=accounts,
                statements=statements,
                folder=folder,
                language=language,
                days=await self._days(month, statements),
                history=tuple(_costs(history)),
                issued={
                    one.number: one.issued_at.astimezone(PARIS).date()
                    for one in history
                    if one.issued_at is not None
                },
                grid_g_per_kwh=Decimal(str(FRENCH_GRID_G_PER_KWH.value)),
                grid_source=FRENCH_GRID_SOURCE,
            )
            made = await self._maker.make(request, _nobody_listens)
            return tuple(
                [
                    Written(one, await asyncio.to_thread((Path(folder) / one.name).read_bytes))
                    for one in made.files
                ]
            )

    async def _kept(
        self, month: date, statements: Sequence[Statement]
    ) -> tuple[Accounts, Sequence[Statement]]:
        """Return the accounts of a month, and the statements of these bodies up to it."""
        async with self._database.transaction(EVERYTHING) as connection:
            records = await statement_store.records_of(connection, month.replace(day=1))
            if records is None:
                raise NotFoundError("ledger.month_not_issued", month=told_month(month))
            history = [
                one
                for statement in statements
                for one in await statement_store.newest_statements(
                    connection, statement.body.name, None
                )
                if one.month <= statement.month
            ]
        return records.accounts, history

    async def _days(self, month: date, statements: Sequence[Statement]) -> tuple[DayUse, ...]:
        whole = month_of(month)
        found = []
        for statement in statements:
            days: dict[date, DayUse] = {}
            for application in sorted({one.application for one in statement.usage}):
                for one in await self._use.usage_by_day(
                    EVERYTHING, whole.begins_at, whole.ends_at, application
                ):
                    day = one.since.astimezone(PARIS).date()
                    known = days.get(day, DayUse(statement.body.name, day, {}))
                    sums = dict(known.quantities)
                    for unit, quantity in one.quantities.items():
                        sums[unit] = sums.get(unit, Decimal(0)) + quantity
                    days[day] = DayUse(statement.body.name, day, sums)
            found += [days[day] for day in sorted(days)]
        return tuple(found)


def _costs(statements: Sequence[Statement]) -> Iterator[MonthCost]:
    for statement in statements:
        for line in statement.lines:
            yield MonthCost(
                statement.body.name, statement.month, line.subject, line.title, line.amount_eur
            )


def _nobody_listens(progress: Progress) -> None:
    del progress
