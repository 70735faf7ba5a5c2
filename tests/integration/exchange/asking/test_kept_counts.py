"""Counts that are kept are those of the entities, to whom it concerns; pages deep in are cheap."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.exchange import store
from beffroi.exchange.asking import kept_counts
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import SqlFilter, of_type
from beffroi.exchange.asking.reach import Reach, Realm, asking
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.map.grid import MapGrid
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.query.type_selection import types_asked
from beffroi.kernel.database import Connection, Database, Scope, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.asking.conftest import row_of
from tests.unit.exchange.query.random_questions import NOW

_OWNERS = ("arras", "lens")
_TYPES = (("Bus",), ("Stop",), ("Bus", "Stop"), ("Stop", "Bus", "Tram"))
_KINDS = st.tuples(st.sampled_from(_OWNERS), st.sampled_from(_TYPES), st.sampled_from((0, 1, 2)))
_Kind = tuple[str, tuple[str, ...], int]
_HERE, _LATER, _EXPIRED = range(3)
_ENDS = {_HERE: None, _LATER: NOW + timedelta(days=36_500), _EXPIRED: NOW - timedelta(days=900)}


def _entity(kind: _Kind) -> Entity:
    _, types, ends = kind
    return Entity(
        id="urn:a",
        types=types,
        attributes={"speed": (Attribute(kind=AttributeKind.PROPERTY, value=31),)},
        created_at=NOW,
        modified_at=NOW,
        expires_at=_ENDS[ends],
    )


async def _keep(connection: Connection, kinds: Sequence[_Kind]) -> None:
    rows = [row_of(one[0], _entity(one), number) for number, one in enumerate(kinds)]
    if rows:
        await store.keep_entities(connection, rows)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.lists(_KINDS, min_size=1, max_size=6),
    second=st.lists(_KINDS, max_size=6),
    gone=st.integers(0, 3),
    owner=st.sampled_from((*_OWNERS, "")),
)
async def test_counts_that_are_kept_are_those_of_the_entities(
    database: Database, first: list[_Kind], second: list[_Kind], gone: int, owner: str
) -> None:
    grid = MapGrid(database)
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "delete from exchange.entity")
        await _keep(connection, first)
    await grid.keep_up()
    async with database.transaction(EVERYTHING) as connection:
        await _keep(connection, second)
        keys = [("", f"urn:a{one}") for one in range(gone)]
        met = await store.held_for_update(connection, keys, {})
        await store.forget_entities(connection, [one.place for one in met.values()])
    there = [
        types
        for own, types, ends in [*second, *first[len(second) :]][gone:]
        if owner in ("", own) and ends != _EXPIRED
    ]
    realm = Realm("", Reach(Scope(owner, everything=not owner)))
    for _ in range(2):
        async with asking(database, realm.reach) as connection:
            assert await kept_counts.counts(connection, realm) == Counter(
                one for types in there for one in types
            )
            for asked in (["Bus"], ["Bus", "Stop"], ["Stop", "Tram"]):
                found = await kept_counts.count_of_types(connection, realm, asked)
                assert found == sum(1 for types in there if not set(asked).isdisjoint(types))
        await grid.keep_up()
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from exchange.type_change") == 0


async def test_a_measure_leaves_the_counts_as_they_are(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        for _ in range(2):
            await _keep(connection, [("arras", ("Bus",), _HERE)])
        assert await fetch_value(connection, "select count(*) from exchange.type_change") == 1


async def test_nobody_is_told_how_many_a_neighbour_has(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await _keep(connection, [("lens", ("Bus",), _HERE)])
    await MapGrid(database).keep_up()
    for scope in (Scope("arras"), Scope("")):
        async with database.transaction(scope) as connection:
            for count in (
                "select count(*) from exchange.type_count",
                "select count(*) from exchange.type_change",
            ):
                assert await fetch_value(connection, count) == 0


def test_types_alone_are_told_from_questions_that_ask_for_more() -> None:
    for text in ("Bus", "Bus,Stop", "Bus|Stop,Tram"):
        assert types_asked(text, CORE).asked.is_types_alone, text
    for text in ("(Bus;Stop)", "Bus,(Stop;Tram)", "(Bus,Stop);Tram", "*"):
        assert not types_asked(text, CORE).asked.is_types_alone, text


async def test_a_page_deep_in_looks_at_no_more_entities_than_it_shows(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        # What is not on disk yet is not marked as seen by all.
        await execute(connection, "set local synchronous_commit = on")
        await _keep(connection, [("arras", ("Bus",), _HERE)] * 300)
    connection = await database.dedicated()
    async with connection:
        await connection.execute(b"vacuum analyze exchange.entity")
    realm = Realm("", Reach(Scope("arras")))
    for asked in (of_type("Bus"), SqlFilter("true")):
        async with asking(database, realm.reach) as connection:
            await execute(connection, "set local enable_seqscan = off")
            await execute(connection, "set local enable_bitmapscan = off")
            before = await _looked_at(connection)
            found = await asked_store.entities_beyond(connection, realm, asked, offset=280, limit=5)
            assert [one.entity.id for one in found] == [
                f"urn:a{place}" for place in range(280, 285)
            ]
            assert await _looked_at(connection) - before <= len(found)


async def _looked_at(connection: Connection) -> int:
    found = await fetch_value(
        connection,
        "select idx_tup_fetch from pg_stat_xact_user_tables "
        "where schemaname = 'exchange' and relname = 'entity'",
    )
    return int(found)
