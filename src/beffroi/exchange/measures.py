"""Measures put into entities: what is older than what is known changes history alone, once."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.exchange.representation.making import Instances, instance_of, placed, restamped
from beffroi.exchange.temporal.documents import Record, Recorded
from beffroi.exchange.temporal.model import Selection, TimeRelation, Times
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.kernel.rights.model import Actor

AHEAD_MOST: Final = timedelta(hours=1)
"""A measure further ahead of our clock is refused: it would hide all that follow."""
_NEXT: Final = timedelta(microseconds=1)
_Mark = tuple[Iri, datetime]


class _Standing(Enum):
    """What a told value is beside the one that is held."""

    NEW = auto()
    KNOWN = auto()
    LATE = auto()


class LateMeasures:
    """Adds to history what came late; what it has already is left out."""

    def __init__(self, history: History, recorder: Recorder) -> None:
        self._history = history
        self._recorder = recorder

    async def add(
        self, actor: Actor, tenant: str, entity_id: str, recorded: Sequence[Recorded]
    ) -> int:
        """Add values of an entity; return how many history did not have."""
        held = await self._held(actor, (tenant, entity_id), recorded)
        news = {_mark(one): one for one in recorded if _mark(one) not in held}
        if news:
            record = Record(id=entity_id, types=(), scopes=None, instances=tuple(news.values()))
            await self._recorder.add(actor, tenant, record)
        return len(news)

    async def _held(
        self, actor: Actor, key: tuple[str, str], recorded: Sequence[Recorded]
    ) -> set[_Mark]:
        """Return which of the values, by name and time, history has already."""
        times = sorted({_mark(one)[1] for one in recorded})
        names = frozenset(one.attribute for one in recorded)
        whole = await self._between(actor, key, names, (times[0], times[-1]))
        if whole is not None:
            return whole
        held: set[_Mark] = set()
        for at in times:
            held |= await self._between(actor, key, names, (at, at)) or set()
        return held

    async def _between(
        self,
        actor: Actor,
        key: tuple[str, str],
        names: frozenset[Iri],
        stretch: tuple[datetime, datetime],
    ) -> set[_Mark] | None:
        """Return what history has of a stretch of time; nothing where that is too much."""
        low, high = stretch
        times = Times(relation=TimeRelation.BETWEEN, low=low, high=high + _NEXT)
        answer = await self._history.evolution(
            actor, *key, Selection(times=times, attributes=names)
        )
        if answer.cut is not None and low != high:
            return None
        return {(one.attribute, one.at) for found in answer.found for one in found.instances}


def joined(
    held: Entity, told: Iterable[tuple[Iri, Attribute]], now: datetime
) -> tuple[Entity, tuple[Recorded, ...]]:
    """Return what an entity becomes, and what of the told is older than what it has.

    Where all that was measured is old news, what else is told changes nothing that is there. It is
    the same object where nothing new was told.
    """
    found = [
        (iri, one, instance_of(held.attributes.get(iri, ()), one.dataset_id)) for iri, one in told
    ]
    standings = [_standing(one, previous) for _, one, previous in found]
    measured = [
        standing
        for standing, (_, one, _) in zip(standings, found, strict=True)
        if one.observed_at is not None
    ]
    is_old = bool(measured) and _Standing.NEW not in measured
    changed: dict[Iri, Instances] = {}
    late: list[Recorded] = []
    for standing, (iri, one, previous) in zip(standings, found, strict=True):
        if standing is _Standing.LATE:
            late.append(Recorded(iri, restamped(one, None, now), ended=False))
        elif standing is _Standing.NEW and (previous is None or not is_old):
            before = changed.get(iri, held.attributes.get(iri, ()))
            changed[iri] = placed(before, restamped(one, previous, now))
    if not changed:
        return held, tuple(late)
    attributes = {**held.attributes, **changed}
    return replace(held, attributes=attributes, modified_at=now), tuple(late)


def _standing(told: Attribute, held: Attribute | None) -> _Standing:
    if held is None:
        return _Standing.NEW
    if told.observed_at is None:
        return _Standing.KNOWN if _is_same(told, held) else _Standing.NEW
    if held.observed_at is None or held.observed_at < told.observed_at:
        return _Standing.NEW
    return _Standing.KNOWN if held.observed_at == told.observed_at else _Standing.LATE


def _is_same(told: Attribute, held: Attribute) -> bool:
    # True equals 1 to Python, and is no number to anybody else.
    return (
        told.value == held.value
        and isinstance(told.value, bool) == isinstance(held.value, bool)
        and told.kind == held.kind
        and told.unit_code == held.unit_code
        and told.value_type == held.value_type
    )


def _mark(recorded: Recorded) -> _Mark:
    at = recorded.instance.observed_at
    if at is None:
        raise ValueError(recorded.attribute)
    return recorded.attribute, at
