"""What the writer leaves behind: entities changed in part, whole ones, and one order of the log."""

import asyncio
from contextlib import suppress

import pytest
from msgspec.structs import replace

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.asking.reach import EVERYWHERE, Realm, asking
from beffroi.exchange.errors import AlreadyExistsError
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity
from beffroi.exchange.service import Exchange, Wish
from beffroi.exchange.writing.committing import Command, EntityWriter
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Scope, fetch_tuples
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, InvalidInputError
from beffroi.kernel.log import GroupCommit
from beffroi.kernel.rights.model import Actor, Role
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually

KEY = ("", "urn:ngsi-ld:Bench:1")


def _entity(**values: object) -> Entity:
    now = SystemClock().now()
    attributes: dict[str, tuple[Attribute, ...]] = {
        f"https://example.org/{name}": (Attribute(kind=AttributeKind.PROPERTY, value=value),)
        for name, value in values.items()
    }
    kinds = ("https://example.org/Bench",)
    return Entity(id=KEY[1], types=kinds, attributes=attributes, created_at=now, modified_at=now)


def _with(entity: Entity, place: list[float]) -> Entity:
    value = {"type": "Point", "coordinates": place}
    location = Attribute(kind=AttributeKind.GEO_PROPERTY, value=value)
    return Entity(
        id=entity.id,
        types=entity.types,
        attributes={**entity.attributes, LOCATION: (location,)},
        created_at=entity.created_at,
        modified_at=entity.modified_at,
    )


def _decided(entity: Entity) -> Command:
    return Command(tenant="", id=entity.id, scope=EVERYTHING, decide=lambda _: entity)


async def test_changes_leave_the_entity_that_was_decided_and_its_bounds(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    writer = GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write)
    running = asyncio.create_task(writer.run())
    first = _entity(seats=4, colour="green", wood="oak")
    kept = {name: one for name, one in first.attributes.items() if not name.endswith("wood")}
    new = _entity(seats=5).attributes
    second = Entity(
        id=first.id,
        types=first.types,
        attributes={**kept, **new},
        created_at=first.created_at,
        modified_at=SystemClock().now(),
    )
    for decided in (first, second, _with(second, [4.36, 43.83])):
        assert await writer.submit([_decided(decided)]) == (None,)
        async with database.transaction(EVERYTHING) as connection:
            held = await asked_store.entity_by_id(connection, Realm(KEY[0], EVERYWHERE), KEY[1])
        assert held is not None
        assert held.entity == decided
    async with database.transaction(EVERYTHING) as connection:
        bounds = await fetch_tuples(connection, "select bounds::text from exchange.entity")
    assert bounds == [("(4.36,43.83),(4.36,43.83)",)]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def _counted(command_id: str, name: str) -> Command:
    """Add 1 to what an attribute is."""

    def decide(held: Entity | None) -> Entity:
        assert held is not None
        (told,) = held.attributes[name]
        one = Attribute(kind=AttributeKind.PROPERTY, value=told.value + 1)
        attributes = {**held.attributes, name: (one,)}
        return Entity(
            id=held.id,
            types=held.types,
            attributes=attributes,
            created_at=held.created_at,
            modified_at=SystemClock().now(),
        )

    return Command(tenant="", id=command_id, scope=EVERYTHING, decide=decide)


async def test_two_writers_count_together_though_each_remembers(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    writers = [
        GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write) for _ in range(2)
    ]
    running = [asyncio.create_task(one.run()) for one in writers]
    assert await writers[0].submit([_decided(_entity(seats=0))]) == (None,)
    for number in range(12):
        writer = writers[number // 3 % 2]
        assert await writer.submit([_counted(KEY[1], "https://example.org/seats")]) == (None,)
    async with database.transaction(EVERYTHING) as connection:
        counted = await fetch_tuples(
            connection, "select value from exchange.history order by number"
        )
    assert [value for (value,) in counted] == list(range(13))
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_who_waited_for_another_counts_on_from_what_that_one_wrote(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    first, second = EntityWriter(SystemClock()), EntityWriter(SystemClock())
    count = _counted(KEY[1], "https://example.org/seats")
    async with database.transaction(EVERYTHING) as connection:
        await first.write(connection, [[_decided(_entity(seats=0))]])

    async def wait_and_count() -> None:
        async with database.transaction(EVERYTHING) as waiting:
            await first.write(waiting, [[count]])

    async def is_waited_for() -> bool:
        async with database.transaction(EVERYTHING) as looking:
            rows = await fetch_tuples(looking, "select from pg_locks where not granted")
        return bool(rows)

    async with database.transaction(EVERYTHING) as connection:
        await second.write(connection, [[count]])
        task = asyncio.create_task(wait_and_count())
        await eventually(is_waited_for)
    await task
    async with database.transaction(EVERYTHING) as connection:
        values = await fetch_tuples(
            connection, "select value from exchange.history order by number"
        )
    assert values == [(0,), (1,), (2,)]


async def test_names_that_need_quoting_are_kept_as_they_are(make_database: MakeDatabase) -> None:
    database = await make_database("kernel", "exchange")
    now = SystemClock().now()
    entities = [
        Entity(
            id=f"urn:x:{number}",
            types=('a:"b"', "a:\\c", "a:{d},e"),
            scopes=scopes,
            attributes={'a:"x"\\': (Attribute(kind=AttributeKind.PROPERTY, value="\n\\\"'"),)},
            created_at=now,
            modified_at=now,
        )
        for number, scopes in enumerate(((), ("/NULL", "/a b")))
    ]
    writer = GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write)
    running = asyncio.create_task(writer.run())
    commands = [_decided(one) for one in entities]
    assert await writer.submit(commands) == (None, None)
    async with asking(database, EVERYWHERE) as connection:
        for one in entities:
            held = await asked_store.entity_by_id(connection, Realm("", EVERYWHERE), one.id)
            assert held is not None
            assert held.entity == one
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_one_that_postgresql_refuses_fails_no_other_of_its_batch(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    exchange = Exchange(database, SystemClock())
    running = asyncio.create_task(exchange.run())
    actor = Actor("town", Role.MANAGER, "town")
    first, refused, last = (
        replace(_entity(note=note), id=f"urn:x:{place}")
        for place, note in enumerate(("fine", "not \0 fine", "fine too"))
    )
    with pytest.raises(InvalidInputError):
        await exchange.carry_out(actor, "", [_kept(one) for one in (first, refused, last)])
    async with database.transaction(EVERYTHING) as connection:
        ids = await fetch_tuples(connection, "select id from exchange.entity order by id")
    assert ids == [("urn:x:0",), ("urn:x:2",)]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _kept(entity: Entity) -> Wish:
    return Wish(entity.id, lambda _: entity)


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
async def test_what_cannot_be_looked_into_is_refused_also_where_it_is_overwritten_at_once(
    make_database: MakeDatabase, value: str
) -> None:
    database = await make_database("kernel", "exchange")
    writer = GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write)
    running = asyncio.create_task(writer.run())
    bad, good = await asyncio.gather(
        writer.submit([_decided(_entity(seats=value))]),
        writer.submit([_decided(_entity(seats="\\u0000"))]),
        return_exceptions=True,
    )
    assert isinstance(bad, InvalidInputError)
    assert good == (None,)
    async with database.transaction(EVERYTHING) as connection:
        kept = await fetch_tuples(
            connection,
            "select exchange.instance_of(instance, said) ->> 'value' from exchange.history",
        )
    assert kept == [("\\u0000",)]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_writers_that_make_the_same_entities_wait_for_each_other(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    ids = [f"urn:ngsi-ld:Bench:{number:03}" for number in range(200)]

    async def write(writer: EntityWriter, names: list[str]) -> None:
        commands = [_decided(replace(_entity(seats=4), id=one)) for one in names]
        # Who made none of them finds them at its second try.
        with suppress(ConflictError):
            async with database.transaction(EVERYTHING) as connection:
                await writer.write(connection, [commands])

    one, other = EntityWriter(SystemClock()), EntityWriter(SystemClock())
    await write(one, ["urn:ngsi-ld:Bench:first"])
    for turn in range(8):
        names = [f"{one}:{turn}" for one in ids]
        await asyncio.gather(write(one, names), write(other, names[::-1]))
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_tuples(connection, "select count(*) from exchange.entity") == [(1601,)]
    await write(one, names_in_no_order := ["urn:b", "urn:c", "urn:a"])
    async with database.transaction(EVERYTHING) as connection:
        made = await fetch_tuples(
            connection, "select id from exchange.entity order by number desc limit 3"
        )
    assert [row[0] for row in reversed(made)] == names_in_no_order


async def test_what_another_process_makes_meanwhile_is_not_written_over(
    make_database: MakeDatabase,
) -> None:
    database = await make_database("kernel", "exchange")
    writer = GroupCommit(database, EVERYTHING, EntityWriter(SystemClock()).write)

    def made_by(organisation: str, seats: int) -> Command:
        def decide(held: Entity | None) -> Entity:
            if held is not None:
                raise AlreadyExistsError("exchange.entity_exists", id=KEY[1])
            return _entity(seats=seats)

        scope = Scope(organisation=organisation)
        return Command(tenant="", id=KEY[1], scope=scope, decide=decide)

    running, other = asyncio.create_task(writer.run()), EntityWriter(SystemClock())
    # Days of history, once made, hold nobody up.
    await writer.submit([_decided(replace(_entity(seats=1), id="urn:first"))])
    async with database.transaction(EVERYTHING) as connection:
        await other.write(connection, [[made_by("arras", 4)]])
        late = asyncio.create_task(writer.submit([made_by("lens", 5)]))
        await asyncio.sleep(0.3)
    assert [type(one) for one in await late] == [AlreadyExistsError]
    async with database.transaction(EVERYTHING) as connection:
        held = await fetch_tuples(
            connection, "select organisation from exchange.entity where id = %s", KEY[1:]
        )
    assert held == [("arras",)]
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
