"""What PostgreSQL is told of a question never leaves out an entity that is asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beffroi.exchange import store
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Question
from beffroi.exchange.asking.reach import EVERYWHERE, Realm
from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY, Context, Term
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.geo import Relation, places_asked
from beffroi.exchange.query.inquiry import Selector, selected
from beffroi.exchange.query.parameters import inquiry_of
from beffroi.exchange.query.scope import scopes_asked
from beffroi.exchange.store import EntityRow
from beffroi.exchange.writing.committing import _bounds
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase
from tests.unit.exchange.query.random_questions import (
    NOW,
    TYPES,
    entities,
    geometries,
    queries,
)

NAMES = Context({}, source=[])
ALL = Realm("", EVERYWHERE)
PLAIN = Context({name: Term(name) for name in TYPES}, source=[])
FEW = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class _Undone(Exception):  # noqa: N818 - it is no error: it ends an example
    pass


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "exchange")


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction that leaves no trace, so that examples do not see one another."""
    with suppress(_Undone):
        async with database.transaction(EVERYTHING) as connection:
            yield connection
            raise _Undone


def row_of(entity: Entity, number: int) -> EntityRow:
    return EntityRow(
        tenant="",
        organisation="ville",
        id=f"{entity.id}{number}",
        types=entity.types,
        scopes=entity.scopes,
        document=entity.attributes,
        bounds=_bounds(entity),
        created_at=entity.created_at,
        modified_at=entity.modified_at,
        expires_at=entity.expires_at,
    )


async def compare(database: Database, kept: list[Entity], question: Question) -> None:
    """Ask PostgreSQL and every entity as PostgreSQL gives it back."""
    async with undone(database) as connection:
        rows = [row_of(entity, number) for number, entity in enumerate(kept)]
        await store.keep_entities(connection, rows)
        everything = Question(asked=question.asked, wanted=question.wanted)
        all_held = await asked_store.entities(
            connection, ALL, selected([], NAMES).asked, limit=len(kept) + 1
        )
        wanted = {one.entity.id for one in all_held if everything.wanted(one.entity)}
        found = {
            one.entity.id
            for one in await asked_store.entities(
                connection, ALL, question.asked, limit=len(kept) + 1
            )
        }
        counted = await asked_store.count_entities(connection, ALL, question.asked)
    assert len(all_held) == len(kept)
    assert wanted <= found
    assert counted == len(found)
    if question.asked.exact:
        assert wanted == found


def prop(value: Any) -> Entity:
    attribute = Attribute(kind=AttributeKind.PROPERTY, value=value)
    name = DEFAULT_VOCABULARY + "speed"
    return Entity(
        id="urn:a",
        types=("Bus",),
        attributes={name: (attribute,)},
        created_at=NOW,
        modified_at=NOW,
    )


def at(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def place(longitude: float, latitude: float) -> Entity:
    value = at(longitude, latitude)
    attribute = Attribute(kind=AttributeKind.GEO_PROPERTY, value=value)
    return Entity(
        id="urn:a",
        types=("Bus",),
        attributes={LOCATION: (attribute,)},
        created_at=NOW,
        modified_at=NOW,
    )


@FEW
@given(kept=st.lists(entities(), min_size=1, max_size=4), query=queries)
@example(kept=[prop([[31]]), prop([31]), prop({"@value": [31]})], query="speed==31")
@example(kept=[prop({"@value": 31}), prop({"@value": "a"})], query='speed==31|speed=="a"')
@example(kept=[prop({"@value": 31}), prop({"@value": "a"})], query='speed>30|speed~="^a"')
@example(kept=[prop({"city": [31]}), prop([{"city": 31}])], query="speed[city]==31")
@example(kept=[prop(1e23), prop(10**23)], query="speed==1e23")
@example(kept=[prop(value=True), prop(1)], query="speed==1|speed==true")
@example(kept=[prop("\U0001f600"), prop("\uffee")], query='speed>"\uffed"')
async def test_a_query_finds_all_that_it_asks_for(
    database: Database, kept: list[Entity], query: str
) -> None:
    await compare(database, kept, read_condition(query, NAMES).question())


@FEW
@given(
    kept=st.lists(entities(), min_size=1, max_size=4),
    reference=geometries,
    georel=st.sampled_from([one for one in Relation if one is not Relation.NEAR])
    | st.builds(
        "near;{}Distance=={}".format,
        st.sampled_from(("max", "min")),
        st.sampled_from((1, 1_500, 30_000, 2_000_000, 15_000_000, 21_000_000)),
    ),
)
@example(kept=[place(-179.9, 0)], reference=at(179.9, 0), georel="near;maxDistance==30000")
@example(kept=[place(179.9, 0)], reference=at(-179.9, 0), georel="near;maxDistance==30000")
@example(kept=[place(180, 89.9)], reference=at(0, 89.9), georel="near;maxDistance==30000")
@example(kept=[place(-60, -89.9)], reference=at(9, -89), georel="near;maxDistance==200000")
@example(kept=[place(2.78, 60)], reference=at(2.5, 60), georel="near;maxDistance==15700")
async def test_a_place_finds_all_that_is_there(
    database: Database, kept: list[Entity], reference: dict[str, Any], georel: str
) -> None:
    question = geo_question(georel, reference)
    if question is not None:
        await compare(database, kept, question)


def geo_question(georel: str, reference: dict[str, Any]) -> Question | None:
    """Ask; None for a polygon that goes around nothing, which is refused."""
    try:
        return places_asked(georel, reference["type"], reference["coordinates"], LOCATION)
    except BadRequestDataError:
        return None


@FEW
@given(
    kept=st.lists(entities(), min_size=1, max_size=4),
    scope=st.sampled_from(
        (
            "/Nord",
            "/#",
            "/Nord/#",
            "/+/Douai",
            "/Nord/+",
            "/+/+/#",
            "Sud/Douai",
            "/Nord;/Sud/Douai",
            "(/Nord;/Nord_2),/Sud/#",
            "/Nord|/Sud/Douai",
        )
    ),
)
async def test_a_scope_finds_all_that_is_in_it(
    database: Database, kept: list[Entity], scope: str
) -> None:
    question = scopes_asked(scope)
    assert question.asked.exact
    await compare(database, kept, question)


@FEW
@given(
    kept=st.lists(entities(), min_size=1, max_size=4),
    types=st.sampled_from(("", "*", "Bus", "Bus,Stop", "(Bus;Stop)|Tram")),
    pattern=st.sampled_from(
        ("", "urn:ngsi-ld:Bus:.*", "^urn:ngsi-ld:Bus:1", "Bus:1+$", "a|12", "^urn:a.$", "Bus")
    ),
    ids=st.sampled_from(((), ("urn:a0", "urn:ngsi-ld:Bus:11"))),
)
async def test_a_selector_finds_all_that_it_names(
    database: Database, kept: list[Entity], types: str, pattern: str, ids: tuple[str, ...]
) -> None:
    question = selected([Selector(ids=ids, id_pattern=pattern, types=types)], PLAIN)
    await compare(database, kept, question)


async def test_everything_at_once_is_one_question(database: Database) -> None:
    question = inquiry_of(
        {
            "type": "Bus|Stop",
            "idPattern": "^urn:.*",
            "attrs": "speed,name",
            "q": "speed>=31|!name",
            "scopeQ": "/Nord/#",
            "georel": "near;maxDistance==2000",
            "geometry": "Point",
            "coordinates": "[2.5,50.3]",
        },
        NAMES,
    ).question()
    place = Attribute(
        kind=AttributeKind.GEO_PROPERTY, value={"type": "Point", "coordinates": [2.5, 50.301]}
    )
    here = prop(31)
    here = Entity(
        id="urn:here",
        types=(DEFAULT_VOCABULARY + "Bus",),
        scopes=("/Nord/Douai",),
        attributes={**here.attributes, LOCATION: (place,)},
        created_at=NOW,
        modified_at=NOW,
    )
    assert question.wanted(here)
    await compare(database, [here, prop(31)], question)


async def test_an_attribute_that_expires_may_be_asked_for_as_absent(database: Database) -> None:
    fading = prop(31)
    name = DEFAULT_VOCABULARY + "speed"
    attribute = Attribute(kind=AttributeKind.PROPERTY, value=31, expires_at=NOW)
    asked = read_condition("!speed", NAMES).question().asked
    async with undone(database) as connection:
        rows = [
            row_of(fading, 0),
            row_of(
                Entity(
                    id="urn:b",
                    types=("Bus",),
                    created_at=NOW,
                    modified_at=NOW,
                    attributes={name: (attribute,)},
                ),
                1,
            ),
        ]
        await store.keep_entities(connection, rows)
        found = await asked_store.entities(connection, ALL, asked, limit=9)
    assert [one.entity.id for one in found] == ["urn:b1"]
