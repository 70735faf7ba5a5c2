"""The log tells of a change what it was, though it says times once."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from beffroi.exchange.changes import AttributeChange, ChangeKind, timeless
from beffroi.exchange.logged import body_in_full, body_of, body_of_new, changes_of
from beffroi.exchange.model import Attribute, AttributeKind, Entity

NOW = datetime(2026, 11, 22, 8, 0, 0, 5, tzinfo=UTC)
times = st.sampled_from([None, NOW, NOW - timedelta(hours=1), NOW + timedelta(microseconds=1)])
instances = st.builds(
    Attribute,
    kind=st.sampled_from(AttributeKind),
    value=st.one_of(st.integers(), st.text(), st.booleans(), st.lists(st.text())),
    dataset_id=st.sampled_from(["", "urn:d:1"]),
    observed_at=times,
    created_at=times,
    modified_at=times,
    members=st.just({"m": (Attribute(kind=AttributeKind.PROPERTY, value=1, created_at=NOW),)}),
)
changes = st.lists(
    st.builds(
        AttributeChange,
        kind=st.sampled_from(ChangeKind),
        attribute=st.sampled_from(["a", "b"]),
        instance=instances,
        before=st.one_of(st.none(), instances),
    )
)


def _entity(modified_at: datetime | None) -> Entity:
    return Entity(id="x:1", types=("t",), scopes=("/a",), modified_at=modified_at)


def _body(
    tenant: str, modified_at: datetime | None, told: Sequence[AttributeChange]
) -> dict[str, Any]:
    return body_of(tenant, _entity(modified_at), told, [timeless(one.instance) for one in told])


def _as_in_the_log(body: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(body))
    return read


@given(changes, times)
def test_an_entry_tells_each_change_in_full(
    told: list[AttributeChange], modified_at: datetime | None
) -> None:
    body = _as_in_the_log(_body("town", modified_at, told))
    assert changes_of(body).in_full() == tuple(told)


@given(changes)
def test_entries_of_before_are_read_as_they_are(told: list[AttributeChange]) -> None:
    body = _as_in_the_log({"tenant": "", "types": ["t"], "scopes": [], "changes": told})
    assert changes_of(body).in_full() == tuple(told)


@given(changes, times)
def test_those_outside_get_entries_as_ever(
    told: list[AttributeChange], modified_at: datetime | None
) -> None:
    ever = {"tenant": "town", "types": ["t"], "scopes": ["/a"], "changes": told}
    body = _as_in_the_log(_body("town", modified_at, told))
    assert body_in_full(body) == _as_in_the_log(ever)


def test_what_an_erasure_left_of_an_entry_still_goes_out() -> None:
    made = Attribute(kind=AttributeKind.PROPERTY, value=1, created_at=NOW, modified_at=NOW)
    told = [AttributeChange(kind=ChangeKind.CREATED, attribute="a", instance=made)]
    body = _as_in_the_log(_body("town", NOW, told))
    del body["tenant"], body["types"], body["changes"]
    assert body_in_full(body) == {"scopes": ["/a"]}


@given(
    st.dictionaries(st.text(), instances.map(timeless)),
    st.text(),
    st.lists(st.text(), min_size=1).map(tuple),
    st.sampled_from([(), ("/a",), ('/b"', "/%c")]),
)
def test_an_entity_that_is_new_throughout_is_told_as_its_changes_are(
    attributes: dict[str, Attribute], tenant: str, types: tuple[str, ...], scopes: tuple[str, ...]
) -> None:
    entity = Entity(id="x:1", types=types, scopes=scopes, created_at=NOW, modified_at=NOW)
    told = [
        AttributeChange(
            kind=ChangeKind.CREATED,
            attribute=name,
            instance=replace(one, created_at=NOW, modified_at=NOW),
        )
        for name, one in attributes.items()
    ]
    said = [msgspec.json.encode(one) for one in attributes.values()]
    at_once = body_of_new(tenant, entity, tuple(attributes), said)
    one_by_one = body_of(tenant, entity, told, attributes.values())
    assert bytes(at_once) == msgspec.json.encode(one_by_one)


def test_times_of_the_entity_are_told_once() -> None:
    made = Attribute(kind=AttributeKind.PROPERTY, value=1, created_at=NOW, modified_at=NOW)
    told = [
        AttributeChange(kind=ChangeKind.CREATED, attribute=name, instance=made) for name in "abc"
    ]
    written = msgspec.json.encode(_body("", NOW, told))
    assert written.count(b"2026-11-22") == 1
