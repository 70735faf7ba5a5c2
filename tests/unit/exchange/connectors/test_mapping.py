"""An entity becomes a row in the receiver's words."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.connectors.declared import MappedField
from beffroi.exchange.connectors.mapping import RowMapping, RowRefusedError
from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.representation.reading import read_entity

NOW = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
PARKING: dict[str, Any] = {
    "id": "urn:ngsi-ld:OffStreetParking:arenes",
    "type": "OffStreetParking",
    "taken": {"type": "Property", "value": 45, "observedAt": "2026-07-01T06:00:00Z"},
    "places": {"type": "Property", "value": 60},
    "nothing": {"type": "Property", "value": 0},
    "heat": {"type": "Property", "value": 20, "unitCode": "CEL"},
    "bare": {"type": "Property", "value": 36},
    "label": {"type": "LanguageProperty", "languageMap": {"fr": "Arènes", "en": "Arenas"}},
    "since": {"type": "Property", "value": {"@type": "Date", "@value": "2020-01-02"}},
    "isIn": {"type": "Relationship", "object": "urn:ngsi-ld:Town:30189"},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [4.36, 43.83]}},
    "shape": {
        "type": "GeoProperty",
        "value": {"type": "LineString", "coordinates": [[4.3, 43.8], [4.4, 43.9]]},
    },
}


def mapping(**fields: dict[str, Any]) -> RowMapping:
    return RowMapping(msgspec.convert(fields, dict[str, MappedField]), CORE, CORE.compact)


def row(document: dict[str, Any] = PARKING, **fields: dict[str, Any]) -> dict[str, Any]:
    return mapping(**fields).row(read_entity(document, CORE, NOW))


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ({"attribute": "id"}, "urn:ngsi-ld:OffStreetParking:arenes"),
        ({"attribute": "type"}, "OffStreetParking"),
        ({"attribute": "observedAt"}, None),
        ({"attribute": "taken"}, 45),
        ({"attribute": "taken", "part": "observedAt"}, "2026-07-01T06:00:00Z"),
        ({"attribute": "taken", "divided_by": "places"}, 0.75),
        ({"attribute": "places", "divided_by": "taken", "digits": 2}, 1.33),
        ({"attribute": "heat", "unit": "FAH"}, 68.0),
        ({"attribute": "heat", "part": "unitCode"}, "CEL"),
        ({"attribute": "bare", "unit": "MTS", "unit_held": "KMH"}, 10.0),
        ({"attribute": "label", "language": "en"}, "Arenas"),
        ({"attribute": "label", "language": "oc"}, "Arènes"),
        ({"attribute": "since"}, "2020-01-02"),
        ({"attribute": "isIn"}, "urn:ngsi-ld:Town:30189"),
        ({"attribute": "location", "part": "longitude"}, 4.36),
        ({"attribute": "location", "part": "latitude"}, 43.83),
        ({"attribute": "absent"}, None),
        ({"attribute": "taken", "dataset": "urn:other"}, None),
    ],
)
def test_a_field_tells_what_it_is_declared_to(field: dict[str, Any], told: object) -> None:
    assert row(it=field) == {"it": told}


def test_the_newest_measure_of_the_row_is_when_it_was_observed() -> None:
    told = row(at={"attribute": "observedAt"}, taken={"attribute": "taken"})
    assert told == {"at": "2026-07-01T06:00:00Z", "taken": 45}


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ({"attribute": "absent", "required": True}, "connector_value_missing"),
        ({"attribute": "label", "unit": "FAH"}, "connector_not_a_number"),
        ({"attribute": "bare", "unit": "MTS"}, "connector_unit"),
        ({"attribute": "heat", "unit": "MTS"}, "connector_unit"),
        ({"attribute": "taken", "divided_by": "nothing"}, "connector_divided_by_zero"),
        ({"attribute": "taken", "divided_by": "absent"}, "connector_value_missing"),
        ({"attribute": "shape", "part": "longitude"}, "connector_not_a_point"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_reason(field: dict[str, Any], code: str) -> None:
    with pytest.raises(RowRefusedError) as raised:
        row(it=field)
    assert raised.value.code == f"exchange.{code}"
    assert "it" in raised.value.message()


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(_VALUES.filter(lambda value: value is not None and value != "urn:ngsi-ld:null"))
def test_any_value_becomes_a_row_or_a_refusal(value: Any) -> None:
    is_json = isinstance(value, dict | list)
    told_as = (
        {"type": "JsonProperty", "json": value} if is_json else {"type": "Property", "value": value}
    )
    document = {"id": "urn:x:1", "type": "T", "a": told_as}
    try:
        told = row(document, plain={"attribute": "a"}, number={"attribute": "a", "digits": 1})
    except RowRefusedError as error:
        assert error.code == "exchange.connector_not_a_number"  # noqa: PT017 - both may be
    else:
        assert isinstance(told["number"], int | float)
