"""The only SQL of rebalancings."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from beffroi.capacity.rebalanced import Rebalancing
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional


class RebalancingSummary(msgspec.Struct, frozen=True):
    """A rebalancing in a list.

    Attributes:
        moves: How many.
        overload_before: What exceeds shares: a million is a whole host.
        overload_after: What still does.
        holds: Whether every rule does after the moves.
    """

    id: str
    title: str
    actor: str
    made_at: datetime
    moves: int
    overload_before: int
    overload_after: int
    holds: bool


class KeptRebalancing(msgspec.Struct, frozen=True):
    """A rebalancing with its summary."""

    summary: RebalancingSummary
    rebalancing: Rebalancing


class _Row(RebalancingSummary, frozen=True):
    document: Rebalancing


async def keep_rebalancing(connection: Connection, kept: KeptRebalancing) -> None:
    """Keep a rebalancing."""
    await execute(
        connection,
        """
        insert into capacity.rebalancing
            (id, title, actor, made_at, moves, overload_before, overload_after, holds, document)
        values (%(id)s, %(title)s, %(actor)s, %(made_at)s, %(moves)s, %(overload_before)s,
            %(overload_after)s, %(holds)s, %(document)s::jsonb)
        """,
        {
            **msgspec.structs.asdict(kept.summary),
            "document": msgspec.json.encode(kept.rebalancing).decode(),
        },
    )


async def newest_rebalancings(
    connection: Connection, before_id: str | None, count: int
) -> Sequence[RebalancingSummary]:
    """List rebalancings, the newest first, those before one that was seen."""
    return await fetch_all(
        connection,
        RebalancingSummary,
        """
        select id, title, actor, made_at, moves, overload_before, overload_after, holds
        from capacity.rebalancing
        where %(before)s::text is null or id < %(before)s
        order by id desc limit %(count)s
        """,
        {"before": before_id, "count": count},
    )


async def rebalancing_by_id(connection: Connection, rebalancing_id: str) -> KeptRebalancing | None:
    """Return one rebalancing."""
    row = await fetch_optional(
        connection,
        _Row,
        "select id, title, actor, made_at, moves, overload_before, overload_after, holds, document"
        " from capacity.rebalancing where id = %s",
        (rebalancing_id,),
    )
    if row is None:
        return None
    fields = msgspec.structs.asdict(row)
    return KeptRebalancing(rebalancing=fields.pop("document"), summary=RebalancingSummary(**fields))
