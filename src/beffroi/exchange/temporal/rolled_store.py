"""Figures over long times, reckoned from those of hours and days and from what came since.

What a rollup leaves out is told by ``exchange.retention.rollup_store``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any, Final

from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.retention.rollup_store import rolled_until
from beffroi.exchange.temporal.aggregate_store import chosen_periods, start_of
from beffroi.exchange.temporal.conditions import Condition, held_in, walked
from beffroi.exchange.temporal.model import (
    Aggregation,
    Figures,
    Method,
    Selection,
    Stretch,
    TimeProperty,
)
from beffroi.kernel.database import Connection, fetch_tuples

_LONG: Final = timedelta(days=2)
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_TOTAL: Final = "case when count(one.total) = count(*) then sum(one.total) end"
_SPREAD_OF_ONE: Final = """
case when abs(h.value) > 1e-150 and abs(h.value) < 1e140 then h.value * h.value
    when abs(h.value) <= 1e-150 then 0 end,
case when abs(h.value) < 1e140 then 0 end
"""
_COLUMNS: Final = {
    Method.TOTAL_COUNT: "sum(one.instances)::bigint",
    Method.SUM: _TOTAL,
    Method.AVG: (
        f"case when abs({_TOTAL}) > 1e-290 then {_TOTAL} / sum(one.numbers) "
        f"when {_TOTAL} is not null then 0 end"
    ),
    Method.MIN: "min(one.low)",
    Method.MAX: "max(one.high)",
    Method.SUMSQ: "sum(one.squares)",
    Method.STDDEV: "exchange.spread(one.numbers, one.total, one.deviations)",
}
_NEEDED: Final = {Method.SUMSQ: "one.squares", Method.STDDEV: "one.deviations"}
"""What has to be known of all for a figure."""


async def figures(
    connection: Connection,
    realm: Realm,
    stretches: Sequence[Stretch],
    selection: Selection,
    aggregation: Aggregation,
    *,
    limit: int,
) -> Sequence[Figures] | None:
    """Return figures as ``aggregate_store.figures`` does; nothing where rollups cannot tell.

    They tell of named attributes whose values are numbers, by the time observed, over two days or
    more, in periods that begin and end with an hour of UTC.
    """
    hours = _step(stretches, selection, aggregation)
    until = await rolled_until(connection) if hours else None
    if until is None:
        return None
    walk, walk_parameters = walked(realm, stretches, selection)
    rolled, held = _rolled(realm, selection), held_in(realm, selection)
    start, start_parameters = start_of(aggregation.period)
    columns = ", ".join(_COLUMNS[method] for method in aggregation.methods)
    statement = (
        "with begun as materialized (select %s::timestamptz as origin), reckoned as ("  # noqa: S608
        f"select asked.entity, name.attribute, one.dataset_id, {start} as start, "
        f"sum(one.instances) = sum(one.numbers){_known(aggregation)} as numeric, {columns} "
        f"from begun cross join {walk} cross join lateral ("
        "select h.dataset_id, h.at as stamp, h.instances, h.numbers, h.low, h.high, h.total, "
        "h.squares, h.deviations "
        f"from exchange.rollup h where h.hours = %s and {rolled.sql} union all "
        "select h.dataset_id, h.at, 1, (h.value is not null)::integer, h.value, h.value, "
        f"case when abs(h.value) < 1e290 then h.value end, {_SPREAD_OF_ONE} "
        f"from exchange.history h where {held.sql} and not h.ended and h.written_at >= %s) as one "
        f"group by 1, 2, 3, 4, begun.origin) {chosen_periods(selection.last)}"
    )
    parameters = (
        *(selection.times.low, *start_parameters, *walk_parameters, hours, *rolled.parameters),
        *(*held.parameters, until, *(() if selection.last is None else (selection.last,)), limit),
    )
    rows = await fetch_tuples(connection, statement, parameters)
    if not all(row[4] for row in rows):
        return None
    return [_figures(row, selection, aggregation) for row in rows]


def _step(
    stretches: Sequence[Stretch], selection: Selection, aggregation: Aggregation
) -> int | None:
    """Return of how many hours the rollups are that can tell; nothing: none can."""
    times, period = selection.times, aggregation.period
    if (
        times.property is not TimeProperty.OBSERVED_AT
        or times.audit
        or times.low is None
        or selection.attributes is None
        or not _COLUMNS.keys() >= set(aggregation.methods)
        or (period.whole and times.high is None)
        or (times.high is not None and times.high - times.low < _LONG)
    ):
        return None
    bounds = {
        bound for one in stretches for bound in (one.low, one.high, times.low) if bound is not None
    }
    for hours, step in ((24, _DAY), (1, _HOUR)):
        fits = not period.length % step and (hours == 24 or not period.months)
        if fits and not any((bound - _EPOCH) % step for bound in bounds):
            return hours
    return None


def _known(aggregation: Aggregation) -> str:
    needed = [_NEEDED[method] for method in aggregation.methods if method in _NEEDED]
    return "".join(f" and count({one}) = count(*)" for one in needed)


def _rolled(realm: Realm, selection: Selection) -> Condition:
    reached = realm.reach.history_condition()
    condition = (
        "h.entity_key = asked.entity_key and h.attribute_key = name.attribute_key "
        "and h.tenant = %s and h.entity = asked.entity and h.attribute = name.attribute "
        f"and h.at >= asked.low and h.at < asked.high and ({reached.sql})"
    )
    if selection.dataset_ids is None:
        return Condition(condition, (realm.tenant, *reached.parameters))
    return Condition(
        f"{condition} and h.dataset_id = any(%s)",
        (realm.tenant, *reached.parameters, sorted(selection.dataset_ids)),
    )


def _figures(row: tuple[Any, ...], selection: Selection, aggregation: Aggregation) -> Figures:
    entity, attribute, dataset_id, start, _, *columns = row
    reckoned = [
        _deviation(one) if method is Method.STDDEV else one
        for method, one in zip(aggregation.methods, columns, strict=True)
    ]
    end = selection.times.high
    if not aggregation.period.whole or end is None:
        end = aggregation.period.end_of(selection.times.low or start, start)
    return Figures(entity, attribute, dataset_id, "Property", start, end, tuple(reckoned))


def _deviation(spread: Sequence[float]) -> float | None:
    numbers, _, deviations = spread
    return None if numbers < 2 else sqrt(deviations / (numbers - 1))
