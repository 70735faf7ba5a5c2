"""What people ask of quotes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.processes import workers
from beffroi.kernel.processes.workers import Told
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger.model import Accounts
from beffroi.ledger.months import PARIS
from beffroi.ledger.quotes import store
from beffroi.ledger.quotes.documents import QuoteDocumentMaker, QuoteRequest
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import Needs
from beffroi.ledger.quotes.ports import PlacementOffice, PlacementOffices, PlanChoice, tenant_of
from beffroi.ledger.quotes.quoting import quote_of, refuse_unknown, tenant_body
from beffroi.ledger.quotes.store import KeptQuote, QuoteSummary
from beffroi.ledger.quotes.wording import quote_word
from beffroi.ledger.statement_service import StatementService

DOCUMENTS: Final = ("offer", "note", "prices")
_SHOWN: Final = 50


class QuoteService:
    """Prices what buyers ask for, and keeps it: for those who run the platform."""

    def __init__(
        self,
        database: Database,
        operations: Operations,
        statements: StatementService,
        offices: PlacementOffices,
        clock: Clock,
    ) -> None:
        self._database = database
        self._operations = operations
        self._statements = statements
        self._offices = offices
        self._clock = clock

    async def plans(self, actor: Actor) -> Sequence[PlanChoice]:
        """List the plans whose inventory a tenant may be added to."""
        return await self._offices.choices(actor)

    async def accounts(self, actor: Actor) -> Accounts:
        """Return the accounts that quotes are priced with.

        Raises:
            NotFoundError: None were applied.
        """
        held = await self._statements.accounts(actor)
        if held is None:
            raise NotFoundError("ledger.no_accounts")
        return held.document

    async def ask(self, actor: Actor, plan_id: str, needs: Needs) -> Operation:
        """Price needs in the background, for the inventory of a plan.

        Raises:
            NotFoundError: No accounts were applied.
            InvalidInputError: The needs and the accounts do not go together.
        """
        accounts = await self.accounts(actor)
        tenant_body(needs, accounts)
        refuse_unknown(needs, accounts)
        office = self._offices.of_plan(actor, plan_id)

        async def work(progress: Progress) -> str:
            await progress.step("Plans without the tenant and with it.")
            made = await priced(needs, accounts, office, _nobody_listens, self._clock)
            kept = await self._keep(actor, made)
            return f"{kept.yearly_eur} EUR a year without VAT."

        return await self._operations.launch(
            actor, "ledger.quote", needs.consultation.reference, "", work
        )

    async def quotes(self, actor: Actor) -> Sequence[QuoteSummary]:
        """List the newest quotes, 50 at most."""
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            return await store.newest_quotes(connection, _SHOWN)

    async def quote(self, actor: Actor, quote_id: str) -> KeptQuote:
        """Return one quote.

        Raises:
            NotFoundError: There is none of that id.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        async with self._database.transaction(actor.scope) as connection:
            found = await store.quote_by_id(connection, quote_id)
        if found is None:
            raise NotFoundError("ledger.quote_unknown", quote=quote_id)
        return found

    async def _keep(self, actor: Actor, made: Quote) -> QuoteSummary:
        now = self._clock.now()
        summary = QuoteSummary(
            id=new_id(now),
            title=made.needs.consultation.title,
            buyer=made.needs.buyer.title,
            actor=actor.name,
            made_at=now,
            yearly_eur=made.totals.year.net_eur,
            present_eur=None if made.change is None else made.change.present_eur,
        )
        event = Event("ledger.quote_made", summary.id, "", {"buyer": summary.buyer})
        async with self._database.transaction(actor.scope) as connection:
            await store.keep_quote(connection, KeptQuote(summary, made))
            await append(connection, event)
        return summary


class QuoteDocuments:
    """Gives the documents of kept quotes."""

    def __init__(self, quotes: QuoteService, maker: QuoteDocumentMaker) -> None:
        self._quotes = quotes
        self._maker = maker

    async def document(
        self, actor: Actor, quote_id: str, document: str, language: Language
    ) -> tuple[str, bytes]:
        """Return one of a quote's documents, named in a language: offer, note or prices.

        Raises:
            NotFoundError: There is no such quote or document.
        """
        kept = await self._quotes.quote(actor, quote_id)
        if document not in DOCUMENTS:
            raise NotFoundError("ledger.quote_document_unknown", quote=quote_id, name=document)
        with TemporaryDirectory(prefix="beffroi-quote-") as folder:
            request = QuoteRequest(quote=kept.quote, folder=folder, language=language)
            made = await self._maker.make(request, _nobody_listens)
            stem = quote_word(language, f"files.{document}")
            file = next(one for one in made.files if Path(one).stem == stem)
            return file, await asyncio.to_thread((Path(folder) / file).read_bytes)


async def priced(
    needs: Needs, accounts: Accounts, office: PlacementOffice, told: Told, clock: Clock
) -> Quote:
    """Price a tender's needs, whoever asks; what cannot go together is refused before planning.

    Raises:
        InvalidInputError: Needs, accounts and inventory do not go together, or no plan can be
            made.
    """
    tenant_body(needs, accounts)
    refuse_unknown(needs, accounts)
    placement = await office.compare(tenant_of(needs), told)
    return quote_of(needs, accounts, placement, clock.now().astimezone(PARIS).date())


def _nobody_listens(progress: workers.Progress) -> None:
    del progress
