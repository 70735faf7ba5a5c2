"""The only SQL of treatments and policies."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.kernel.database import Connection, execute, fetch_tuples

_KEEP: Final = """
insert into exchange.rule (organisation, kind, name, source, document, changed_by)
values (%s, %s, %s, %s, %s::jsonb, %s)
on conflict (organisation, kind, name) do update set source = excluded.source,
    document = excluded.document, changed_by = excluded.changed_by, changed_at = clock_timestamp()
"""
_HELD: Final = "select organisation, name, source, changed_at, changed_by, document::text"


class RuleKind(StrEnum):
    """What a rule is."""

    TREATMENT = "treatment"
    POLICY = "policy"


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    organisation: str
    name: str
    source: str
    changed_at: datetime
    changed_by: str


class HeldTreatment(_Held, frozen=True, kw_only=True):
    """A treatment, and whose it is.

    Attributes:
        source: The file that declares it; "": it was declared by itself.
    """

    treatment: Treatment


class HeldPolicy(_Held, frozen=True, kw_only=True):
    """A policy, and whose it is.

    Attributes:
        source: The file that declares it; "": it was declared by itself.
    """

    policy: Policy


async def keep(
    connection: Connection, organisation: str, source: str, rule: Treatment | Policy, actor: str
) -> None:
    """Keep a rule, in the place of the one of its name."""
    kind = RuleKind.TREATMENT if isinstance(rule, Treatment) else RuleKind.POLICY
    document = msgspec.json.encode(rule).decode()
    await execute(connection, _KEEP, (organisation, kind, rule.name, source, document, actor))


async def drop(connection: Connection, organisation: str, kind: RuleKind, name: str) -> bool:
    """Forget a rule; return whether there was one."""
    gone = await execute(
        connection,
        "delete from exchange.rule where organisation = %s and kind = %s and name = %s",
        (organisation, kind, name),
    )
    return gone > 0


async def drop_others(
    connection: Connection, organisation: str, kind: RuleKind, source: str, names: Sequence[str]
) -> int:
    """Forget the rules of a file that it declares no more."""
    return await execute(
        connection,
        "delete from exchange.rule where organisation = %s and kind = %s and source = %s "
        "and name <> all(%s)",
        (organisation, kind, source, list(names)),
    )


async def treatments(connection: Connection, organisation: str | None) -> list[HeldTreatment]:
    """Return an organisation's treatments by name, or those that the transaction sees."""
    return [
        HeldTreatment(
            organisation=row[0],
            name=row[1],
            source=row[2],
            changed_at=row[3],
            changed_by=row[4],
            treatment=msgspec.json.decode(row[5], type=Treatment),
        )
        for row in await _rules(connection, RuleKind.TREATMENT, organisation)
    ]


async def policies(connection: Connection, organisation: str | None) -> list[HeldPolicy]:
    """Return an organisation's policies by name, or those that the transaction sees."""
    return [
        HeldPolicy(
            organisation=row[0],
            name=row[1],
            source=row[2],
            changed_at=row[3],
            changed_by=row[4],
            policy=msgspec.json.decode(row[5], type=Policy),
        )
        for row in await _rules(connection, RuleKind.POLICY, organisation)
    ]


async def _rules(
    connection: Connection, kind: RuleKind, organisation: str | None
) -> list[tuple[str, str, str, datetime, str, str]]:
    rows = await fetch_tuples(
        connection,
        f"{_HELD} from exchange.rule where kind = %s "
        "and (%s::text is null or organisation = %s) order by organisation, name",
        (kind, organisation, organisation),
    )
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
