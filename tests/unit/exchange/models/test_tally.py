"""What is concluded from the entities of a type."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.models.declared import Bounds
from beffroi.exchange.models.quality import Component, score_of
from beffroi.exchange.models.tally import EXAMINED_MOST, Judgement, Rules, Tally

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEVEL, NAME = "https://example.org/level", "https://example.org/name"


def entity(number: int, level: float | None = 1.0, ago_s: float = 60, late_s: float = 0) -> Entity:
    at = NOW - timedelta(seconds=ago_s)
    attributes: dict[str, tuple[Attribute, ...]] = {}
    if level is not None:
        arrived = at + timedelta(seconds=late_s)
        kind = AttributeKind.PROPERTY
        one = Attribute(kind=kind, value=level, observed_at=at, modified_at=arrived)
        attributes[LEVEL] = (one,)
    return Entity(id=f"urn:x:{number}", types=("t",), attributes=attributes, modified_at=at)


def judged(rules: Rules, *entities: Entity) -> Judgement:
    tally = Tally(rules, Random(1))  # noqa: S311 - a sample
    for one in entities:
        tally.add(one)
    return tally.judged({}, NOW)


def test_what_is_expected_and_missing_is_told_by_entity() -> None:
    rules = Rules(expected=(frozenset({LEVEL, "https://example.com/niveau"}),))
    found = judged(rules, entity(1), entity(2, level=None))
    assert found.components == {Component.COMPLETE: 0.5, Component.PUNCTUAL: 1}
    assert [(one.entity, one.attribute) for one in found.findings] == [("urn:x:2", LEVEL)]


def test_where_nothing_is_declared_what_most_have_is_expected() -> None:
    without = [entity(8, level=None), entity(9, level=None)]
    found = judged(Rules(), *(entity(one) for one in range(8)), *without)
    assert found.components[Component.COMPLETE] == 0.8
    assert [one.entity for one in found.findings] == ["urn:x:8", "urn:x:9"]


def test_numbers_beyond_their_bounds_are_told_the_farthest_first() -> None:
    rules = Rules(bounds={LEVEL: Bounds(minimum=0, maximum=10)})
    found = judged(rules, entity(1, 5), entity(2, 11), entity(3, -40), entity(4, 10))
    assert found.components[Component.IN_RANGE] == 0.5
    assert [(one.entity, one.bound) for one in found.findings] == [("urn:x:3", 0), ("urn:x:2", 10)]


def test_silence_and_lateness_are_counted_by_the_declared_period() -> None:
    rules = Rules(period_s=600)
    found = judged(rules, entity(1, ago_s=1_700), entity(2, ago_s=1_900), entity(3, late_s=1_300))
    assert found.components[Component.SPEAKING] == pytest.approx(2 / 3)
    assert found.components[Component.PUNCTUAL] == pytest.approx(2 / 3)
    by_kind = {one.kind: one for one in found.findings}
    assert by_kind[Component.SPEAKING].entity == "urn:x:2"
    assert by_kind[Component.PUNCTUAL].entity == "urn:x:3"


def test_of_many_a_sample_is_examined() -> None:
    tally = Tally(Rules(), Random(1))  # noqa: S311 - a sample
    for number in range(4 * EXAMINED_MOST):
        tally.add(entity(number))
    assert len({one.id for one in tally.sample}) == EXAMINED_MOST
    assert any(one.id == f"urn:x:{number}" for one in tally.sample for number in range(900, 1_200))


@given(st.dictionaries(st.sampled_from(Component), st.floats(0, 1), max_size=6))
def test_the_score_lies_between_the_worst_and_the_best_of_its_components(
    components: dict[Component, float],
) -> None:
    score = score_of(components)
    if not components:
        assert score is None
        return
    assert score is not None
    assert min(components.values()) - 1e-9 <= score <= max(components.values()) + 1e-9
