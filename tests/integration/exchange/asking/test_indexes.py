"""Indexes come and go with what is asked, and no answer depends on them."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from beffroi.exchange.asking import finding
from beffroi.exchange.asking.indexes import AskedIndexes
from beffroi.exchange.asking.reach import EVERYWHERE, Realm
from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY, Context, Term
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.inquiry import PlaceAsked, place_question
from beffroi.exchange.query.logic import all_of
from beffroi.exchange.query.type_selection import types_asked
from beffroi.kernel.database import Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.asking.conftest import Town
from tests.unit.exchange.query.random_questions import NAMES, NOW, TYPES, entities, queries

PLAIN = Context({name: Term(name) for name in TYPES}, source=[])
ALL = Realm("", EVERYWHERE)
MADE = r"select count(*) from pg_indexes where indexname ~ '^asked_\d+$'"


@pytest.fixture
async def indexes(database: Database) -> AskedIndexes:
    """Indexes of every attribute that random questions ask for."""
    made = AskedIndexes(database)
    for name in NAMES:
        await wish(database, DEFAULT_VOCABULARY + name)
        await made.keep_up()
    assert len(made.ready) == len(NAMES)
    return made


async def wish(database: Database, attribute: str, times: int = 3) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into exchange.asked_index (attribute, asked) values (%s, %s)",
            (attribute, times),
        )


def said(value: object) -> Entity:
    name = DEFAULT_VOCABULARY + "speed"
    attribute = Attribute(kind=AttributeKind.PROPERTY, value=value)
    return Entity(
        id="urn:a",
        types=("Bus",),
        attributes={name: (attribute,)},
        created_at=NOW,
        modified_at=NOW,
    )


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kept=st.lists(entities(), min_size=1, max_size=5),
    query=queries,
    types=st.sampled_from(("*", "Bus", "Bus,Stop")),
)
@example(
    kept=[said(31), said([31]), said({"@value": 31}), said("31")], query="speed==31", types="*"
)
@example(kept=[said(1e23), said(10**23), said(1)], query="speed==1e23|speed==true", types="Bus")
@example(kept=[said(30), said(31), said(31.5), said("a")], query="speed>30;speed<=31", types="Bus")
@example(kept=[said("é" * 300), said("é")], query=f'speed=="{"é" * 300}"', types="Bus")
@example(kept=[said(-1e300), said(0), said([-5])], query="speed<0", types="*")
@example(kept=[said(30), said(31), said(32)], query="speed==30..31", types="Bus")
async def test_an_index_leaves_out_nothing_that_is_asked_for(
    town: Town, indexes: AskedIndexes, kept: list[Entity], query: str, types: str
) -> None:
    question = all_of([types_asked(types, PLAIN), read_condition(query, PLAIN_NAMES).question()])
    async with town([("arras", one) for one in kept]) as connection:
        expected = await finding.ids(connection, ALL, question, NOW)
        async with indexes.timed(connection, ALL, question) as narrowed:
            assert await finding.ids(connection, ALL, narrowed, NOW) == expected
        if question.asked.lookups:
            assert narrowed is not question


PLAIN_NAMES = Context({}, source=[])


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    kept=st.lists(entities(), min_size=1, max_size=5),
    metres=st.sampled_from((1500, 10**7)),
    types=st.sampled_from(("*", "Bus", "Bus,Stop")),
)
async def test_a_place_is_asked_for_among_those_that_are_near(
    database: Database, town: Town, kept: list[Entity], metres: int, types: str
) -> None:
    place = PlaceAsked(
        georel=f"near;maxDistance=={metres}", geometry="Point", coordinates=[2.5, 50.3]
    )
    question = all_of([types_asked(types, PLAIN), place_question(place, PLAIN_NAMES)])
    async with town([("arras", one) for one in kept]) as connection:
        expected = await finding.ids(connection, ALL, question, NOW)
        async with AskedIndexes(database).timed(connection, ALL, question) as narrowed:
            assert "e.number" in narrowed.asked.sql
            assert await finding.ids(connection, ALL, narrowed, NOW) == expected


@pytest.mark.parametrize(("many", "asked"), [(250, "case when"), (150, "e.number = any")])
async def test_where_many_are_in_an_area_the_first_ones_are_looked_at(
    database: Database, town: Town, many: int, asked: str
) -> None:
    point = {"type": "Point", "coordinates": [2.5, 50.3]}
    bus = Entity(
        id="urn:bus:",
        types=("Bus",),
        attributes={LOCATION: (Attribute(kind=AttributeKind.GEO_PROPERTY, value=point),)},
        created_at=NOW,
        modified_at=NOW,
    )
    place = PlaceAsked(georel="near;maxDistance==1500", geometry="Point", coordinates=[2.5, 50.3])
    question = all_of([types_asked("Bus", PLAIN), place_question(place, PLAIN_NAMES)])
    async with (
        town([("arras", bus)] * many) as connection,
        AskedIndexes(database).timed(connection, ALL, question) as narrowed,
    ):
        assert narrowed.asked.sql.startswith(asked)
        assert len(await finding.ids(connection, ALL, narrowed, NOW)) == many


@pytest.mark.parametrize(
    ("early", "late", "served"),
    [(30, 30, "walk"), (1, 30, "index"), (1, 1, "index")],
    ids=["half of them", "many, none of the first", "none"],
)
async def test_an_index_serves_where_a_walk_would_be_long(
    town: Town, indexes: AskedIndexes, early: int, late: int, served: str
) -> None:
    speeding = read_condition("speed>20", PLAIN_NAMES).question()
    question = all_of([types_asked("Bus", PLAIN), speeding])
    values = [early] * 250 + [late] * 250
    async with (
        town([("arras", said(one)) for one in values]) as connection,
        indexes.timed(connection, ALL, question) as narrowed,
    ):
        found = await finding.ids(connection, ALL, narrowed, NOW)
    assert ("walk" if narrowed is question else "index") == served
    assert len(found) == sum(one > 20 for one in values)


async def test_an_index_is_made_once_it_was_missed_three_times_and_goes_when_nobody_asks(
    database: Database,
) -> None:
    indexes = AskedIndexes(database)
    await wish(database, "urn:it's 100 %", times=2)
    await indexes.keep_up()
    assert not indexes.ready
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "update exchange.asked_index set asked = asked + 1")
    await indexes.keep_up()
    assert indexes.ready == {"urn:it's 100 %"}
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, MADE) == 1
        await execute(
            connection, "update exchange.asked_index set asked_at = now() - interval '15 d'"
        )
    await indexes.keep_up()
    assert not indexes.ready
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, MADE) == 0
