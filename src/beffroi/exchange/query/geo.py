"""Where: near, within, contains, ... (ETSI GS CIM 009 v1.9.1, clause 4.10).

``near`` is measured on the sphere, in metres. The others compare shapes in the plane of longitude
and latitude, as GeoJSON draws them: what crosses the antimeridian comes in two parts (RFC 7946,
section 3.1.9). An entity is where the default instance of its GeoProperty is.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from math import asin, cos, isfinite, pi, radians, sin
from typing import Final

import msgspec
import shapely

from beffroi.exchange.asking.question import Question, SqlFilter
from beffroi.exchange.errors import BadRequestDataError, TooComplexQueryError
from beffroi.exchange.model import LOCATION, AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.scanning import Scanner
from beffroi.exchange.query.sphere import EARTH_RADIUS_M, Shape, distance_m, point_distance_m
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.geometries import checked_geometry

_DISTANCE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_POSITIONS_MOST: Final = 10_000
_SLACK_DEGREES: Final = 0.01
"""By how much an arc may leave the box of the straight side that it stands for."""

ShapeTest = Callable[[Shape], bool]
Box = tuple[float, float, float, float]
"""West, south, east, north."""


class Relation(StrEnum):
    """How the place of an entity lies to the one that is asked about."""

    NEAR = "near"
    WITHIN = "within"
    CONTAINS = "contains"
    INTERSECTS = "intersects"
    EQUALS = "equals"
    DISJOINT = "disjoint"
    OVERLAPS = "overlaps"


class Distance(msgspec.Struct, frozen=True):
    """How far from the place that is asked about.

    Attributes:
        most: At most so far; otherwise farther than that.
    """

    metres: float
    most: bool


_PLANAR: Final[Mapping[Relation, Callable[[Json, Json], bool]]] = {
    Relation.WITHIN: shapely.within,
    Relation.CONTAINS: shapely.contains,
    Relation.INTERSECTS: shapely.intersects,
    Relation.EQUALS: shapely.equals,
    Relation.OVERLAPS: shapely.overlaps,
}


def places_asked(georel: str, geometry: str, coordinates: Json, geoproperty: Iri) -> Question:
    """Read where entities are asked for.

    Args:
        georel: As "near;maxDistance==2000".
        geometry: A type of GeoJSON.
        coordinates: Its coordinates, as a list or as the text of one.
        geoproperty: Which attribute says where an entity is.

    Raises:
        BadRequestDataError: It cannot be read.
        TooComplexQueryError: The geometry has more than 10,000 positions.
    """
    relation, distance = _read_relation(Scanner("georel", georel))
    reference = read_shape(geometry, coordinates, "coordinates")
    if distance is not None:
        box = _around(reference, distance.metres) if distance.most else ()
        test = _near_test(reference, distance, box)
    else:
        test = _planar_test(relation, reference)
        box = () if relation is Relation.DISJOINT else (reference.bounds,)
    return Question(asked=_place_filter(geoproperty, box), wanted=_placed(geoproperty, test))


def read_shape(geometry: str, coordinates: Json, parameter: str) -> Shape:
    """Read a geometry that somebody asks about.

    Raises:
        BadRequestDataError: It is none, or goes around nothing.
        TooComplexQueryError: It has more than 10,000 positions.
    """
    if isinstance(coordinates, str):
        try:
            coordinates = msgspec.json.decode(coordinates)
        except (msgspec.DecodeError, RecursionError):
            raise BadRequestDataError(
                "exchange.coordinates_unreadable", name=parameter, found=excerpt(coordinates)
            ) from None
    shape = Shape(checked_geometry({"type": geometry, "coordinates": coordinates}, parameter))
    if shapely.get_num_coordinates(shape.plane) > _POSITIONS_MOST:
        raise TooComplexQueryError("exchange.geometry_too_large", most=_POSITIONS_MOST)
    if geometry.endswith("Polygon") and not shape.plane.area:
        raise BadRequestDataError("exchange.geometry_without_area", name=parameter)
    return shape


def place_of(entity: Entity, geoproperty: Iri) -> Shape | None:
    """Give where an entity is, by the default instance: the one that the index knows."""
    for one in entity.attributes.get(geoproperty, ()):
        if not one.dataset_id and one.kind is AttributeKind.GEO_PROPERTY:
            return Shape(one.value)
    return None


def _read_relation(scanner: Scanner) -> tuple[Relation, Distance | None]:
    word = scanner.match(re.compile(r"[a-z]+"))
    try:
        relation = Relation(word)
    except ValueError:
        raise scanner.mistake("exchange.georel_unknown", at=0, known=", ".join(Relation)) from None
    if relation is not Relation.NEAR:
        scanner.needs_end()
        return relation, None
    scanner.needs(";")
    most = scanner.takes("maxDistance")
    if not most and not scanner.takes("minDistance"):
        raise scanner.mistake("exchange.georel_distance_expected")
    scanner.needs("==")
    begun = scanner.at
    text = scanner.match(_DISTANCE)
    metres = float(text) if text else 0.0
    if not metres or not isfinite(metres):
        raise scanner.mistake("exchange.georel_metres_expected", at=begun)
    scanner.needs_end()
    return relation, Distance(metres, most)


def _placed(geoproperty: Iri, test: ShapeTest) -> Callable[[Entity], bool]:
    def wanted(entity: Entity) -> bool:
        place = place_of(entity, geoproperty)
        return place is not None and test(place)

    return wanted


def _near_test(reference: Shape, distance: Distance, boxes: tuple[Box, ...]) -> ShapeTest:
    metres, most = distance.metres, distance.most
    measure = None if reference.point is None else point_distance_m(*reference.point)

    def test(place: Shape) -> bool:
        if place.point is not None and measure is not None:
            return (measure(*place.point) <= metres) is most
        if boxes and not _may_touch(place.bounds, boxes):
            return False
        return (distance_m(reference, place) <= metres) is most

    return test


def _may_touch(bounds: Box, boxes: tuple[Box, ...]) -> bool:
    """Tell what the index tells; it does not know shapes wider than half the Earth."""
    west, south, east, north = bounds
    return east - west > 180 or any(
        west <= right and east >= left and south <= high and north >= low
        for left, low, right, high in boxes
    )


def _planar_test(relation: Relation, reference: Shape) -> ShapeTest:
    plane = reference.plane
    shapely.prepare(plane)
    west, south, east, north = reference.bounds
    if relation is Relation.DISJOINT:
        return lambda place: not shapely.intersects(plane, place.plane)
    compare = _PLANAR[relation]

    def test(place: Shape) -> bool:
        left, low, right, high = place.bounds
        if left > east or right < west or low > north or high < south:
            return False
        return bool(compare(place.plane, plane))

    return test


def _around(reference: Shape, metres: float) -> tuple[Box, ...]:
    """Give boxes that hold all that is so near; nothing for everywhere."""
    west, south, east, north = reference.bounds
    angle = metres / EARTH_RADIUS_M
    up = min(angle, pi) * 180 / pi + _SLACK_DEGREES
    farthest = radians(min(90.0, max(abs(south), abs(north)) + _SLACK_DEGREES))
    low, high = max(-90.0, south - up), min(90.0, north + up)
    if farthest + angle >= pi / 2:
        return ((-180.0, low, 180.0, high),)
    aside = asin(min(1.0, sin(angle) / cos(farthest))) * 180 / pi + _SLACK_DEGREES
    left, right = west - aside, east + aside
    if right - left >= 360:
        return ((-180.0, low, 180.0, high),)
    boxes = [(max(left, -180.0), low, min(right, 180.0), high)]
    if left < -180:
        boxes.append((left + 360, low, 180.0, high))
    if right > 180:
        boxes.append((-180.0, low, right - 360, high))
    return tuple(boxes)


def _place_filter(geoproperty: Iri, boxes: tuple[Box, ...]) -> SqlFilter:
    """Look for boxes in the index; a place that has none there is looked at itself."""
    if geoproperty != LOCATION or not boxes:
        return SqlFilter("e.document ? %s", (geoproperty,), exact=False)
    near = " or ".join("e.bounds && %s::box" for _ in boxes)
    written = [f"(({east},{north}),({west},{south}))" for west, south, east, north in boxes]
    return SqlFilter(
        f"{near} or (e.bounds is null and e.document ? %s)",
        (*written, geoproperty),
        exact=False,
        boxes=tuple(written),
    )
