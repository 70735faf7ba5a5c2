"""Values are written as people read them."""

import pytest

from beffroi.exchange.cli import _shortened
from beffroi.exchange.contexts.terms import DEFAULT_VOCABULARY
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Json
from beffroi.exchange.viewing.figures import end_of, heading_of, told_number
from beffroi.kernel.catalogue import Language


@pytest.mark.parametrize(
    ("value", "told"),
    [(402, "402"), (402.0, "402"), (1.0387596899224807, "1,03876"), (-0.5, "-0,5"), (0, "0")],
)
def test_a_measure_has_six_digits_that_count(value: float, told: str) -> None:
    assert told_number(value, Language.FR) == told


def _entity(**values: Json) -> Entity:
    return Entity(
        id="urn:ngsi-ld:OffStreetParking:1",
        types=("https://example.org/OffStreetParking",),
        attributes={
            DEFAULT_VOCABULARY + name: (Attribute(kind=AttributeKind.PROPERTY, value=value),)
            for name, value in values.items()
        },
    )


def test_an_entity_is_called_by_its_name() -> None:
    named = _entity(operator="Ville", name="Arènes")
    assert heading_of(named, Language.FR) == "Arènes"


@pytest.mark.parametrize(
    ("language", "told"), [(Language.FR, "Les Arènes"), (Language.EN, "The Arena")]
)
def test_a_name_in_several_languages_is_told_in_that_of_the_reader(
    language: Language, told: str
) -> None:
    named = _entity(name={"fr": "Les Arènes", "en": ["The Arena"], "oc": "Las Arenas"})
    assert heading_of(named, language) == told


def test_a_name_that_is_not_there_in_the_readers_language_is_told_in_another() -> None:
    assert heading_of(_entity(name={"oc": "Las Arenas"}), Language.FR) == "Las Arenas"


@pytest.mark.parametrize("values", [{"operator": "Ville"}, {"name": 12}, {"name": ""}])
def test_an_entity_without_a_name_is_called_by_the_end_of_its_id(values: dict[str, Json]) -> None:
    assert heading_of(_entity(**values), Language.FR) == "OffStreetParking 1"


@pytest.mark.parametrize(
    ("entity_id", "told"),
    [
        ("urn:ngsi-ld:OffStreetParking:gare-sud", "gare-sud"),
        ("urn:ngsi-ld:Sensor:12", "Sensor 12"),
        ("https://example.org/things#lamp/", "lamp"),
        ("12", "12"),
        (":", ":"),
    ],
)
def test_the_end_of_an_id_tells_one_entity_from_others(entity_id: str, told: str) -> None:
    assert end_of(entity_id) == told


def test_the_coordinates_of_an_area_are_shown_in_one_line() -> None:
    ring = [[4.3 + number / 1000, 43.8] for number in range(100)]
    shown = _shortened({"location": {"type": "GeoProperty", "value": {"coordinates": [ring]}}})
    coordinates = shown["location"]["value"]["coordinates"]
    assert coordinates.startswith("[[[4.3,43.8]")
    assert len(coordinates) <= 80
