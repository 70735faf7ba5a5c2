"""Figures of hours and days, kept in step with corrections of the history that they come from.

Of an hour or a day all of whose instances are still there, figures are reckoned anew. Where some
were let go already, what is left of them is exchanged, and what has gone still counts.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from beffroi.exchange.retention.cells import NOTHING, Spread, corrected
from beffroi.exchange.retention.rollup_store import COLUMNS, RECKONED, rolled_until
from beffroi.kernel.database import Connection, execute, fetch_tuples

_DAY: Final = timedelta(days=1)
_EVER: Final = "-infinity", "infinity"
_FIGURES: Final = "instances", "numbers", "low", "high", "total", "squares", "deviations"
_OF_ATTRIBUTES: Final = """h.entity_key = exchange.entity_key(%s, %s)
    and h.attribute_key = any(select hashtextextended(name, 0) from unnest(%s::text[]) as n(name))
    and h.tenant = %s and h.entity = %s and h.attribute = any(%s)
    and h.at >= %s::timestamptz and h.at < %s::timestamptz"""
_PRESENT: Final = RECKONED.format(which=f"{_OF_ATTRIBUTES} and h.written_at < %s")
_IN_PART: Final = f"""
with present as materialized ({_PRESENT})
select h.attribute, h.dataset_id, h.hours, h.at, {", ".join(f"h.{one}" for one in _FIGURES)},
    coalesce(p.instances, 0), coalesce(p.numbers, 0),
    {", ".join(f"p.{one}" for one in _FIGURES[2:])}
from exchange.rollup h left join present p using (entity_key, attribute_key, hours, at, dataset_id)
where {_OF_ATTRIBUTES} and h.instances > coalesce(p.instances, 0)
"""  # noqa: S608 - text of ours alone
_CELLS: Final = "unnest(%s::text[], %s::text[], %s::smallint[], %s::timestamptz[])"
_DROP: Final = f"""
delete from exchange.rollup h where {_OF_ATTRIBUTES}
    and (h.attribute, h.dataset_id, h.hours, h.at) not in (select * from {_CELLS})
"""  # noqa: S608 - text of ours alone
_ANEW: Final = f"""
insert into exchange.rollup ({COLUMNS}) {_PRESENT}
on conflict (entity_key, attribute_key, hours, at, dataset_id) do nothing
"""
_PRESENT_IN: Final = f"""
select p.attribute, p.dataset_id, p.hours, p.at, {", ".join(f"p.{one}" for one in _FIGURES)}
from ({_PRESENT}) as p
where (p.attribute, p.dataset_id, p.hours, p.at) in (select * from {_CELLS})
"""  # noqa: S608 - text of ours alone
_EXCHANGE: Final = f"""
update exchange.rollup h set {", ".join(f"{one} = given.{one}" for one in _FIGURES)}
from unnest(%s::text[], %s::text[], %s::smallint[], %s::timestamptz[], %s::bigint[], %s::bigint[],
    %s::float8[], %s::float8[], %s::float8[], %s::float8[], %s::float8[])
    as given(attribute, dataset_id, hours, at, {", ".join(_FIGURES)})
where h.entity_key = exchange.entity_key(%s, %s) and h.tenant = %s and h.entity = %s
    and h.attribute_key = hashtextextended(given.attribute, 0) and h.attribute = given.attribute
    and h.dataset_id = given.dataset_id and h.hours = given.hours and h.at = given.at
"""  # noqa: S608 - text of ours alone

_Cell = tuple[str, str, int, datetime]
"""An attribute, a data set, of how many hours, since when."""


class Touched(msgspec.Struct, frozen=True):
    """What of history a correction may change.

    Attributes:
        times: When what changes was observed, before and after; nothing: whenever.
    """

    tenant: str
    entity: str
    attributes: Collection[str]
    times: Collection[datetime] | None = None

    def parameters(self) -> tuple[Any, ...]:
        """Return those of the condition on history and figures."""
        names, key = list(self.attributes), (self.tenant, self.entity)
        return (*key, names, *key, names, *self._days())

    def _days(self) -> tuple[Any, Any]:
        if self.times is None:
            return _EVER
        return _day_of(min(self.times)), _day_of(max(self.times)) + _DAY


@asynccontextmanager
async def figures_in_step(connection: Connection, touched: Touched) -> AsyncIterator[None]:
    """Correct history in the block; figures follow. Nobody else rolls up or lets go meanwhile."""
    nothing = not touched.attributes or (touched.times is not None and not touched.times)
    until = None if nothing else await rolled_until(connection, hold=True)
    if until is None:
        yield
        return
    which = touched.parameters()
    rows = await fetch_tuples(connection, _IN_PART, (*which, until, *which))
    in_part = {row[:4]: (Spread(*row[4:11]), Spread(*row[11:])) for row in rows}
    yield
    cells = _columns(list(in_part))
    await execute(connection, _DROP, (*which, *cells))
    await execute(connection, _ANEW, (*which, until))
    if in_part:
        await _exchange(connection, touched, until, in_part)


async def attributes_with_figures(
    connection: Connection, tenant: str, entity: str
) -> Sequence[str]:
    """Return the attributes of an entity that there are figures of."""
    rows = await fetch_tuples(
        connection,
        "select distinct attribute from exchange.rollup "
        "where entity_key = exchange.entity_key(%s, %s) and tenant = %s and entity = %s",
        (tenant, entity, tenant, entity),
    )
    return [row[0] for row in rows]


async def _exchange(
    connection: Connection,
    touched: Touched,
    until: datetime,
    in_part: Mapping[_Cell, tuple[Spread, Spread]],
) -> None:
    """Write the figures of cells some of whose instances have gone."""
    cells = list(in_part)
    rows = await fetch_tuples(
        connection, _PRESENT_IN, (*touched.parameters(), until, *_columns(cells))
    )
    after = {row[:4]: Spread(*row[4:]) for row in rows}
    figures = [
        corrected(kept, before, after.get(cell, NOTHING))
        for cell, (kept, before) in in_part.items()
    ]
    columns = [[getattr(one, name) for one in figures] for name in _FIGURES]
    key = (touched.tenant, touched.entity)
    await execute(connection, _EXCHANGE, (*_columns(cells), *columns, *key, *key))


def _columns(cells: Sequence[_Cell]) -> list[list[Any]]:
    return [[one[place] for one in cells] for place in range(4)]


def _day_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
