"""Places: as the conformance suite has them (019_10, 019_11, 019_30), and around the Earth."""

import json
from typing import Any

import pytest

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import LOCATION
from beffroi.exchange.query.geo import places_asked
from tests.unit.exchange.representation.town_entities import thing

BERLIN = {
    "first": [13.3986, 52.5547],
    "second": [13.3698, 52.5163],
}
BOWTIE = (
    "[[[13.2865906,52.5648645],[13.2879639,52.5648645],[13.2797241,52.4988679],"
    "[13.477478,52.4712703],[13.5049438,52.5373084],[13.2865906,52.5648645]]]"
)
HOLED = "[[[0,0],[10,0],[10,10],[0,10],[0,0]],[[4,4],[6,4],[6,6],[4,6],[4,4]]]"


def matches(georel: str, geometry: str, coordinates: str, place: dict[str, Any]) -> bool:
    entity = thing(location={"type": "GeoProperty", "value": place})
    return places_asked(georel, geometry, coordinates, LOCATION).wanted(entity)


def point(*position: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(position)}


def line(*positions: list[float]) -> dict[str, Any]:
    return {"type": "LineString", "coordinates": list(positions)}


def polygon(text: str) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": json.loads(text)}


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates", "place", "expected"),
    [
        ("equals", "Point", "[13.3986, 52.5547]", point(13.3986, 52.5547), True),
        ("contains", "Point", "[13.3986, 52.5547]", point(13.3986, 52.5547), True),
        ("disjoint", "Point", "[13.3986, 52.5547]", point(13.3986, 52.5547), False),
        ("near;maxDistance==15000", "Point", "[13.388930,52.534473]", point(13.4, 52.55), True),
        ("near;minDistance==15000", "Point", "[13.388930,52.534473]", point(13.4, 52.55), False),
        ("equals", "Polygon", BOWTIE, polygon(BOWTIE), True),
        ("contains", "Point", "[13.4,52.51]", polygon(BOWTIE), True),
        ("within", "Polygon", HOLED, point(5, 5), False),
        ("within", "Polygon", HOLED, point(2, 2), True),
        ("intersects", "Polygon", HOLED, line([-1, 1], [1, 1]), True),
        ("overlaps", "Polygon", HOLED, polygon("[[[-1,-1],[1,-1],[1,1],[-1,1],[-1,-1]]]"), True),
        ("near;maxDistance==2000", "LineString", "[[0,60],[10,60]]", point(10, 60.009), True),
        ("near;maxDistance==2000", "LineString", "[[0,60],[10,60]]", point(5, 60.009), True),
        ("near;maxDistance==2000", "LineString", "[[0,61],[10,61]]", point(10, 60.009), False),
        ("near;maxDistance==20000", "Point", "[0,85]", line([1, 85], [0, 85.6]), True),
        ("near;maxDistance==5000", "Point", "[0,85]", line([1, 85], [0, 85.6]), False),
        ("near;maxDistance==23000", "Point", "[179.9,0]", point(-179.9, 0), True),
        ("near;maxDistance==23000", "Point", "[0,89.9]", point(180, 89.9), True),
        ("near;maxDistance==1", "Polygon", HOLED, point(2, 2), True),
        ("near;minDistance==1000", "Polygon", HOLED, point(5, 5), True),
    ],
)
def test_a_place_lies_so(
    georel: str, geometry: str, coordinates: str, place: dict[str, Any], *, expected: bool
) -> None:
    assert matches(georel, geometry, coordinates, place) is expected


@pytest.mark.parametrize(
    ("georel", "geometry", "coordinates"),
    [
        *((f"near;maxDistance=={one}", "Point", "[8,40]") for one in ("0", "-100", "inf", "1e400")),
        ("near;maxDistance==5;minDistance==1", "Point", "[8,40]"),
        ("near", "Point", "[8,40]"),
        ("touches", "Point", "[8,40]"),
        ("within", "Polygon", "[[[0,0],[1,1],[2,2],[0,0]]]"),
        ("within", "Point", "[8,400]"),
        ("within", "GeometryCollection", "[8,40]"),
        ("within", "Point", "8;40"),
        ("within", "Polygon", "[" * 10_000 + "]" * 10_000),
        ("within", "Polygon", "[" * 900 + "]" * 900),
    ],
)
def test_what_is_no_place_is_refused(georel: str, geometry: str, coordinates: str) -> None:
    with pytest.raises(BadRequestDataError) as told:
        places_asked(georel, geometry, coordinates, LOCATION)
    assert str(told.value)


def test_an_entity_that_is_nowhere_is_not_disjoint() -> None:
    asked = places_asked("disjoint", "Point", "[8,40]", LOCATION)
    assert not asked.wanted(thing(name={"type": "Property", "value": 1}))
