"""Changes in a table of a partner's PostgreSQL."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from beffroi.exchange.flows.model import FlowHealth
from tests.support.flow_process import FlowProcess, buildings
from tests.support.postgres import FASTER_THAN_DURABLE, PostgresServer
from tests.support.tcp_to_socket import tcp_to_socket
from tests.support.town_subscriptions import NIMES, building, create, delete, update
from tests.support.waiting import eventually

B1 = "urn:ngsi-ld:Building:1"
TABLE = """
drop table if exists erp_building;
create table erp_building (code text primary key, floors int check (floors < 100), label text);
grant all on erp_building to erp;
"""


class Partner:
    """A partner's PostgreSQL, with a table of buildings."""

    def __init__(self, server: PostgresServer, port: int) -> None:
        self.server = server
        self._port = port

    def connector(self, **table: Any) -> dict[str, Any]:
        """Return a connector to the table."""
        place = {"host": "localhost", "port": self._port, "database": "postgres", "tls": False}
        who = {"user": "erp", "secret": "key", "table": "erp_building", "key": ["code"]}
        return buildings(table={**place, **who, **table}, deletions=True)

    async def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as the partner."""
        async with await self.server.admin() as connection:
            cursor = await connection.execute(statement.encode())
            return list(await cursor.fetchall()) if cursor.description else []

    async def rows(self) -> list[tuple[Any, ...]]:
        """Return what the table has."""
        return await self.run("select code, floors, label from erp_building order by code")


@pytest.fixture(scope="module")
async def partners_server() -> AsyncIterator[Partner]:
    server = PostgresServer(FASTER_THAN_DURABLE)
    await server.create()
    async with tcp_to_socket(server.folder / ".s.PGSQL.5432") as port:
        partner = Partner(server, port)
        await partner.run("create role erp login password 'said by nobody'")
        yield partner
    await server.stop()
    server.remove()


@pytest.fixture
async def partner(partners_server: Partner) -> Partner:
    await partners_server.run(TABLE)
    return partners_server


async def test_rows_follow_entities_and_go_with_them(
    platform: FlowProcess, partner: Partner
) -> None:
    await platform.apply({"out": partner.connector()})
    for number in range(1, 4):
        await create(platform, building(number, level=number, name="École"))
    await update(platform, B1, {"level": 12})
    await delete(platform, "urn:ngsi-ld:Building:2")
    wanted = [(B1, 12, "École"), ("urn:ngsi-ld:Building:3", 3, "École")]

    async def has_come() -> bool:
        return await partner.rows() == wanted

    await eventually(has_come)
    assert (await platform.told()).health is FlowHealth.CARRIES


async def test_a_row_that_the_table_does_not_take_is_a_dead_letter_and_the_others_are_there(
    platform: FlowProcess, partner: Partner
) -> None:
    await platform.apply({"out": partner.connector()})
    await platform.parts.flows.pause(NIMES, "nimes", "out")
    for number, level in ((1, 1), (2, 500), (3, 3)):
        await create(platform, building(number, level=level))
    await platform.parts.flows.resume(NIMES, "nimes", "out")
    (letter,) = await eventually(platform.refused)
    assert letter.error.code == "exchange.connector_row_refused"
    assert "erp_building_floors_check" in letter.error.values["reason"]

    async def levels() -> bool:
        return [floors for _, floors, _ in await partner.rows()] == [1, 3]

    await eventually(levels)


async def test_a_dead_letter_that_is_sent_again_brings_the_entity_as_it_is_now(
    platform: FlowProcess, partner: Partner
) -> None:
    """1 was told anew since, 2 was not, 3 left the selection, 4 is gone."""
    await platform.apply({"out": partner.connector() | {"q": "level>2"}})
    for number in range(1, 5):
        await create(platform, building(number, level=500))

    async def all_refused() -> bool:
        return len(await platform.refused()) == 4

    await eventually(all_refused)
    await update(platform, B1, {"level": 3})
    await update(platform, B1.replace("1", "3"), {"level": 1})
    await delete(platform, B1.replace("1", "4"))

    async def has_come() -> bool:
        return await partner.rows() == [(B1, 3, None)]

    await eventually(has_come)
    await partner.run("alter table erp_building drop constraint erp_building_floors_check")
    assert await platform.parts.flows.send_again(NIMES, "nimes", "out") == 4

    async def none_refused() -> bool:
        return not await platform.refused()

    await eventually(none_refused)
    assert await partner.rows() == [(B1, 3, None), (B1.replace("1", "2"), 500, None)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("alter table erp_building rename label to title", "connector_column_missing"),
        ("alter table erp_building drop constraint erp_building_pkey", "connector_key_missing"),
        ("drop table erp_building", "connector_table_missing"),
        ("revoke all on erp_building from erp", "partner_away"),
    ],
)
async def test_a_table_that_does_not_fit_is_told_and_nothing_is_lost(
    platform: FlowProcess, partner: Partner, wrong: str, code: str
) -> None:
    await partner.run(wrong)
    await platform.apply({"out": partner.connector()})
    await create(platform, building(level=7))
    error = await eventually(platform.failure)
    assert error.code.partition(".")[2] == code
    assert (await platform.told()).state.refused == 0
    await partner.run(TABLE)

    async def has_come() -> bool:
        return bool(await partner.rows())

    await eventually(has_come)


async def test_a_partners_database_that_stops_and_comes_back_gets_all(
    platform: FlowProcess, partner: Partner
) -> None:
    await platform.apply({"out": partner.connector()})
    await create(platform, building(1, level=1))

    async def count() -> int:
        return len(await partner.rows())

    await eventually(count)
    await partner.server.stop()
    for number in range(2, 7):
        await create(platform, building(number, level=number))
    error = await eventually(platform.failure)
    assert error.code == "kernel.partner_away"
    await partner.server.start()

    async def all_there() -> bool:
        return await count() == 6

    await eventually(all_there)
    told = await platform.told()
    assert (told.health, told.state.refused) == (FlowHealth.CARRIES, 0)


async def test_columns_are_called_as_partners_call_them(
    platform: FlowProcess, partner: Partner
) -> None:
    await partner.run(
        'alter table erp_building rename floors to "taux % d\'étage"; '
        'alter table erp_building rename label to "a""b %s"'
    )
    fields = {
        "code": {"attribute": "id"},
        "taux % d'étage": {"attribute": "level"},
        'a"b %s': {"attribute": "name"},
    }
    await platform.apply({"out": partner.connector() | {"fields": fields}})
    await create(platform, building(level=7, name="Mairie"))

    async def has_come() -> bool:
        return await partner.run("select * from erp_building") == [(B1, 7, "Mairie")]

    assert await eventually(has_come)


async def test_a_key_that_is_a_list_holds_up_no_other_row(
    platform: FlowProcess, partner: Partner
) -> None:
    fields = {"code": {"attribute": "name"}, "floors": {"attribute": "level"}}
    await platform.apply({"out": partner.connector() | {"fields": fields}})
    await create(platform, building(1, name=["a", "b"], level=1))
    await create(platform, building(2, name="two", level=2))

    async def has_come() -> bool:
        return ("two", 2, None) in await partner.rows()

    assert await eventually(has_come)
    assert ('["a", "b"]', 1, None) in await partner.rows()


async def test_rows_go_whatever_type_the_column_of_the_key_has(
    platform: FlowProcess, partner: Partner
) -> None:
    fields = {"code": {"attribute": "level"}}
    await platform.apply({"out": partner.connector() | {"fields": fields}})
    await create(platform, building(1, level=7))

    async def codes() -> list[str]:
        return [code for code, _, _ in await partner.rows()]

    async def has_come() -> bool:
        return await codes() == ["7"]

    async def is_gone() -> bool:
        return await codes() == []

    assert await eventually(has_come)
    await delete(platform, B1)
    assert await eventually(is_gone)
