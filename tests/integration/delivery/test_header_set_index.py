"""The numbers of header sets: each set has one, none is given again soon."""

import msgspec

from beffroi.delivery.header_sets import HeaderSet, NumberedSet
from beffroi.delivery.page_index import (
    all_header_sets,
    configured_header_sets,
    drop_unused_header_sets,
    keep_header_set,
    keep_pages,
)
from beffroi.delivery.page_keys import PageKey
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import read_after
from tests.integration.delivery.test_page_index import HOSTS, row, some_set


async def kept_set(database: Database, one: HeaderSet, name: str = "site") -> NumberedSet | None:
    """Keep a header set in a transaction of its own."""
    async with database.transaction(EVERYTHING) as connection:
        return await keep_header_set(connection, one, name)


async def test_a_header_set_is_added_and_told_once(database: Database) -> None:
    sets = [some_set(f"public, max-age={life}") for life in (60, 61, 62)]
    numbered = [await kept_set(database, one) for one in (*sets, sets[0])]

    async with database.transaction(EVERYTHING) as connection:
        kept = await all_header_sets(connection)
        told = await read_after(connection, 0, 10)
    assert numbered[3] == numbered[0]
    assert kept == numbered[:3]
    assert [one.header_set for one in kept] == sets
    assert len({one.name for one in kept}) == 3
    assert [(entry.kind, entry.subject) for entry in told] == [
        ("delivery.header_set_added", one.digest) for one in sets
    ]


async def test_no_application_uses_up_the_room_of_the_others_in_nginx(database: Database) -> None:
    for life in range(4):
        await kept_set(database, some_set(f"public, max-age={life}"), "prolific")
    modest = await kept_set(database, some_set("no-cache"), "modest")

    async with database.transaction(EVERYTHING) as connection:
        told = await configured_header_sets(connection, 10, 2)
        fewest = await configured_header_sets(connection, 1, 2)
    assert [one.header_set.headers[0][1] for one in told] == [
        "public, max-age=0",
        "public, max-age=1",
        "no-cache",
    ]
    assert told[2] == modest
    assert fewest == told[:1]


async def test_a_number_is_given_again_only_when_all_others_had_their_turn(
    database: Database,
) -> None:
    first = await kept_set(database, some_set())
    used = await kept_set(database, some_set("no-cache"))
    assert first is not None
    assert used is not None
    page = msgspec.structs.replace(row(PageKey(HOSTS[0], "/", "")), header_set=used.name)
    async with database.transaction(EVERYTHING) as connection:
        await keep_pages(connection, [(page, frozenset())])
        await drop_unused_header_sets(connection)

        assert await all_header_sets(connection) == [used]
    fresh = await kept_set(database, some_set("public, max-age=1"))
    assert fresh is not None
    assert fresh.number not in {first.number, used.number}


async def test_when_all_numbers_are_taken_there_is_none(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into delivery.header_set (digest, number, application, encoded)"
            " select to_hex(number), number, 'site', %s::jsonb"
            " from generate_series(0, 4094) as number",
            (msgspec.json.encode(some_set()).decode(),),
        )
    last = await kept_set(database, some_set("no-cache"))

    assert last is not None
    assert last.name == "fff"
    assert await kept_set(database, some_set("no-store")) is None
