"""The SQL of what was foreseen."""

import msgspec

from beffroi.capacity.foresight_terms import KeptForesight, Start
from beffroi.kernel.database import Connection, execute, fetch_optional


async def keep_foresight(connection: Connection, kept: KeptForesight) -> None:
    """Keep a foresight in place of an earlier one of the same plan and start."""
    await execute(
        connection,
        """
        insert into capacity.foresight (plan_id, start, actor, made_at, wanted, found)
        values (%(plan_id)s, %(start)s, %(actor)s, %(made_at)s, %(wanted)s::jsonb,
            %(found)s::jsonb)
        on conflict (plan_id, start) do update
        set actor = excluded.actor, made_at = excluded.made_at, wanted = excluded.wanted,
            found = excluded.found
        """,
        {
            **msgspec.structs.asdict(kept),
            "start": kept.wanted.start.value,
            "wanted": msgspec.json.encode(kept.wanted).decode(),
            "found": msgspec.json.encode(kept.found).decode(),
        },
    )


async def foresight_of(connection: Connection, plan_id: str, start: Start) -> KeptForesight | None:
    """Return what was foreseen last."""
    return await fetch_optional(
        connection,
        KeptForesight,
        "select plan_id, actor, made_at, wanted, found from capacity.foresight"
        " where plan_id = %s and start = %s",
        (plan_id, start.value),
    )
