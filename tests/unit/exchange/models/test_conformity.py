"""Where an entity does not fit a schema."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.models.conformity import Model, shipped
from beffroi.exchange.models.library import terms_of
from beffroi.exchange.representation.reading import read_entity
from beffroi.kernel.errors import InvalidInputError

NOW = datetime(2026, 3, 2, tzinfo=UTC)
PLACE = {"type": "Point", "coordinates": [4.36, 43.83]}
PARKING: dict[str, Any] = {
    "id": "urn:ngsi-ld:OffStreetParking:1",
    "type": "OffStreetParking",
    "location": {"type": "GeoProperty", "value": PLACE},
    "category": {"type": "Property", "value": ["public"]},
    "refParkingSpot": {"type": "Relationship", "object": "urn:ngsi-ld:ParkingSpot:1"},
    "name": {"type": "LanguageProperty", "languageMap": {"fr": "Gare", "en": "Station"}},
    "status": {"type": "VocabProperty", "vocab": ["open"]},
}


def parking() -> Model:
    model = shipped("OffStreetParking")
    assert model is not None
    return model


def told(entity: Entity) -> list[str]:
    return [one.told for one in parking().unfit(entity)]


def test_an_entity_with_attributes_of_every_kind_fits() -> None:
    entity = read_entity(PARKING, CORE, NOW)
    assert told(entity) == []
    assert parking().simplified(entity)["refParkingSpot"] == "urn:ngsi-ld:ParkingSpot:1"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("occupancy", 1.2, "/occupancy: 1.2 (<= 1)"),
        ("occupancy", "full", '/occupancy: "full" (number)'),
        ("totalSpotNumber", -1, "/totalSpotNumber: -1 (>= 0)"),
        ("category", "public", '/category: "public" (array)'),
        ("dateModified", "soon", '/dateModified: "soon" (format date-time)'),
        ("address", {"addressCountry": 33}, "/address/addressCountry: 33 (string)"),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_place(
    name: str, value: object, expected: str
) -> None:
    entity = read_entity({**PARKING, name: {"type": "Property", "value": value}}, CORE, NOW)
    assert told(entity) == [expected]


def test_what_is_missing_is_told() -> None:
    without = {name: one for name, one in PARKING.items() if name != "location"}
    assert told(read_entity(without, CORE, NOW)) == ["/location: — (required)"]


def test_names_in_full_are_those_of_the_model() -> None:
    name = terms_of("Parking")["occupancy"]
    attribute = Attribute(kind=AttributeKind.PROPERTY, value=2)
    entity = Entity(
        id="urn:x:1", types=(CORE.expand("OffStreetParking"),), attributes={name: (attribute,)}
    )
    assert "/occupancy: 2 (<= 1)" in told(entity)


def test_an_entity_of_several_types_is_judged_as_what_the_model_is_about() -> None:
    both = {**PARKING, "type": ["Shelter", "OffStreetParking"]}
    assert told(read_entity(both, CORE, NOW)) == []


def test_a_long_value_is_shortened() -> None:
    entity = read_entity(
        {**PARKING, "occupancy": {"type": "Property", "value": "x" * 500}}, CORE, NOW
    )
    assert len(parking().unfit(entity)[0].found) == 80


@pytest.mark.parametrize(
    "schema",
    [{"type": "nonsense"}, {"$ref": "file:///etc/passwd"}, {"pattern": "(?=a)b"}],
    ids=["unknown type", "reference to a file", "lookahead"],
)
def test_what_is_no_schema_of_use_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="no JSON Schema"):
        Model("mine", schema, {})


def test_a_schema_may_not_lead_to_a_file_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidInputError, match="lies outside the schema"):
        Model("mine", {"$ref": (tmp_path / "other.json").as_uri()}, {})


def test_a_pattern_that_would_take_forever_takes_no_time() -> None:
    model = Model("mine", {"properties": {"a": {"pattern": "^(a+)+$"}}}, {})
    assert model.unfit_document({"a": "a" * 5_000 + "b"})[0].pointer == "/a"
