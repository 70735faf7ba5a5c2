"""History and the log are told of an entity that came to be what they are told of its changes."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.changes import attribute_changes, timeless
from beffroi.exchange.logged import body_of
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.writing.history_columns import HistoryColumns
from beffroi.exchange.writing.noting import Notes
from beffroi.kernel.database.columns import Column

KEY = ("town", "urn:x:1")
NOW = datetime(2026, 11, 22, 8, 0, 0, 5, tzinfo=UTC)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
instances = st.builds(
    Attribute,
    kind=st.sampled_from(AttributeKind),
    value=st.one_of(st.integers(), texts, st.booleans(), st.floats(allow_nan=False)),
    dataset_id=st.sampled_from(["", "urn:d:1"]),
    observed_at=st.sampled_from([None, NOW - timedelta(hours=1)]),
    created_at=st.sampled_from([NOW, NOW, NOW, NOW - timedelta(hours=1)]),
    modified_at=st.sampled_from([NOW, NOW, NOW, NOW - timedelta(minutes=1)]),
    members=st.sampled_from([{}, {"m": (Attribute(kind=AttributeKind.PROPERTY, value=1),)}]),
)
entities = st.builds(
    Entity,
    id=st.just(KEY[1]),
    types=st.just(("t",)),
    attributes=st.dictionaries(
        texts,
        st.lists(instances, min_size=1, max_size=2, unique_by=lambda one: one.dataset_id).map(
            tuple
        ),
        min_size=1,
    ),
    created_at=st.just(NOW),
    modified_at=st.sampled_from([NOW, NOW, None]),
)


def _received(columns: HistoryColumns) -> list[object]:
    return [one.content if isinstance(one, Column) else one for one in columns.parameters()]


@given(entities)
def test_an_entity_that_came_to_be_is_told_as_its_changes_are(entity: Entity) -> None:
    notes = Notes(NOW)
    notes.note(KEY, "arras", None, entity)

    changes = list(attribute_changes(None, entity))
    told = [timeless(one.instance) for one in changes]
    history = HistoryColumns(NOW)
    history.add(
        KEY,
        "arras",
        [one.attribute for one in changes],
        [one.instance for one in changes],
        list(map(msgspec.json.encode, told)),
    )
    assert _received(notes.history) == _received(history)
    [event] = notes.events
    assert (event.kind, event.subject) == ("exchange.entity_created", KEY[1])
    body = body_of(KEY[0], entity, changes, told)
    assert msgspec.json.encode(event.body) == msgspec.json.encode(body)


def test_what_is_deleted_was_so_until_now() -> None:
    observed = Attribute(
        kind=AttributeKind.PROPERTY, value=1, observed_at=NOW - timedelta(hours=1), created_at=NOW
    )
    entity = Entity(id=KEY[1], types=("t",), attributes={"a": (observed,)})
    notes = Notes(NOW)
    notes.note(KEY, "arras", None, entity)
    notes.note(KEY, "arras", entity, None)
    again = Notes(NOW)
    again.note(KEY, "arras", entity, None)

    ended, at = again.history.parameters()[4:6]
    assert (ended, at) == (True, NOW)
    assert len(notes.history) == 2
    evolution = notes.ended(KEY)
    assert evolution is not None
    assert evolution.deleted_at == NOW
