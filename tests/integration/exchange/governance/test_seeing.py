"""PostgreSQL shows of others' entities what Python does, whatever is asked, given and held."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from beffroi.exchange import store
from beffroi.exchange.asking import inventory
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Question
from beffroi.exchange.asking.reach import EVERYWHERE, Reach, Realm
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.governance.granting import Grant
from beffroi.exchange.model import LOCATION, Entity
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.geo import places_asked
from beffroi.exchange.query.logic import ANYTHING
from beffroi.exchange.store import EntityRow, HeldEntity
from beffroi.exchange.writing.committing import _bounds
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase
from tests.unit.exchange.governance.random_policies import OWNERS, grants
from tests.unit.exchange.query.random_questions import entities, geometries, queries

NAMES = Context({}, source=[])
ALL = Realm("", EVERYWHERE)
FEW = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
Owned = list[tuple[str, Entity]]
owned = st.lists(st.tuples(st.sampled_from(OWNERS), entities()), min_size=1, max_size=5)


class _Undone(Exception):  # noqa: N818 - it is no error: it ends an example
    pass


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "exchange")


@asynccontextmanager
async def kept(database: Database, some: Owned) -> AsyncIterator[Connection]:
    """Keep entities in a transaction that leaves no trace."""
    with suppress(_Undone):
        async with database.transaction(EVERYTHING) as connection:
            await store.keep_entities(connection, [_row(*one) for one in some])
            yield connection
            raise _Undone


def _row(organisation: str, entity: Entity) -> EntityRow:
    return EntityRow(
        tenant="",
        organisation=organisation,
        id=entity.id,
        types=entity.types,
        scopes=entity.scopes,
        document=entity.attributes,
        bounds=_bounds(entity),
        created_at=entity.created_at,
        modified_at=entity.modified_at,
        expires_at=entity.expires_at,
    )


def _numbered(some: Owned) -> Owned:
    return [
        (owner, replace(one, id=f"{one.id}{place}", types=_types(one)))
        for place, (owner, one) in enumerate(some)
    ]


def _types(entity: Entity) -> tuple[str, ...]:
    return tuple(f"https://example.org/{one}" for one in entity.types)


def _question(text: str) -> Question:
    try:
        return read_condition(text, NAMES).question()
    except BadRequestDataError:
        return ANYTHING


def _placed(relation: str, area: dict[str, Any]) -> Question:
    try:
        return places_asked(relation, area["type"], area["coordinates"], LOCATION)
    except BadRequestDataError:
        return ANYTHING


async def _compare(database: Database, some: Owned, reach: Reach, question: Question) -> None:
    """Ask PostgreSQL, and every entity as PostgreSQL gives it back."""
    realm = Realm("", reach)
    async with kept(database, some) as connection:
        whole = await asked_store.entities(connection, ALL, ANYTHING.asked, limit=9)
        held = await asked_store.entities(connection, realm, question.asked, limit=9)
        counted = await asked_store.count_entities(connection, realm, question.asked)
    found = [one.entity for one in held if question.wanted(one.entity)]
    shown = [reach.seen(one) for one in whole]
    expected = [one for one in shown if one is not None and question.wanted(one)]
    assert len(whole) == len(some)
    assert _told(found) == _told(expected)
    if question.asked.exact:
        assert counted == len(expected)


def _told(some: list[Entity]) -> list[tuple[object, ...]]:
    return sorted((one.id, one.types, sorted(one.attributes.items(), key=str)) for one in some)


@FEW
@given(some=owned, given_=grants(), query=queries, own=st.sampled_from(("arras", "asker", "")))
async def test_a_query_finds_what_may_be_seen_and_tests_nothing_else(
    database: Database, some: Owned, given_: tuple[Grant, ...], query: str, own: str
) -> None:
    reach = Reach(Scope(own), tuple(one for one in given_ if one.owner != own))
    await _compare(database, _numbered(some), reach, _question(query))


@FEW
@given(
    some=owned,
    given_=grants(),
    area=geometries,
    relation=st.sampled_from(("within", "intersects", "disjoint")),
)
async def test_a_place_that_may_not_be_seen_is_nowhere(
    database: Database, some: Owned, given_: tuple[Grant, ...], area: dict[str, Any], relation: str
) -> None:
    question = _placed(relation, area)
    await _compare(database, _numbered(some), Reach(Scope("asker"), given_), question)


@FEW
@given(some=owned, given_=grants())
async def test_discovery_names_what_may_be_seen_and_nothing_else(
    database: Database, some: Owned, given_: tuple[Grant, ...]
) -> None:
    reach, numbered = Reach(Scope("asker"), given_), _numbered(some)
    shown = [reach.seen(HeldEntity(owner, 0, one)) for owner, one in numbered]
    expected = {
        (kind, name)
        for one in shown
        if one is not None
        for kind in one.types
        for name in (one.attributes or {"": ()})
    }
    async with kept(database, numbered) as connection:
        uses = await inventory.type_uses(connection, Realm("", reach), None, None)
    told = {(one.type, one.attribute) for one in uses}
    assert {one for one in told if one[1]} == {one for one in expected if one[1]}
    assert {kind for kind, _ in told} == {kind for kind, _ in expected}
