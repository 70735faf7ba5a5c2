"""Whoever asks reaches what is theirs, by every question, and nothing else."""

import re
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import beffroi.exchange
from beffroi.exchange import store
from beffroi.exchange.asking import finding, inventory, kept_counts
from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.question import Window
from beffroi.exchange.asking.reach import Reach, Realm, asking
from beffroi.exchange.contexts.terms import Context, Term
from beffroi.exchange.map import store as map_store
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.exchange.query.conditions import read_condition
from beffroi.exchange.query.logic import EVERYTHING as ALL
from beffroi.exchange.query.logic import all_of
from beffroi.exchange.query.type_selection import types_asked
from beffroi.exchange.temporal import store as temporal_store
from beffroi.exchange.viewing.held_types import types_held
from beffroi.kernel.database import Connection, Database, Scope, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.asking.conftest import Town, row_of
from tests.unit.exchange.query.random_questions import NOW, TYPES, entities, queries

OWNERS = ("arras", "lens", "douai")
SCOPES = (*map(Scope, OWNERS), Scope("liévin"), Scope(), Scope(everything=True))
NAMES = Context({name: Term(name) for name in TYPES}, source=[])
FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@FEW
@given(
    kept=st.lists(st.tuples(st.sampled_from(OWNERS), entities()), min_size=1, max_size=5),
    scope=st.sampled_from(SCOPES),
    query=queries,
    types=st.sampled_from(("*", "Bus", "Bus,Stop", "(Bus;Stop)|Tram")),
)
async def test_a_question_finds_what_the_asker_reaches_in_the_order_of_creation(
    town: Town, kept: list[tuple[str, Entity]], scope: Scope, query: str, types: str
) -> None:
    question = all_of([types_asked(types, NAMES), read_condition(query, NAMES).question()])
    wanted = [
        f"{entity.id}{place}"
        for place, (owner, entity) in enumerate(kept)
        if (scope.everything or owner == scope.organisation) and question.wanted(entity)
    ]
    realm, found = Realm("", Reach(scope)), []
    async with town(kept) as connection:
        for offset in range(0, len(kept) + 1, 2):
            window = Window(offset, 2, count=True)
            page = await finding.page_of(connection, realm, question, window, NOW)
            assert page.count == len(wanted)
            found += [one.id for one in page.entities]
        assert await finding.ids(connection, realm, question, NOW) == wanted
    assert found == wanted


async def test_what_others_have_is_found_by_no_verb(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await _keep_one(connection)
    for owner in ("arras", "lens"):
        realm = Realm("", Reach(Scope(owner)))
        async with asking(database, realm.reach) as connection:
            view = MapView(2.5, 50.3, 8)
            told = [
                await asked_store.entity_by_id(connection, realm, "urn:a0"),
                await asked_store.entities(connection, realm, ALL, limit=9),
                await asked_store.entity_ids(connection, realm, ALL),
                await asked_store.count_entities(connection, realm, ALL),
                await inventory.type_uses(connection, realm, None, None),
                await inventory.type_names(connection, realm),
                await inventory.attribute_instances(connection, realm, "urn:speed"),
                await map_store.clusters(connection, realm, view, None),
                await map_store.clusters(connection, realm, view, "Bus"),
                await map_store.latest_bounds(connection, realm, None),
                await types_held(connection, realm),
                await kept_counts.counts(connection, realm),
                await asked_store.entities_beyond(connection, realm, ALL, offset=0, limit=9),
                await temporal_store.known_entity(connection, realm, "urn:a0"),
            ]
        assert [bool(one) for one in told] == [owner == "arras"] * len(told)


async def test_what_is_no_more_is_known_to_its_owner_alone(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into exchange.evolution (tenant, id, organisation, types, scopes, created_at, "
            "modified_at) values ('', 'urn:b', 'arras', '{Bus}', '{}', now(), now())",
        )
    for owner in ("arras", "lens"):
        realm = Realm("", Reach(Scope(owner)))
        async with asking(database, realm.reach) as connection:
            known = await temporal_store.known_entity(connection, realm, "urn:b")
        assert (known is not None) is (owner == "arras")


async def test_whatever_does_not_ask_is_held_by_row_level_security(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await _keep_one(connection)
    reach = Reach(Scope("lens"))
    async with asking(database, reach) as connection:
        assert await fetch_value(connection, "select count(*) from exchange.entity") == 0
    async with database.transaction(reach.scope) as connection:
        assert await fetch_value(connection, "select count(*) from exchange.entity") == 0
        assert await fetch_value(connection, "select count(*) from exchange.history") == 0
        assert await fetch_value(connection, "select count(*) from exchange.entity_asked") == 1


async def test_nothing_is_written_where_questions_read(database: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "insert into exchange.entity_asked (id) values ('urn:a')")


def test_the_way_past_the_policies_is_known_to_few() -> None:
    folder = Path(beffroi.exchange.__file__).parent
    users = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if re.search(r"\bENTITIES\b|entity_asked", path.read_text(encoding="utf-8"))
    }
    assert users == {
        "asking/reach.py",
        "asking/store.py",
        "viewing/store.py",
        "temporal/store.py",
        "governance/counting.py",
        "governance/subject_store.py",
    }


async def _keep_one(connection: Connection) -> None:
    point = {"type": "Point", "coordinates": [2.5, 50.3]}
    entity = Entity(
        id="urn:a",
        types=("Bus",),
        attributes={
            "urn:speed": (Attribute(kind=AttributeKind.PROPERTY, value=31),),
            LOCATION: (Attribute(kind=AttributeKind.GEO_PROPERTY, value=point),),
        },
        created_at=NOW,
        modified_at=NOW,
    )
    await store.keep_entities(connection, [row_of("arras", entity, 0)])
