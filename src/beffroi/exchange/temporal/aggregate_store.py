"""Figures reckoned by PostgreSQL from the values of history, period by period.

Source: ETSI GS CIM 009 v1.9.1, clause 4.5.19; ``date_bin``: PostgreSQL documentation, 9.9.3.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.temporal.conditions import INSTANCE, STAMPS, held_in, walked
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.model import Aggregation, Figures, Method, Selection, Stretch
from beffroi.kernel.database import Connection, execute, fetch_tuples

# Truth counts as 1, a list as its length; only numbers, which are most, cost no look inside.
_NUMBER: Final = f"""
coalesce(h.value, case
    when {INSTANCE} ->> 'kind' not in ('Property', 'ListProperty') then null
    when jsonb_typeof({INSTANCE} -> 'value') = 'boolean'
        then ({INSTANCE} -> 'value')::boolean::integer::float8
    when jsonb_typeof({INSTANCE} -> 'value') = 'array'
        then jsonb_array_length({INSTANCE} -> 'value')::float8
end) as number
"""
_TEXT: Final = f"""
case when h.value is null and {INSTANCE} ->> 'kind' = 'Property'
    and jsonb_typeof({INSTANCE} -> 'value') = 'string'
    then {INSTANCE} ->> 'value' end collate "C" as text
"""
_RAW: Final = f"case when h.value is null then {INSTANCE} -> 'value' end as raw"
_NAMED: Final = f"""
h.dataset_id, case when h.value is not null then 'Property' else {INSTANCE} ->> 'kind' end as kind
"""
# PostgreSQL refuses the whole question where a figure overflows: such a period has none.
_SUMS_BELOW, _SQUARES_BELOW = "1e290", "1e150"


def _bounded(figure: str, bound: str) -> str:
    small = f"abs(one.number) < {bound}"
    return f"case when bool_and({small}) then {figure} filter (where {small}) end"


_SQUARES: Final = (
    "sum(case when abs(one.number) > 1e-150 then one.number * one.number else 0 * one.number end)"
)
_COLUMNS: Final = {
    Method.TOTAL_COUNT: ("count(*)",),
    Method.DISTINCT_COUNT: (
        "count(distinct one.number) filter (where one.raw is null) + count(distinct one.raw)",
    ),
    Method.SUM: (_bounded("sum(one.number)", _SUMS_BELOW),),
    Method.AVG: (_bounded("avg(one.number)", _SUMS_BELOW),),
    Method.MIN: ("min(one.number)", "min(one.text)"),
    Method.MAX: ("max(one.number)", "max(one.text)"),
    Method.STDDEV: (_bounded("stddev_samp(one.number)", _SQUARES_BELOW),),
    Method.SUMSQ: (_bounded(_SQUARES, _SQUARES_BELOW),),
}
"""What each method reckons; of several columns the first that is not null is the figure."""

_NEEDED: Final = {
    Method.DISTINCT_COUNT: _RAW,
    Method.MIN: _TEXT,
    Method.MAX: _TEXT,
}
_LATEST: Final = 5
# Months passed since the origin, less one where the day of the month is not reached yet.
_MONTHS_PASSED: Final = """
(date_part('year', one.stamp) * 12 + date_part('month', one.stamp)
    - date_part('year', begun.origin) * 12 - date_part('month', begun.origin))::integer
"""


# Over hundreds of day partitions planning takes longer than reckoning; one plan does for all.
_ONE_PLAN: Final = """
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)
"""


async def figures(
    connection: Connection,
    realm: Realm,
    stretches: Sequence[Stretch],
    selection: Selection,
    aggregation: Aggregation,
    *,
    limit: int,
) -> Sequence[Figures]:
    """Return figures in the order of their periods; where the last are asked for, backwards.

    Periods begin with the time that the question begins with, or with the first instance, which an
    index tells. One without instances has no figures.

    Args:
        connection: Where to.
        realm: Whose.
        stretches: When, entity by entity.
        selection: Which of the instances.
        aggregation: Which figures.
        limit: How many at most.
    """
    await execute(connection, _ONE_PLAN)
    origin = selection.times.low or await _first(connection, realm, stretches, selection)
    if origin is None:
        return []
    statement, parameters = _asked(realm, stretches, selection, aggregation, origin)
    rows = await fetch_tuples(connection, statement, (*parameters, limit), prepare=True)
    end = selection.times.high or max((row[_LATEST] for row in rows), default=origin)
    return [_figures(row, aggregation, origin, end) for row in rows]


async def _first(
    connection: Connection, realm: Realm, stretches: Sequence[Stretch], selection: Selection
) -> datetime | None:
    """Return the time of the first instance."""
    walk, walk_parameters = walked(realm, stretches, selection)
    held = held_in(realm, selection)
    rows = await fetch_tuples(
        connection,
        f"select min(one.stamp) from {walk} cross join lateral ("  # noqa: S608
        f"select min({STAMPS[selection.times.property]}) as stamp from exchange.history h "
        f"where {held.sql} and not h.ended) as one",
        (*walk_parameters, *held.parameters),
        prepare=True,
    )
    first: datetime | None = rows[0][0]
    return first


def _asked(
    realm: Realm,
    stretches: Sequence[Stretch],
    selection: Selection,
    aggregation: Aggregation,
    origin: datetime,
) -> tuple[str, tuple[Any, ...]]:
    """Return the statement and its parameters but for the limit.

    What is reckoned of one attribute of one entity is together: neither's name is compared.
    """
    stamp = STAMPS[selection.times.property]
    walk, walk_parameters = walked(realm, stretches, selection)
    held = held_in(realm, selection)
    start, start_parameters = start_of(aggregation.period)
    statement = (
        "with begun as (select %s::timestamptz as origin), reckoned as ("  # noqa: S608
        "select asked.entity, name.attribute, figure.* "
        f"from begun cross join {walk} cross join lateral ("
        f"select one.dataset_id, one.kind, {start} as start, max(one.stamp) as latest, "
        f"{_columns(aggregation)} from (select {_NAMED}, {stamp} as stamp, "
        f"{_needed(aggregation)} from exchange.history h where {held.sql} and not h.ended "
        f"offset 0) as one group by 1, 2, 3) as figure) {chosen_periods(selection.last)}"
    )
    return statement, (
        *(origin, *walk_parameters, *start_parameters, *held.parameters),
        *_last(selection),
    )


def _columns(aggregation: Aggregation) -> str:
    return ", ".join(column for method in aggregation.methods for column in _COLUMNS[method])


def _needed(aggregation: Aggregation) -> str:
    extra = {_NEEDED[method]: None for method in aggregation.methods if method in _NEEDED}
    return ", ".join([_NUMBER, *extra])


def chosen_periods(last: int | None) -> str:
    """Return what chooses among ``reckoned``; its parameters: the last ones, if any, a limit."""
    if last is None:
        return "select * from reckoned order by start, entity, attribute, dataset_id limit %s"
    return (
        "select * from (select *, dense_rank() over (partition by entity, attribute "
        "order by start desc) as place from reckoned) as placed where place <= %s "
        "order by start desc, entity, attribute, dataset_id limit %s"
    )


def _last(selection: Selection) -> tuple[Any, ...]:
    return () if selection.last is None else (selection.last,)


def start_of(period: Period) -> tuple[str, tuple[Any, ...]]:
    """Return when the period of ``one.stamp`` begins, where ``begun.origin`` begins the first."""
    if period.whole:
        return "begun.origin", ()
    if not period.months:
        return "date_bin(%s, one.stamp, begun.origin)", (period.length,)
    passed = _MONTHS_PASSED
    late = f"(begun.origin + make_interval(months => {passed}) > one.stamp)::integer"
    return (
        f"begun.origin + make_interval(months => ({passed} - {late}) / %s * %s)",
        (period.months, period.months),
    )


def _figures(
    row: tuple[Any, ...], aggregation: Aggregation, origin: datetime, end: datetime
) -> Figures:
    entity, attribute, dataset_id, kind, start, _, *columns = row
    left = iter(columns)
    reckoned = []
    for method in aggregation.methods:
        values = [next(left) for _ in _COLUMNS[method]]
        reckoned.append(next((one for one in values if one is not None), None))
    if not aggregation.period.whole:
        end = aggregation.period.end_of(origin, start)
    return Figures(entity, attribute, dataset_id, kind, start, end, tuple(reckoned))
