"""Which entities a question about history means, decided on what they were; pure.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.18, 4.19 and 5.7.4.4.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from beffroi.exchange.model import SCOPE, Attribute, Entity, Iri
from beffroi.exchange.temporal.model import (
    Instance,
    KnownEntity,
    Stretch,
    TemporalQuestion,
    Times,
)


def entity_over_time(
    known: KnownEntity, instances: Iterable[Instance], scopes: tuple[str, ...]
) -> Entity:
    """Make an entity whose attributes have as instances all that they were."""
    attributes: dict[Iri, tuple[Attribute, ...]] = {}
    for one in instances:
        if one.attribute != SCOPE and not one.ended:
            attributes[one.attribute] = (*attributes.get(one.attribute, ()), one.value)
    return Entity(
        id=known.id,
        types=known.types,
        scopes=scopes,
        attributes=attributes,
        created_at=known.created_at,
        modified_at=known.modified_at,
    )


def wanted_stretches(
    question: TemporalQuestion,
    known: KnownEntity,
    instances: Sequence[Instance],
    scopes: Sequence[Instance],
    times: Times,
) -> list[Stretch]:
    """Return when an entity is one that is asked for; never: it is none.

    Args:
        question: What is asked.
        known: The entity.
        instances: Of its attributes, in the times asked for.
        scopes: Of its scope, until the end of these, in order.
        times: The times asked for.
    """
    if not question.judges_scopes:
        entity = entity_over_time(known, instances, known.scopes)
        return [Stretch(known.id, times.low, times.high)] if question.wanted(entity) else []
    found: list[Stretch] = []
    for low, high, names in _validities(scopes):
        stretch = _overlap(known.id, low, high, times)
        if stretch is not None and question.wanted(entity_over_time(known, instances, names)):
            found.append(stretch)
    return found


def scopes_in_force(scopes: Sequence[Instance], stretches: Sequence[Stretch]) -> list[Instance]:
    """Return the instances of a scope that were set before a stretch and held in it."""
    found = []
    for place, one in enumerate(scopes):
        until = scopes[place + 1].at if place + 1 < len(scopes) else None
        for stretch in stretches:
            begun = stretch.low is not None and one.at < stretch.low
            held = until is None or stretch.low is None or until > stretch.low
            if begun and held and not one.ended:
                found.append(one)
    return found


def _validities(
    scopes: Sequence[Instance],
) -> Iterable[tuple[datetime | None, datetime | None, tuple[str, ...]]]:
    """Yield what the scopes were, from when until when; before the first there were none."""
    begun: datetime | None = None
    names: tuple[str, ...] = ()
    for one in scopes:
        yield begun, one.at, names
        begun, names = one.at, () if one.ended else _names(one.value)
    yield begun, None, names


def _names(scope: Attribute) -> tuple[str, ...]:
    return tuple(scope.value) if isinstance(scope.value, list) else (scope.value,)


def _overlap(
    entity: str, low: datetime | None, high: datetime | None, times: Times
) -> Stretch | None:
    lows = [one for one in (low, times.low) if one is not None]
    highs = [one for one in (high, times.high) if one is not None]
    begun, over = max(lows, default=None), min(highs, default=None)
    if begun is not None and over is not None and begun >= over:
        return None
    return Stretch(entity, begun, over)
