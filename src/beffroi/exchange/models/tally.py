"""What a survey gathers of the entities of one type and organisation, entity by entity; pure."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from heapq import heappush, heappushpop
from random import Random
from typing import Final

import msgspec

from beffroi.exchange.model import AttributeKind, Entity, Iri
from beffroi.exchange.models.conformity import Model
from beffroi.exchange.models.declared import Bounds
from beffroi.exchange.models.quality import (
    AttributeQuality,
    Component,
    Finding,
    attribute_score,
    late_after_s,
    score_of,
    worst,
)
from beffroi.exchange.models.series import Point, Rhythm, flat_lines, rhythm_of, typical

EXAMINED_MOST: Final = 300
FINDINGS_MOST: Final = 50
USUAL_SHARE: Final = 0.8
_SHAPES_MOST: Final = 200
_NAMES_KEPT: Final = 20
_NUMERIC_MOST: Final = 8


class Rules(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the entities of a type are judged by.

    Attributes:
        model: Which they should fit.
        expected: Attributes that each should have, by any of their names in full; none: those
            that most have.
        bounds: What numbers may be, by attribute.
        period_s: How often each is measured; 0: as their history shows.
        refuses: Whether what does not fit is not written.
    """

    model: Model | None = None
    expected: tuple[frozenset[Iri], ...] = ()
    bounds: Mapping[Iri, Bounds] = {}
    period_s: float = 0
    refuses: bool = False


class Sampled(msgspec.Struct, frozen=True):
    """An entity whose history is looked at."""

    id: str
    numeric: tuple[Iri, ...]


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a survey concludes."""

    entities: int
    changed_at: datetime | None
    observed_at: datetime | None
    rhythm: Rhythm | None
    components: Mapping[Component, float]
    attributes: Sequence[AttributeQuality]
    findings: Sequence[Finding]

    @property
    def score(self) -> float | None:
        """Return the quality in one number."""
        return score_of(self.components)


class Tally:
    """Counts what the entities of one type of one organisation are like.

    Args:
        rules: What they are judged by.
        chance: Chooses whose history is looked at, where they are many.
    """

    def __init__(self, rules: Rules, chance: Random) -> None:
        self._rules = rules
        self._chance = chance
        self.entities = 0
        self.sample: list[Sampled] = []
        self._changed_at: datetime | None = None
        self._shapes: dict[frozenset[Iri], tuple[int, list[str]]] = {}
        self._observed = array("d")
        self._delays = array("d")
        self._oldest: list[tuple[float, str]] = []
        self._slowest: list[tuple[float, str]] = []
        self._numbers: dict[Iri, int] = {}
        self._outside: dict[Iri, int] = {}
        self._unfit = 0
        self._findings: dict[Component, list[Finding]] = {}

    def add(self, entity: Entity) -> None:
        """Count an entity."""
        self.entities += 1
        if entity.modified_at is not None:
            self._changed_at = max(self._changed_at or entity.modified_at, entity.modified_at)
        self._add_shape(entity)
        self._add_times(entity)
        numeric = self._add_numbers(entity)
        self._add_fit(entity)
        if numeric:
            self._choose(Sampled(entity.id, tuple(numeric[:_NUMERIC_MOST])))

    def judged(
        self, series: Mapping[str, Mapping[Iri, Sequence[Point]]], now: datetime
    ) -> Judgement:
        """Conclude.

        Args:
            series: Last numbers of those in ``sample``, by entity and attribute.
            now: What silence is counted to.
        """
        rhythms = {entity: _rhythm(points) for entity, points in series.items()}
        usual = typical([one for one in rhythms.values() if one is not None])
        if self._rules.period_s:
            usual = Rhythm(self._rules.period_s, 0.0)
        components: dict[Component, float] = {}
        expected = self._expected()
        self._judge_shapes(components, expected)
        self._judge_times(components, usual, rhythms, now)
        flat, examined = self._judge_lines(components, series)
        numbers = sum(self._numbers.values())
        if numbers and (self._rules.bounds):
            components[Component.IN_RANGE] = 1 - sum(self._outside.values()) / numbers
        if self._rules.model is not None and self.entities:
            components[Component.CONFORMING] = 1 - self._unfit / self.entities
        newest = max(self._observed, default=None)
        return Judgement(
            entities=self.entities,
            changed_at=self._changed_at,
            observed_at=None if newest is None else datetime.fromtimestamp(newest, UTC),
            rhythm=usual,
            components=components,
            attributes=self._attributes(expected, flat, examined),
            findings=[
                one for found in self._findings.values() for one in worst(found, FINDINGS_MOST)
            ],
        )

    def _add_shape(self, entity: Entity) -> None:
        shape = frozenset(entity.attributes)
        if shape not in self._shapes and len(self._shapes) >= _SHAPES_MOST:
            shape = min(self._shapes, key=lambda one: len(one ^ shape))
        count, ids = self._shapes.get(shape, (0, []))
        if len(ids) < _NAMES_KEPT:
            ids.append(entity.id)
        self._shapes[shape] = (count + 1, ids)

    def _add_times(self, entity: Entity) -> None:
        last, delay = None, None
        for instances in entity.attributes.values():
            for one in instances:
                if one.observed_at is None:
                    continue
                observed = one.observed_at.timestamp()
                last = observed if last is None else max(last, observed)
                if one.modified_at is not None:
                    late = one.modified_at.timestamp() - observed
                    delay = late if delay is None else max(delay, late)
        if last is not None:
            self._observed.append(last)
            _keep_most(self._oldest, (-last, entity.id))
        if delay is not None:
            self._delays.append(delay)
            _keep_most(self._slowest, (delay, entity.id))

    def _add_numbers(self, entity: Entity) -> list[Iri]:
        measured = []
        for name, instances in entity.attributes.items():
            for one in instances:
                value = one.value
                if (
                    one.dataset_id
                    or one.kind is not AttributeKind.PROPERTY
                    or isinstance(value, bool)
                    or not isinstance(value, int | float)
                ):
                    continue
                if one.observed_at is not None:
                    measured.append(name)
                bounds = self._rules.bounds.get(name)
                if bounds is None:
                    continue
                self._numbers[name] = self._numbers.get(name, 0) + 1
                if not bounds.hold(value):
                    self._outside[name] = self._outside.get(name, 0) + 1
                    self._note(_outside(entity.id, name, value, bounds, one.observed_at))
        return measured

    def _add_fit(self, entity: Entity) -> None:
        model = self._rules.model
        if model is None or model.fits(entity):
            return
        self._unfit += 1
        found = model.unfit(entity)
        told = "; ".join(one.told for one in found[:3])
        self._note(
            Finding(
                kind=Component.CONFORMING, entity=entity.id, weight=float(len(found)), told=told
            )
        )

    def _choose(self, one: Sampled) -> None:
        if len(self.sample) < EXAMINED_MOST:
            self.sample.append(one)
            return
        place = self._chance.randrange(self.entities)
        if place < EXAMINED_MOST:
            self.sample[place] = one

    def _note(self, finding: Finding) -> None:
        found = self._findings.setdefault(finding.kind, [])
        if len(found) < 2 * FINDINGS_MOST:
            found.append(finding)

    def _expected(self) -> Mapping[Iri, frozenset[Iri]]:
        """Return the expected attributes, each with all of its names."""
        counts = self._counts()
        if self._rules.expected:
            return {
                max(sorted(names), key=lambda name: counts.get(name, 0)): names
                for names in self._rules.expected
            }
        usual = USUAL_SHARE * self.entities
        return {name: frozenset({name}) for name, count in counts.items() if count >= usual}

    def _counts(self) -> dict[Iri, int]:
        counts: dict[Iri, int] = {}
        for shape, (count, _) in self._shapes.items():
            for name in shape:
                counts[name] = counts.get(name, 0) + count
        return counts

    def _judge_shapes(
        self, components: dict[Component, float], expected: Mapping[Iri, frozenset[Iri]]
    ) -> None:
        if not expected or not self.entities:
            return
        absent = 0
        for shape, (count, ids) in self._shapes.items():
            missing = [name for name, names in expected.items() if not names & shape]
            absent += len(missing) * count
            for name in sorted(missing):
                for entity in ids:
                    weight = float(len(missing))
                    kind = Component.COMPLETE
                    self._note(Finding(kind=kind, entity=entity, attribute=name, weight=weight))
        components[Component.COMPLETE] = 1 - absent / (len(expected) * self.entities)

    def _judge_times(
        self,
        components: dict[Component, float],
        usual: Rhythm | None,
        rhythms: Mapping[str, Rhythm | None],
        now: datetime,
    ) -> None:
        if self._delays:
            limit = late_after_s(None if usual is None else usual.period_s)
            late = sum(1 for one in self._delays if one > limit)
            components[Component.PUNCTUAL] = 1 - late / len(self._delays)
            for delay, entity in self._slowest:
                if delay > limit:
                    self._note(
                        Finding(
                            kind=Component.PUNCTUAL,
                            entity=entity,
                            weight=delay,
                            value=delay,
                            bound=limit,
                        )
                    )
        if usual is None or not self._observed:
            return
        at, limit = now.timestamp(), usual.silent_after_s
        silent = sum(1 for one in self._observed if at - one > limit)
        for negative, entity in self._oldest:
            own = rhythms.get(entity) if not self._rules.period_s else None
            quiet, allowed = at + negative, limit if own is None else own.silent_after_s
            silent += (quiet > allowed) - (quiet > limit)
            if quiet > allowed:
                self._note(
                    Finding(
                        kind=Component.SPEAKING,
                        entity=entity,
                        weight=quiet / allowed,
                        since=datetime.fromtimestamp(-negative, UTC),
                        value=quiet,
                        bound=allowed,
                    )
                )
        components[Component.SPEAKING] = 1 - silent / len(self._observed)

    def _judge_lines(
        self,
        components: dict[Component, float],
        series: Mapping[str, Mapping[Iri, Sequence[Point]]],
    ) -> tuple[Mapping[Iri, int], Mapping[Iri, int]]:
        by_name: dict[Iri, dict[str, Sequence[Point]]] = {}
        for entity, found in series.items():
            for name, points in found.items():
                by_name.setdefault(name, {})[entity] = points
        flat: dict[Iri, int] = {}
        examined: dict[Iri, int] = {}
        for name, points_of in by_name.items():
            still = flat_lines(points_of)
            flat[name], examined[name] = len(still), len(points_of)
            for entity, count in still.items():
                points = points_of[entity]
                self._note(
                    Finding(
                        kind=Component.VARYING,
                        entity=entity,
                        attribute=name,
                        weight=float(count),
                        since=points[-count][0],
                        value=points[-1][1],
                        bound=float(count),
                    )
                )
        if total := sum(examined.values()):
            components[Component.VARYING] = 1 - sum(flat.values()) / total
        return flat, examined

    def _attributes(
        self, expected: Iterable[Iri], flat: Mapping[Iri, int], examined: Mapping[Iri, int]
    ) -> Sequence[AttributeQuality]:
        wanted, counts = frozenset(expected), self._counts()
        made = []
        for name in sorted(counts.keys() | wanted):
            one = AttributeQuality(
                name=name,
                entities=counts.get(name, 0),
                expected=name in wanted,
                out_of_range=self._outside.get(name, 0),
                flat=flat.get(name, 0),
                examined=examined.get(name, 0),
                score=None,
            )
            score = attribute_score(self.entities, one)
            made.append(msgspec.structs.replace(one, score=score))
        return made


def _rhythm(series: Mapping[Iri, Sequence[Point]]) -> Rhythm | None:
    """Return the rhythm of the attribute that is measured most."""
    longest = max(series.values(), key=len, default=())
    return rhythm_of([at for at, _ in longest])


def _keep_most(heap: list[tuple[float, str]], one: tuple[float, str]) -> None:
    if len(heap) < EXAMINED_MOST:
        heappush(heap, one)
    else:
        heappushpop(heap, one)


def _outside(
    entity: str, name: Iri, value: float, bounds: Bounds, since: datetime | None
) -> Finding:
    below = bounds.minimum is not None and value < bounds.minimum
    limit = bounds.minimum if below else bounds.maximum
    return Finding(
        kind=Component.IN_RANGE,
        entity=entity,
        attribute=name,
        weight=abs(value - (limit or 0.0)),
        since=since,
        value=value,
        bound=limit,
    )
