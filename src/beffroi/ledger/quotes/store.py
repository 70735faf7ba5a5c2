"""The only SQL of quotes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional
from beffroi.ledger.quotes.model import Quote


class QuoteSummary(msgspec.Struct, frozen=True):
    """A quote in a list.

    Attributes:
        yearly_eur: What a year is offered at, VAT excluded.
        present_eur: What the buyer pays a year today, where it said.
    """

    id: str
    title: str
    buyer: str
    actor: str
    made_at: datetime
    yearly_eur: Decimal
    present_eur: Decimal | None


class KeptQuote(msgspec.Struct, frozen=True):
    """A quote with its summary."""

    summary: QuoteSummary
    quote: Quote


class _Document(msgspec.Struct, frozen=True):
    document: Quote


async def keep_quote(connection: Connection, kept: KeptQuote) -> None:
    """Keep a quote."""
    await execute(
        connection,
        """
        insert into ledger.quote
            (id, title, buyer, actor, made_at, yearly_eur, present_eur, document)
        values (%(id)s, %(title)s, %(buyer)s, %(actor)s, %(made_at)s, %(yearly_eur)s,
            %(present_eur)s, %(document)s::jsonb)
        """,
        {
            **msgspec.structs.asdict(kept.summary),
            "document": msgspec.json.encode(kept.quote).decode(),
        },
    )


async def newest_quotes(connection: Connection, count: int) -> Sequence[QuoteSummary]:
    """List quotes, the newest first."""
    return await fetch_all(
        connection,
        QuoteSummary,
        "select id, title, buyer, actor, made_at, yearly_eur, present_eur from ledger.quote"
        " order by id desc limit %s",
        (count,),
    )


async def quote_by_id(connection: Connection, quote_id: str) -> KeptQuote | None:
    """Return one quote."""
    row = await fetch_optional(
        connection, _Document, "select document from ledger.quote where id = %s", (quote_id,)
    )
    summary = await fetch_optional(
        connection,
        QuoteSummary,
        "select id, title, buyer, actor, made_at, yearly_eur, present_eur from ledger.quote"
        " where id = %s",
        (quote_id,),
    )
    return None if row is None or summary is None else KeptQuote(summary, row.document)
