"""The only SQL of capacity."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Plan
from beffroi.capacity.savings_terms import Savings
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional


class PlanSummary(msgspec.Struct, frozen=True):
    """A plan in a list.

    Attributes:
        hosts_before: Hosts there are.
        hosts_after: Hosts that the plan keeps or buys, spares included.
        gap: Hosts above the bound.
        holds: Whether its proof does.
    """

    id: str
    title: str
    actor: str
    made_at: datetime
    hosts_before: int
    hosts_after: int
    gap: int
    holds: bool


class KeptPlan(msgspec.Struct, frozen=True):
    """A plan with its summary, what it saves where that was asked, and remarks on its inventory."""

    summary: PlanSummary
    plan: Plan
    savings: Savings | None = None
    remarks: Remarks = Remarks()


class _Row(PlanSummary, frozen=True):
    document: Plan
    savings: Savings | None
    remarks: Remarks | None


async def keep_plan(connection: Connection, kept: KeptPlan) -> None:
    """Keep a plan."""
    await execute(
        connection,
        """
        insert into capacity.plan
            (id, title, actor, made_at, hosts_before, hosts_after, gap, holds, document,
            savings, remarks)
        values (%(id)s, %(title)s, %(actor)s, %(made_at)s, %(hosts_before)s, %(hosts_after)s,
            %(gap)s, %(holds)s, %(document)s::jsonb, %(savings)s::jsonb,
            %(remarks)s::jsonb)
        """,
        {
            **msgspec.structs.asdict(kept.summary),
            "document": msgspec.json.encode(kept.plan).decode(),
            "savings": None if kept.savings is None else msgspec.json.encode(kept.savings).decode(),
            "remarks": msgspec.json.encode(kept.remarks).decode(),
        },
    )


async def newest_plans(
    connection: Connection, before_id: str | None, count: int
) -> Sequence[PlanSummary]:
    """List plans, the newest first, those before one that was seen."""
    return await fetch_all(
        connection,
        PlanSummary,
        """
        select id, title, actor, made_at, hosts_before, hosts_after, gap, holds
        from capacity.plan
        where %(before)s::text is null or id < %(before)s
        order by id desc limit %(count)s
        """,
        {"before": before_id, "count": count},
    )


async def plan_by_id(connection: Connection, plan_id: str) -> KeptPlan | None:
    """Return one plan."""
    row = await fetch_optional(
        connection,
        _Row,
        "select id, title, actor, made_at, hosts_before, hosts_after, gap, holds, document,"
        " savings, remarks from capacity.plan where id = %s",
        (plan_id,),
    )
    if row is None:
        return None
    fields = msgspec.structs.asdict(row)
    plan, savings = fields.pop("document"), fields.pop("savings")
    remarks = fields.pop("remarks") or Remarks()
    return KeptPlan(PlanSummary(**fields), plan, savings, remarks)


async def forget_plan(connection: Connection, plan_id: str) -> bool:
    """Delete one plan; tell whether there was one."""
    return await execute(connection, "delete from capacity.plan where id = %s", (plan_id,)) == 1
