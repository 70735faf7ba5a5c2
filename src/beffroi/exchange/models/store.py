"""The only SQL of models, surveys and quality."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.quality import AttributeQuality, Component, Finding
from beffroi.exchange.models.tally import Judgement
from beffroi.exchange.store import Attributes
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_tuples

COURSE_KEPT: Final = timedelta(days=90)
_ATTRIBUTES: Final = msgspec.json.Decoder(Attributes)
_DECLARED: Final = msgspec.json.Decoder(DeclaredModel)
_ENCODER: Final = msgspec.json.Encoder()
GroupKey = tuple[str, str, Iri]
"""A tenant, an organisation and a type."""

_CHUNK: Final = """
select e.number, e.organisation, e.id, e.types, e.document::text, e.modified_at
from exchange.entity e
where e.tenant = %s and e.number > %s and (e.expires_at is null or e.expires_at > now())
order by e.number limit %s
"""
_KEEP_SURVEYS: Final = """
insert into exchange.type_survey (tenant, organisation, type, entities, changed_at, observed_at,
    period_s, silent_after_s, score, components, attributes, surveyed_at)
select tenant, organisation, type, entities, changed_at, observed_at, period_s, silent_after_s,
    score, components, attributes, %(at)s
from jsonb_to_recordset(%(rows)s::jsonb) as given(tenant text, organisation text, type text,
    entities bigint, changed_at timestamptz, observed_at timestamptz, period_s float8,
    silent_after_s float8, score float8, components jsonb, attributes jsonb)
"""
_KEEP_COURSE: Final = """
insert into exchange.quality_course (tenant, organisation, type, at, entities, score, components)
select tenant, organisation, type, date_trunc('hour', surveyed_at, 'UTC'), entities, score,
    components
from exchange.type_survey
on conflict (tenant, organisation, type, at) do update set entities = excluded.entities,
    score = excluded.score, components = excluded.components
"""
_KEEP_FINDINGS: Final = """
insert into exchange.quality_finding (tenant, organisation, type, kind, entity, attribute, weight,
    since, value, bound, told)
select * from jsonb_to_recordset(%s::jsonb) as given(tenant text, organisation text, type text,
    kind text, entity text, attribute text, weight float8, since timestamptz, value float8,
    bound float8, told text)
"""
_FEED: Final = """
insert into exchange.type_feeder as held (tenant, organisation, type, account, writes, unfit,
    refused, last_at)
select * from jsonb_to_recordset(%s::jsonb) as given(tenant text, organisation text, type text,
    account text, writes bigint, unfit bigint, refused bigint, last_at timestamptz)
on conflict (tenant, organisation, type, account) do update set
    writes = held.writes + excluded.writes, unfit = held.unfit + excluded.unfit,
    refused = held.refused + excluded.refused, last_at = greatest(held.last_at, excluded.last_at)
"""
_SURVEYS: Final = """
select tenant, organisation, type, entities, changed_at, observed_at, period_s, silent_after_s,
    score, components::text, attributes::text, surveyed_at
from exchange.type_survey
where tenant = %(tenant)s and (%(type)s::text is null or type = %(type)s)
order by type, organisation limit 500
"""


class HeldModel(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation declares of a type.

    Attributes:
        type: As it is written in the file.
        source: The file.
        schema: Its own JSON Schema, where it has one.
    """

    tenant: str
    organisation: str
    type: str
    source: str
    declared: DeclaredModel
    schema: bytes | None = None


class TypeSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """What the last survey saw of a type.

    Attributes:
        changed_at: When one of its entities last changed.
        observed_at: When one of them was last measured.
        surveyed_at: When the survey ended.
    """

    tenant: str
    organisation: str
    type: Iri
    entities: int
    changed_at: datetime | None
    observed_at: datetime | None
    period_s: float | None
    silent_after_s: float | None
    score: float | None
    components: Mapping[Component, float]
    attributes: Sequence[AttributeQuality]
    surveyed_at: datetime


class Feeder(msgspec.Struct, frozen=True, kw_only=True):
    """An account that writes entities of a type.

    Attributes:
        unfit: Its writes that did not fit the model and were let in.
        refused: Those that were not.
    """

    tenant: str
    organisation: str
    type: Iri
    account: str
    writes: int
    unfit: int
    refused: int
    last_at: datetime


class QualityInstant(msgspec.Struct, frozen=True, kw_only=True):
    """The quality in an hour."""

    organisation: str
    at: datetime
    entities: int
    score: float | None


async def held_models(connection: Connection, tenant: str | None = None) -> Sequence[HeldModel]:
    """Return what is declared, of a tenant or of all."""
    rows = await fetch_tuples(
        connection,
        "select tenant, organisation, type, source, declared::text, schema::text "
        "from exchange.model where %(tenant)s::text is null or tenant = %(tenant)s "
        "order by tenant, type, organisation",
        {"tenant": tenant},
    )
    return [
        HeldModel(
            tenant=row[0],
            organisation=row[1],
            type=row[2],
            source=row[3],
            declared=_DECLARED.decode(row[4]),
            schema=None if row[5] is None else row[5].encode(),
        )
        for row in rows
    ]


async def replace_models(
    connection: Connection, organisation: str, source: str, models: Sequence[HeldModel]
) -> None:
    """Put what a file declares in the place of what it declared before."""
    await execute(
        connection,
        "delete from exchange.model where organisation = %s and source = %s",
        (organisation, source),
    )
    for one in models:
        await execute(
            connection,
            "insert into exchange.model (tenant, organisation, type, source, declared, schema) "
            "values (%s, %s, %s, %s, %s, %s) on conflict (tenant, organisation, type) do update "
            "set source = excluded.source, declared = excluded.declared, "
            "schema = excluded.schema, changed_at = now()",
            (
                one.tenant,
                organisation,
                one.type,
                source,
                _ENCODER.encode(one.declared).decode(),
                None if one.schema is None else one.schema.decode(),
            ),
        )


async def tenants(connection: Connection) -> Sequence[str]:
    """Return the names of all tenants."""
    rows = await fetch_tuples(connection, "select name from exchange.tenant order by name", ())
    return [row[0] for row in rows]


async def chunk(
    connection: Connection, tenant: str, after: int, limit: int
) -> Sequence[tuple[int, str, Entity]]:
    """Return entities in the order of creation, with their numbers and whose they are."""
    rows = await fetch_tuples(connection, _CHUNK, (tenant, after, limit))
    return [(row[0], row[1], _entity(row)) for row in rows]


async def chunk_of_type(
    connection: Connection, tenant: str, type_iri: Iri, after: int, limit: int
) -> Sequence[tuple[int, str, Entity]]:
    """Return entities of a type in the order of creation."""
    asked = _CHUNK.replace("order by", "and e.types @> array[%s::text] order by")
    rows = await fetch_tuples(connection, asked, (tenant, after, type_iri, limit))
    return [(row[0], row[1], _entity(row)) for row in rows]


async def keep_survey(
    connection: Connection, judged: Mapping[GroupKey, Judgement], at: datetime
) -> None:
    """Put what a survey saw in the place of what the last one did, and go on with its course."""
    rows = [{**_named(key), **_row(one)} for key, one in judged.items()]
    found = [
        {**_named(key), **msgspec.to_builtins(finding)}
        for key, one in judged.items()
        for finding in one.findings
    ]
    await execute(connection, "delete from exchange.type_survey", ())
    await execute(connection, _KEEP_SURVEYS, {"at": at, "rows": _ENCODER.encode(rows).decode()})
    await execute(connection, _KEEP_COURSE, ())
    await execute(
        connection, "delete from exchange.quality_course where at < %s", (at - COURSE_KEPT,)
    )
    await execute(connection, "delete from exchange.quality_finding", ())
    await execute(connection, _KEEP_FINDINGS, (_ENCODER.encode(found).decode(),))


async def surveys(
    connection: Connection, tenant: str, type_iri: Iri | None = None
) -> Sequence[TypeSurvey]:
    """Return what the last survey saw of types, 500 at most."""
    rows = await fetch_tuples(connection, _SURVEYS, {"tenant": tenant, "type": type_iri})
    names = TypeSurvey.__struct_fields__
    made = []
    for row in rows:
        values: dict[str, Any] = dict(zip(names, row, strict=True))
        values["components"] = msgspec.json.decode(
            values["components"], type=dict[Component, float]
        )
        values["attributes"] = msgspec.json.decode(
            values["attributes"], type=list[AttributeQuality]
        )
        made.append(TypeSurvey(**values))
    return made


async def course(
    connection: Connection, tenant: str, type_iri: Iri, since: datetime
) -> Sequence[QualityInstant]:
    """Return the quality of a type hour by hour."""
    return await fetch_all(
        connection,
        QualityInstant,
        "select organisation, at, entities, score from exchange.quality_course "
        "where tenant = %s and type = %s and at >= %s order by organisation, at",
        (tenant, type_iri, since),
    )


async def findings(
    connection: Connection, tenant: str, type_iri: Iri, most: int
) -> Sequence[Finding]:
    """Return the worst entities of a type, ``most`` of each kind."""
    rows = await fetch_tuples(
        connection,
        "select kind, entity, attribute, weight, since, value, bound, told "
        "from (select f.*, row_number() over "
        "(partition by kind order by weight desc, entity, attribute) as place "
        "from exchange.quality_finding f where tenant = %s and type = %s) as f "
        "where place <= %s order by kind, place",
        (tenant, type_iri, most),
    )
    return [
        Finding(
            kind=Component(row[0]),
            entity=row[1],
            attribute=row[2],
            weight=row[3],
            since=row[4],
            value=row[5],
            bound=row[6],
            told=row[7],
        )
        for row in rows
    ]


async def feed(connection: Connection, feeders: Sequence[Feeder]) -> None:
    """Add to what accounts wrote."""
    await execute(connection, _FEED, (_ENCODER.encode(feeders).decode(),))


async def feeders(
    connection: Connection, tenant: str, type_iri: Iri | None = None
) -> Sequence[Feeder]:
    """Return who writes entities of a type, the last first."""
    return await fetch_all(
        connection,
        Feeder,
        "select tenant, organisation, type, account, writes, unfit, refused, last_at "
        "from exchange.type_feeder where tenant = %(tenant)s "
        "and (%(type)s::text is null or type = %(type)s) order by last_at desc limit 1000",
        {"tenant": tenant, "type": type_iri},
    )


def _named(key: GroupKey) -> dict[str, str]:
    return dict(zip(("tenant", "organisation", "type"), key, strict=True))


def _row(one: Judgement) -> dict[str, Any]:
    rhythm = one.rhythm
    return {
        "entities": one.entities,
        "changed_at": one.changed_at,
        "observed_at": one.observed_at,
        "period_s": None if rhythm is None else rhythm.period_s,
        "silent_after_s": None if rhythm is None else rhythm.silent_after_s,
        "score": one.score,
        "components": one.components,
        "attributes": one.attributes,
    }


def _entity(row: tuple[Any, ...]) -> Entity:
    return Entity(
        id=row[2],
        types=tuple(row[3]),
        attributes=_ATTRIBUTES.decode(row[4]),
        modified_at=row[5],
    )
