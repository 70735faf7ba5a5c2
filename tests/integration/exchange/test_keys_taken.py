"""Writing and telling go by keys, whatever PostgreSQL was told of its tables, and when."""

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import msgspec
import psycopg
import pytest
from psycopg import sql

from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase
from tests.support.exchange_process import exchange_process
from tests.support.notification_receiver import notification_receiver
from tests.support.postgres import PostgresServer
from tests.support.town_subscriptions import (
    building,
    create,
    delete,
    subscribe,
    subscription,
    update,
)
from tests.support.waiting import eventually

_ROUNDS: Final = 8
_GROWING: Final = re.compile(
    r"(entity|delivery|occasion|subscription|history_\d{4}_\d\d_\d\d|log_(\d+|kept))$"
)
_WHOLE: Final = frozenset({"Seq Scan", "Bitmap Heap Scan"})
_JOINED_WHOLE: Final = frozenset({"Hash Join", "Merge Join", "Materialize"})
_FOUND: Final = frozenset({"Index Scan", "Tid Scan"})
_SELDOM: Final = (
    # When a process starts, every ten minutes, and when somebody subscribes.
    "delete from exchange.occasion o where not exists",
    "delete from exchange.delivery where number in (select",
    "select s.number, s.tenant, s.organisation, s.everything, s.document::text, s.since",
)
_EXPLAINED: Final = re.compile(r"database=(\S+) LOG: .* plan:\n((?:\t.*\n)+)")
_STATISTICS: Final = {
    "never taken": (),
    "taken while all was empty": ("vacuum analyze",),
    "taken of a single row": tuple(
        f"select pg_restore_relation_stats('schemaname', 'exchange', 'relname', '{table}', "
        "'relpages', 1, 'reltuples', 1::real)"
        for table in ("entity", "delivery", "occasion", "subscription")
    ),
}


class _Step(msgspec.Struct):
    """A node of a plan."""

    kind: str = msgspec.field(name="Node Type")
    relation: str = msgspec.field(name="Relation Name", default="")
    condition: str = msgspec.field(name="Index Cond", default="")
    place: str = msgspec.field(name="TID Cond", default="")
    parts: list["_Step"] = msgspec.field(name="Plans", default_factory=list)

    def all(self) -> Iterator["_Step"]:
        """Yield it, and what it is made of."""
        yield self
        for part in self.parts:
            yield from part.all()


class _Explained(msgspec.Struct):
    statement: str = msgspec.field(name="Query Text")
    plan: _Step = msgspec.field(name="Plan")


@pytest.fixture
async def database(
    make_database: MakeDatabase, shared_postgres: PostgresServer
) -> AsyncIterator[Database]:
    """A database whose server tells how it carries each statement out."""
    made = await make_database("kernel", "exchange")
    async with await shared_postgres.admin() as admin:
        for setting, value in {
            "session_preload_libraries": "auto_explain",
            "auto_explain.log_min_duration": "0",
            "auto_explain.log_format": "json",
            "auto_explain.log_nested_statements": "on",
            "auto_explain.log_parameter_max_length": "0",
        }.items():
            await admin.execute(
                sql.SQL("alter database {} set {} = {}").format(
                    sql.Identifier(_name(made)), sql.Identifier(*setting.split(".")), value
                )
            )
    told = Database(made.url)
    await told.open()
    yield told
    await told.close()


def _name(database: Database) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(database.url.reveal())["dbname"])


def _explained(log: Path, since: int, database: str) -> Iterator[tuple[str, list[_Step]]]:
    """Yield the statements that were carried out in a database, and how."""
    with log.open(encoding="utf-8") as file:
        file.seek(since)
        told = file.read()
    for name, plan in _EXPLAINED.findall(told):
        if name == database:
            one = msgspec.json.decode(plan.replace("\n\t", "\n"), type=_Explained)
            yield " ".join(one.statement.split()), list(one.plan.all())


async def _write_and_tell(database: Database) -> None:
    async with notification_receiver() as receiver, exchange_process(database) as process:
        receiver.statuses["/failing"] = 500
        for number, path in enumerate(("/well", "/failing")):
            await subscribe(process, subscription(receiver.url(path), number))
        first = building(level=1, name="Mairie")
        await create(process, first)
        for level in range(2, 2 + _ROUNDS):
            await update(process, first["id"], {"level": level})
        await delete(process, first["id"])
        await eventually(lambda: len(receiver.at("/well")) == 1 + _ROUNDS, 20)
        await eventually(lambda: receiver.refused)


@pytest.mark.parametrize("statistics", _STATISTICS)
async def test_whatever_is_written_or_told_is_found_by_its_key(
    database: Database, shared_postgres: PostgresServer, statistics: str
) -> None:
    async with await shared_postgres.admin(_name(database)) as admin:
        for statement in _STATISTICS[statistics]:
            await admin.execute(statement.encode())
    begun = shared_postgres.log_path.stat().st_size
    await _write_and_tell(database)
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from exchange.history") > _ROUNDS

    met, ways = set[str](), set[str]()
    astray: dict[str, list[tuple[str, str, str]]] = {}
    for statement, steps in _explained(shared_postgres.log_path, begun, _name(database)):
        growing = [one for one in steps if _GROWING.fullmatch(one.relation)]
        if not growing or statement.startswith(_SELDOM) or "count(*)" in statement:
            continue
        met.update(one.relation for one in growing)
        of_entities = [one for one in growing if one.relation == "entity" and one.kind in _FOUND]
        ways.update(one.kind for one in of_entities)
        if (
            any(one.kind in _WHOLE for one in growing)
            or any(one.kind in _JOINED_WHOLE for one in steps)
            or not all("id = " in one.condition or one.place for one in of_entities)
        ):
            astray[statement] = [(one.kind, one.relation, one.condition) for one in steps]
    assert not astray
    assert {"entity", "delivery", "occasion", "subscription"} <= met
    assert ways == _FOUND
