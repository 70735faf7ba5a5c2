"""What messages tell whose topics name entities."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.model import Attribute, AttributeKind
from beffroi.exchange.mqtt.checking import is_filter
from beffroi.exchange.mqtt.native import is_native, measures_of, named_entity
from beffroi.exchange.uplinks.message import UplinkMessage

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOPIC = "ngsi-ld/Device/urn:ngsi-ld:Device:1"
CONTEXT = "https://uri.etsi.org/ngsi-ld/default-context/"
NAMES = st.sampled_from(["temperature", "humidity", "noise"])
NUMBERS = st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)


def _told(payload: Any) -> dict[str, Attribute]:
    content = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    measures = measures_of(named_entity(TOPIC), UplinkMessage(TOPIC, content, NOW))
    return {iri.removeprefix(CONTEXT): one for iri, one in measures.attributes}


@pytest.mark.parametrize(
    ("topic", "tenant", "entity"),
    [
        (TOPIC, "", "urn:ngsi-ld:Device:1"),
        (f"tenants/metro/{TOPIC}", "metro", "urn:ngsi-ld:Device:1"),
        ("ngsi-ld/Device/https://town.fr/devices/1", "", "https://town.fr/devices/1"),
    ],
)
def test_a_topic_names_a_tenant_a_type_and_an_id(topic: str, tenant: str, entity: str) -> None:
    named = named_entity(topic)
    assert is_native(topic)
    assert (named.tenant, named.types, named.id) == (tenant, (f"{CONTEXT}Device",), entity)


@pytest.mark.parametrize(
    "topic",
    [
        *("ngsi-ld/", "ngsi-ld/Device", "ngsi-ld/Device/", "ngsi-ld/Device/1"),
        *("ngsi-ld/@id/urn:a:b", "tenants/a/b/ngsi-ld/Device/urn:a:b"),
        "tenants//ngsi-ld/Device/urn:a:b",
    ],
)
def test_a_topic_that_names_no_entity_is_refused(topic: str) -> None:
    assert is_native(topic)
    with pytest.raises(ExchangeError):
        named_entity(topic)


@given(st.dictionaries(NAMES, NUMBERS, min_size=1))
def test_bare_numbers_are_read_as_all_attributes_are(values: dict[str, float]) -> None:
    observed = {"observedAt": "2026-11-22T12:00:00Z"}
    plain = _told({**values, **observed})
    written = _told({name: {"value": one, **observed} for name, one in values.items()})
    undated = {
        name: msgspec.structs.replace(one, created_at=None, modified_at=None)
        for name, one in written.items()
    }
    assert plain == undated


def test_the_time_beside_attributes_is_that_of_those_that_have_none() -> None:
    told = _told(
        {
            "name": "Quai",
            "level": {"value": 2, "unitCode": "MTR"},
            "flow": {"value": 3, "observedAt": "2026-11-22T11:00:00Z"},
            "location": {"type": "Point", "coordinates": [4.3, 43.8]},
            "river": {"object": "urn:ngsi-ld:River:1"},
            "state": {"gates": [1, 2]},
            "observedAt": "2026-11-22T12:00:00Z",
        }
    )
    observed = {name: one.observed_at for name, one in told.items() if name != "flow"}
    assert set(observed.values()) == {NOON}
    assert told["flow"].observed_at == NOON.replace(hour=11)
    assert told["level"].unit_code == "MTR"
    assert told["river"].kind is AttributeKind.RELATIONSHIP
    assert told["state"].value == {"gates": [1, 2]}
    assert AttributeKind.GEO_PROPERTY in {one.kind for one in told.values()}


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"21.5", b"[1]", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":' * 300, b"\xff", {}),
        *({"observedAt": "2026-11-22T12:00:00Z"}, {"a": 1, "observedAt": "noon"}),
        *({"a": 1, "id": "urn:a:other"}, {"location": 5}, {"@id": 5}, {"a": None}),
    ],
)
def test_what_can_be_no_attributes_is_refused(payload: Any) -> None:
    with pytest.raises(ExchangeError):
        _told(payload)


@given(st.binary(max_size=60))
def test_no_payload_raises_anything_else(payload: bytes) -> None:
    with suppress(ExchangeError):
        assert _told(payload)


def test_filters_have_wildcards_where_mqtt_allows_them() -> None:
    assert all(map(is_filter, ["#", "+", "a/+/b", "a/#", "/a", "+/+/#"]))
    assert not any(map(is_filter, ["a#", "#/a", "a+/b", "a/b#", "a\0"]))
