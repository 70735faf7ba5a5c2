"""A map drawn from kept cells shows what a count of the entities shows, to whom it concerns."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from math import floor

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from beffroi.exchange import store
from beffroi.exchange.asking.reach import Reach, Realm
from beffroi.exchange.map import store as map_store
from beffroi.exchange.map.grid import MapGrid, level_for
from beffroi.exchange.map.view import MapView
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.kernel.database import Connection, Database, Scope, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.integration.exchange.asking.conftest import row_of
from tests.unit.exchange.query.random_questions import NOW

_VIEW = MapView(2.5, 50.3, 8)
_OWNERS = ("arras", "lens")
_TYPES = (("Bus",), ("Stop",), ("Bus", "Stop"))
_PLACES = st.tuples(
    st.sampled_from(_OWNERS),
    st.sampled_from(_TYPES),
    st.sampled_from((2.2, 2.5000001, 2.51, 2.9, 12.0)),
    st.sampled_from((50.1, 50.3000001, 50.31, 50.5)),
    st.booleans(),
)
_Place = tuple[str, tuple[str, ...], float, float, bool]


def _entity(place: _Place) -> Entity:
    _, types, longitude, latitude, ends = place
    point = {"type": "Point", "coordinates": [longitude, latitude]}
    return Entity(
        id="urn:a",
        types=types,
        attributes={LOCATION: (Attribute(kind=AttributeKind.GEO_PROPERTY, value=point),)},
        created_at=NOW,
        modified_at=NOW,
        expires_at=NOW + timedelta(days=36_500) if ends else None,
    )


async def _keep(connection: Connection, places: Sequence[_Place]) -> None:
    rows = [row_of(one[0], _entity(one), number) for number, one in enumerate(places)]
    if rows:
        await store.keep_entities(connection, rows)


def _expected(places: Sequence[_Place], owner: str, type_iri: str | None) -> Counter[object]:
    west, north = _VIEW.edges["west"], _VIEW.edges["north"]
    east, south = _VIEW.edges["east"], _VIEW.edges["south"]
    return Counter(
        (floor(longitude / _VIEW.cell_width), floor(latitude / _VIEW.cell_height))
        for own, types, longitude, latitude, _ in places
        if owner in ("", own)
        and (type_iri is None or type_iri in types)
        and west <= longitude < east
        and south <= latitude < north
    )


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.lists(_PLACES, min_size=1, max_size=6),
    second=st.lists(_PLACES, max_size=6),
    gone=st.integers(0, 3),
    owner=st.sampled_from((*_OWNERS, "")),
    type_iri=st.sampled_from((None, "Bus")),
)
@example(
    first=[("arras", ("Bus",), 2.51, 50.31, False)],
    second=[("lens", ("Bus",), 2.51, 50.31, False)],
    gone=0,
    owner="arras",
    type_iri=None,
)
async def test_a_map_from_kept_cells_is_that_of_the_entities(
    database: Database,
    first: list[_Place],
    second: list[_Place],
    gone: int,
    owner: str,
    type_iri: str | None,
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
    held = [*second, *first[len(second) :]][gone:]
    realm = Realm("", Reach(Scope(owner, everything=not owner)))
    assert level_for(realm, _VIEW) is not None

    for _ in range(2):
        async with database.transaction(realm.reach.scope) as connection:
            found = await map_store.clusters(connection, realm, _VIEW, type_iri)
        told = {
            (floor(one.longitude / _VIEW.cell_width), floor(one.latitude / _VIEW.cell_height)): (
                one.entities
            )
            for one in found
        }
        assert told == _expected(held, owner, type_iri)
        assert all(bool(one.id) is (one.entities == 1) for one in found)
        await grid.keep_up()
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from exchange.map_change") == 0


async def test_a_measure_leaves_the_map_as_it_is(database: Database) -> None:
    entity = _entity(("arras", ("Bus",), 2.5, 50.3, False))
    async with database.transaction(EVERYTHING) as connection:
        await store.keep_entities(connection, [row_of("arras", entity, 0)])
        same = replace(entity, modified_at=NOW + timedelta(hours=1))
        await store.keep_entities(connection, [row_of("arras", same, 0)])
        assert await fetch_value(connection, "select count(*) from exchange.map_change") == 1
