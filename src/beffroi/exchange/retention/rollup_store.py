"""The only SQL that keeps the figures of hours and days."""

from datetime import datetime
from typing import Final

from beffroi.kernel.database import Connection, execute, fetch_value

COLUMNS: Final = """entity_key, attribute_key, hours, at, organisation, tenant, entity, attribute,
    dataset_id, instances, numbers, low, high, total, squares, deviations"""
RECKONED: Final = """
select h.entity_key, h.attribute_key, step.hours, date_trunc(step.name, h.at, 'UTC') as at,
    max(h.organisation) as organisation, h.tenant, h.entity, h.attribute,
    h.dataset_id, count(*) as instances, count(h.value) as numbers,
    min(h.value) as low, max(h.value) as high,
    case when bool_and(abs(h.value) < 1e290) then sum(h.value) filter (where abs(h.value) < 1e290)
    end as total,
    case when bool_and(abs(h.value) < 1e140) then sum(
        case when abs(h.value) > 1e-150 then h.value * h.value else 0 end)
        filter (where abs(h.value) < 1e140) end as squares,
    case when bool_and(abs(h.value) < 1e140) then count(h.value)
        * var_pop(h.value) filter (where abs(h.value) < 1e140) end as deviations
from exchange.history h
cross join (values (1::smallint, 'hour'), (24::smallint, 'day')) as step(hours, name)
where {which} and not h.ended and (h.at <> h.written_at or
    exchange.instance_of(h.instance, h.said) ? 'observed_at')
group by h.entity_key, h.attribute_key, step.hours, date_trunc(step.name, h.at, 'UTC'), h.tenant,
    h.entity, h.attribute, h.dataset_id
"""
_ADD: Final = f"""
insert into exchange.rollup as kept ({COLUMNS})
{RECKONED.format(which="h.written_at >= %s and h.written_at < %s")}
on conflict (entity_key, attribute_key, hours, at, dataset_id) do update set
    instances = kept.instances + excluded.instances, numbers = kept.numbers + excluded.numbers,
    low = least(kept.low, excluded.low), high = greatest(kept.high, excluded.high),
    total = case when kept.numbers = 0 then excluded.total
        when excluded.numbers = 0 then kept.total else kept.total + excluded.total end,
    squares = case when kept.numbers = 0 then excluded.squares
        when excluded.numbers = 0 then kept.squares else kept.squares + excluded.squares end,
    deviations = (exchange.spread_added(
        array[kept.numbers, kept.total, kept.deviations],
        excluded.numbers, excluded.total, excluded.deviations))[3]
"""


async def rolled_until(connection: Connection, *, hold: bool = False) -> datetime | None:
    """Return until when history was rolled up; nothing: none was.

    Args:
        connection: Where to.
        hold: Let nobody else roll up, let go or correct until the transaction ends.
    """
    lock = "for update" if hold else ""
    found: datetime | None = await fetch_value(
        connection,
        f"select nullif(at, '-infinity') from exchange.rolled_until {lock}",  # noqa: S608
    )
    return found


async def first_day(connection: Connection) -> datetime | None:
    """Return when the first day begins that history has."""
    found: datetime | None = await fetch_value(
        connection,
        "select (min(day)::timestamp at time zone 'UTC') from exchange.history_days() as d(day)",
    )
    return found


async def roll_up(connection: Connection, low: datetime, high: datetime) -> int:
    """Add what was written from a time on until just before another one; return the figures."""
    count = await execute(connection, _ADD, (low, high))
    await execute(connection, "update exchange.rolled_until set at = %s", (high,))
    return count


async def forget_entity(connection: Connection, tenant: str, entity: str) -> None:
    """Delete all figures of an entity."""
    await execute(
        connection,
        "delete from exchange.rollup where entity_key = exchange.entity_key(%s, %s) "
        "and tenant = %s and entity = %s",
        (tenant, entity, tenant, entity),
    )
