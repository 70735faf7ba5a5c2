"""The steps of an entity's courses, from its history and from figures reckoned before."""

from collections.abc import Sequence
from typing import Final

from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.model import Iri
from beffroi.exchange.temporal import aggregate_store, rolled_store
from beffroi.exchange.temporal.durations import Period
from beffroi.exchange.temporal.model import (
    Aggregation,
    Figures,
    Method,
    Selection,
    Stretch,
    TimeRelation,
    Times,
)
from beffroi.exchange.viewing.course import STEPS_MOST, Step, Window
from beffroi.kernel.database import Connection

_METHODS: Final = (Method.AVG, Method.MIN, Method.MAX, Method.TOTAL_COUNT)
_DEFAULT_INSTANCE: Final = frozenset({""})


async def steps_of(
    connection: Connection,
    realm: Realm,
    entity_id: str,
    names: Sequence[Iri],
    window: Window,
    *,
    observed: bool,
) -> dict[Iri, list[Step]]:
    """Return the steps of some attributes of an entity, by name and in order.

    Args:
        connection: Where to.
        realm: Whose.
        entity_id: Of which entity.
        names: Of its attributes.
        window: In which time.
        observed: They tell when they were observed; others count from when they were written.
    """
    if not names:
        return {}
    times = Times(
        relation=TimeRelation.BETWEEN if observed else None, low=window.since, high=window.until
    )
    selection = Selection(times=times, attributes=frozenset(names), dataset_ids=_DEFAULT_INSTANCE)
    stretch = Stretch(entity_id, window.since, window.until)
    aggregation = Aggregation(_METHODS, Period(length=window.step))
    limit = STEPS_MOST * len(names)
    asked = (connection, realm, [stretch], selection, aggregation)
    figures = await rolled_store.figures(*asked, limit=limit) if observed else None
    if figures is None:
        figures = await aggregate_store.figures(*asked, limit=limit)
    found: dict[Iri, list[Step]] = {}
    for one in sorted(figures, key=lambda row: (row.attribute, row.start)):
        step = _step(one)
        if step is not None:
            found.setdefault(one.attribute, []).append(step)
    return found


def _step(one: Figures) -> Step | None:
    mean, least, most, count = one.figures
    if (
        isinstance(mean, int | float)
        and isinstance(least, int | float)
        and isinstance(most, int | float)
        and isinstance(count, int)
    ):
        return Step(one.start, mean, least, most, count)
    return None
