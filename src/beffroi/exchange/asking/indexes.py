"""Indexes of attributes, made because questions ask for them and dropped when none does any more.

While there is one, every change of an entity writes to all of the table's indexes (PostgreSQL finds
no room for a heap-only update), so that only questions that were slow several times ask for one.
An answer never depends on an index being there.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.asking.question import Lookup, Question, SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import few_numbers, is_whole, met_early
from beffroi.exchange.model import Iri
from beffroi.kernel.database import Connection, Database, execute, fetch_tuples
from beffroi.kernel.database.failures import StatementFailed
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_SLOW_TIMES: Final = 3
_SLOW_S: Final = 0.04
_INDEXES_MOST: Final = 16
_FEW: Final = 200
_NOT_MANY: Final = 2_000
"""More than these are found sooner in the order of creation, a page at a time."""

_EARLY: Final = 200
_MET_EARLY: Final = 3
"""Where so many of the first ones are meant, a page is found soon in the order of creation."""

_UNASKED_FOR: Final = "14 days"
_LOOK_EVERY_S: Final = 60.0
_LOCK: Final = 0x61736B6564
# An index on boxes can tell types apart only where it has them as ranges.
_RANGE: Final = "int8range(e.only_type >> 1, e.only_type >> 1, '[]')"
_TYPE_RANGE: Final = "int8range(hashtextextended(%s, 0) >> 1, hashtextextended(%s, 0) >> 1, '[]')"
_RANGE_OF_SEVERAL: Final = "int8range(0, 0, '[]')"
_NOTE: Final = """
insert into exchange.asked_index as held (attribute, asked)
select * from unnest(%s::text[], %s::int[])
on conflict (attribute) do update set asked = held.asked + excluded.asked, asked_at = now()
"""
_DUE: Final = """
select number, attribute from exchange.asked_index where not is_ready and asked >= %s
    and (select count(*) from exchange.asked_index where is_ready) < %s
order by asked desc limit 1
"""
_UNASKED: Final = """
select number from exchange.asked_index where asked_at < now() - %s::interval
"""


class AskedIndexes:
    """The indexes that there are, as far as this process knows, and those that are missed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ready: frozenset[Iri] = frozenset()
        self._noted: dict[Iri, int] = {}
        self._woken = asyncio.Event()

    @property
    def ready(self) -> frozenset[Iri]:
        """Return the attributes that have an index."""
        return self._ready

    @asynccontextmanager
    async def timed(
        self, connection: Connection, realm: Realm, question: Question
    ) -> AsyncIterator[Question]:
        """Give a question for the time of its answer, asked among few entities where that can be.

        One that takes long for want of an index is noted.
        """
        narrowed, begun_s = await self._narrowed(connection, realm, question), _now_s()
        yield narrowed or question
        if narrowed is None and _now_s() - begun_s > _SLOW_S:
            self._miss(question.asked)

    async def run(self) -> None:
        """Make and drop indexes until cancelled."""
        while True:
            try:
                await self.keep_up()
            except (BeffroiError, StatementFailed) as error:
                _logger.info("asked_indexes state=waiting reason=%s", error)
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()

    async def keep_up(self) -> None:
        """Make an index that is due, drop those that nobody asks for, and learn which there are."""
        noted, self._noted = self._noted, {}
        async with self._database.transaction(EVERYTHING) as connection:
            if noted:
                await execute(connection, _NOTE, (list(noted), list(noted.values())))
            due = await fetch_tuples(connection, _DUE, (_SLOW_TIMES, _INDEXES_MOST))
            unasked = await fetch_tuples(connection, _UNASKED, (_UNASKED_FOR,))
        if due or unasked:
            await self._change(due, unasked)
        async with self._database.transaction(EVERYTHING) as connection:
            ready = await fetch_tuples(
                connection, "select attribute from exchange.asked_index where is_ready"
            )
        self._ready = frozenset(row[0] for row in ready)

    async def _narrowed(
        self, connection: Connection, realm: Realm, question: Question
    ) -> Question | None:
        """Ask among the few entities that an index tells; nothing: no index can help."""
        asked = question.asked
        conditions = self._serving(asked) if is_whole(realm) else ()
        if not conditions:
            return None
        numbers = await few_numbers(connection, realm, conditions, _FEW)
        if numbers is None:
            if await met_early(connection, realm, asked, _EARLY) >= _MET_EARLY:
                return replace(question, asked=_in_order(asked)) if asked.boxes else None
            numbers = await few_numbers(connection, realm, conditions, _NOT_MANY)
        if numbers is None:
            return None
        # No other index than that of numbers may serve it: one of boxes is read whole for those
        # that have none.
        walked = _in_order(asked)
        among = f"e.number = any(%s::bigint[]) and {walked.sql}"
        return replace(question, asked=SqlFilter(among, (numbers, *asked.parameters), asked.exact))

    def _serving(self, asked: SqlFilter) -> Sequence[SqlFilter]:
        """Return conditions that indexes serve: each answer meets one of them; none: none can."""
        for lookup in asked.lookups:
            if lookup.attribute in self._ready:
                self._noted.setdefault(lookup.attribute, 0)
                return _with_keys(lookup, asked.types)
        if not asked.boxes:
            return ()
        types = _of_types(asked.types)
        boxed = f"e.bounds && %s::box and {types.sql}"
        parameters = types.parameters
        if asked.types:
            ranges = ", ".join([_TYPE_RANGE] * len(asked.types))
            boxed += f" and {_RANGE} && int8multirange({_RANGE_OF_SEVERAL}, {ranges})"
            parameters = (*parameters, *(one for one in asked.types for _ in range(2)))
        return [
            *(SqlFilter(boxed, (one, *parameters)) for one in asked.boxes),
            SqlFilter("e.unbounded"),
        ]

    def _miss(self, asked: SqlFilter) -> None:
        for lookup in asked.lookups[:1]:
            if lookup.attribute not in self._ready:
                self._noted[lookup.attribute] = self._noted.get(lookup.attribute, 0) + 1
                self._woken.set()

    async def _change(self, due: Sequence[tuple[int, Iri]], unasked: Sequence[tuple[int]]) -> None:
        connection = await self._database.dedicated()
        async with connection:
            await connection.execute("select set_config('beffroi.everything', 'on', false)")
            taken = await fetch_tuples(connection, "select pg_try_advisory_lock(%s)", (_LOCK,))
            if not taken[0][0]:
                return
            for (number,) in unasked:
                await _drop(connection, number)
                await execute(
                    connection, "delete from exchange.asked_index where number = %s", (number,)
                )
            for number, attribute in due:
                await _drop(connection, number)
                await _make(connection, number, attribute)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def _with_keys(lookup: Lookup, types: Sequence[Iri]) -> list[SqlFilter]:
    """Return what holds for entities with a key that is looked up, and for those without a key."""
    attribute = _quoted(lookup.attribute).replace("%", "%%")
    key = f"exchange.key_of(e.document, {attribute})"
    typed = _of_types(types)
    which = f"e.document ? {attribute} and {typed.sql}"
    found = lookup.condition.format(key=key)
    return [
        SqlFilter(f"{which} and {found}", (*typed.parameters, *lookup.parameters)),
        SqlFilter(f"{which} and {key} = 'null'::jsonb", typed.parameters),
    ]


def _in_order(asked: SqlFilter) -> SqlFilter:
    """Return a condition that no index of what it looks at can serve."""
    return replace(asked, sql=f"case when e.number > 0 then {asked.sql} end")


def _of_types(types: Sequence[Iri]) -> SqlFilter:
    """Return the condition to be of one of some types, as an index tells it; of none: of any."""
    if not types:
        return SqlFilter("true")
    numbers = "hashtextextended(%s, 0), " * len(types)
    return SqlFilter(
        f"e.only_type in ({numbers} 0) and e.types && %s::text[]", (*types, list(types))
    )


async def _make(connection: Connection, number: int, attribute: Iri) -> None:
    name = _quoted(attribute)
    await _run(
        connection,
        f"create index concurrently asked_{number} on exchange.entity "
        f"(only_type, (exchange.key_of(document, {name})), number) where document ? {name}",
    )
    await _run(connection, "analyze exchange.entity")
    await execute(
        connection, "update exchange.asked_index set is_ready = true where number = %s", (number,)
    )
    _logger.info("asked_index number=%s attribute=%s state=made", number, attribute)


async def _drop(connection: Connection, number: int) -> None:
    await _run(connection, f"drop index concurrently if exists exchange.asked_{number}")


async def _run(connection: Connection, statement: str) -> None:
    await connection.execute(statement.encode())


def _quoted(text: str) -> str:
    """Write a text as PostgreSQL reads it, whatever is in it."""
    return "'" + text.replace("'", "''") + "'"
