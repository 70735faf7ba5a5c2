"""Looking up by value leaves out nothing that a query wants, and little else comes with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.query.conditions import Condition, read_condition
from beffroi.exchange.query.necessities import Demand, Sort
from beffroi.exchange.query.value_index import ValueIndex
from tests.unit.exchange.query.random_questions import NUMBERS, WORDS, entities, queries

SPEED = DEFAULT_VOCABULARY + "speed"
OTHERS = range(10_000, 10_009)

_scalars = st.sampled_from((*NUMBERS, *WORDS, True, False))
_values = (
    _scalars
    | st.lists(_scalars, max_size=3)
    | st.builds(lambda one: {"@value": one}, _scalars)
    | st.none()
)
_instances = st.builds(
    lambda kind, value, dataset: Attribute(kind=kind, value=value, dataset_id=dataset),
    st.sampled_from((AttributeKind.PROPERTY, AttributeKind.LIST_PROPERTY)),
    _values,
    st.sampled_from(("", "urn:gps")),
) | st.builds(
    lambda texts: Attribute(kind=AttributeKind.LANGUAGE_PROPERTY, value=texts),
    st.dictionaries(
        st.sampled_from(("fr", "nl")),
        st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=1, max_size=2),
        min_size=1,
    ),
)
_saying = st.lists(_instances, max_size=3).map(tuple)
_literals = st.sampled_from(
    [*map(str, NUMBERS), *(f'"{one}"' for one in ("a", "ab", "31", "")), "2026-07-14T09:30:00Z"]
)
_ordered = st.builds("speed{}{}".format, st.sampled_from(("<", "<=", ">", ">=")), _literals)
_equal = st.lists(_literals | st.sampled_from(("true", "false")), min_size=1, max_size=3).map(
    lambda some: "speed==" + ",".join(some)
)
_ranges = st.builds("speed=={}..{}".format, *[st.sampled_from(NUMBERS)] * 2) | st.builds(
    'speed=="{}".."{}"'.format, *[st.sampled_from(("", "a", "ab", "é", "31"))] * 2
)
_asking_one = _ordered | _equal | _ranges
_joined = st.builds(
    "{}{}{}".format, _asking_one, st.sampled_from((";", "|")), _asking_one | queries
)


def _index(conditions: list[Condition]) -> ValueIndex[int]:
    """Index conditions among others, so that they are many."""
    index: ValueIndex[int] = ValueIndex()
    for number in OTHERS:
        index.put(number, number, (Demand("x:elsewhere", Sort.NUMBER, number, number),))
    for number, one in enumerate(conditions):
        index.put(number, number, one.demands())
    return index


def _wanting(conditions: list[Condition], entity: Entity) -> set[int]:
    return {at for at, one in enumerate(conditions) if one.question().wanted(entity)}


def _found(texts: list[str], value: Any) -> set[int]:
    index = _index([read_condition(text, CORE) for text in texts])
    instance = Attribute(kind=AttributeKind.PROPERTY, value=value)
    return set(index.found({SPEED: (instance,)}))


@given(st.lists(queries, max_size=8), entities(), st.sets(st.integers(0, 7)))
def test_whatever_a_query_wants_is_found(
    texts: list[str], entity: Entity, dropped: set[int]
) -> None:
    conditions = [read_condition(text, CORE) for text in texts]
    index = _index(conditions)
    for number in dropped & set(range(len(conditions))):
        index.drop(number)
    left = _wanting(conditions, entity) - dropped
    assert left <= index.found(entity.attributes).keys() <= set(range(len(texts))) - dropped


@given(st.lists(_asking_one | _joined, min_size=1, max_size=12), _saying)
def test_values_of_every_sort_are_found_wherever_they_are_said(
    texts: list[str], instances: tuple[Attribute, ...]
) -> None:
    conditions = [read_condition(text, CORE) for text in texts]
    attributes = {SPEED: instances} if instances else {}
    entity = Entity(id="urn:a", types=("Bus",), attributes=attributes)
    assert _wanting(conditions, entity) <= _index(conditions).found(attributes).keys()


@given(st.lists(_asking_one, min_size=1, max_size=12), st.data())
def test_what_was_dropped_leaves_nothing_behind(texts: list[str], data: st.DataObject) -> None:
    conditions = [read_condition(text, CORE) for text in texts]
    index = _index(conditions)
    numbers = data.draw(st.permutations(range(len(texts))))
    for number in numbers:
        index.drop(number)
    everything = tuple(
        Attribute(kind=AttributeKind.PROPERTY, value=one) for one in (*NUMBERS, *WORDS, True)
    )
    assert len(index) == len(OTHERS)
    assert not index.found({SPEED: everything})


@given(st.lists(_asking_one, min_size=1, max_size=12), _saying, st.data())
def test_few_are_found_as_well_as_many(
    texts: list[str], instances: tuple[Attribute, ...], data: st.DataObject
) -> None:
    conditions = [read_condition(text, CORE) for text in texts]
    attributes = {SPEED: instances} if instances else {}
    entity = Entity(id="urn:a", types=("Bus",), attributes=attributes)
    index: ValueIndex[int] = ValueIndex()
    for number, one in enumerate(conditions):
        index.put(number, number, one.demands())
    dropped = data.draw(st.sets(st.sampled_from(range(len(texts)))))
    for number in dropped:
        index.drop(number)
    wanting = _wanting(conditions, entity) - dropped
    assert wanting <= index.found(attributes).keys() <= set(range(len(texts))) - dropped


@pytest.mark.parametrize(
    ("texts", "value", "found"),
    [
        ([f"speed=={one}" for one in range(1_000)], 7, {7}),
        ([f"speed=={one}" for one in range(1_000)], 7.0, {7}),
        ([f"speed>{one}" for one in range(1_000)], 2.5, {0, 1, 2}),
        ([f"speed<={one}" for one in range(1_000)], 997, {997, 998, 999}),
        ([f"speed=={one}..{one + 2}" for one in range(1_000)], 10, {8, 9, 10}),
        ([f'speed=="{one}"' for one in range(1_000)], "7", {7}),
        ([f"speed=={one};speed>5" for one in range(1_000)], 7, {7}),
        ([f"name==true;speed=={one}" for one in range(1_000)], 7, {7}),
        ([f"speed=={one}|speed=={one + 1}" for one in range(1_000)], 7, {6, 7}),
        (["speed==true", "speed==1", "speed==false"], True, {0}),
        (["speed!=7", "!speed", "speed", "speed.unitCode==KMH", "speed[a]==7"], 8, {0, 1, 2, 3, 4}),
        (["speed==7|name~=a", "speed==8|owner==9"], 7, {0}),
    ],
)
def test_what_asks_for_other_values_is_not_looked_at(
    texts: list[str], value: Any, found: set[int]
) -> None:
    assert _found(texts, value) == found
