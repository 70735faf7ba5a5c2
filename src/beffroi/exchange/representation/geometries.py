"""GeoJSON geometries that an attribute may hold.

Rings that cross themselves pass here: a query decides where they lie.

Source: RFC 7946; ETSI GS CIM 009 v1.9.1, clause 4.7.
"""

from collections.abc import Callable
from math import isfinite

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.excerpts import excerpt


def is_geometry(value: Json) -> bool:
    """Tell whether it presents itself as a geometry, good or not."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and (
            (value["type"] in _SHAPES and "coordinates" in value)
            or (value["type"] == "GeometryCollection" and "geometries" in value)
        )
    )


def checked_geometry(given: Json, name: str) -> dict[str, Json]:
    """Return a geometry, which may come as the text of its JSON.

    Raises:
        BadRequestDataError: It is no geometry, with the first problem found.
    """
    geometry = _decoded(given, name) if isinstance(given, str) else given
    if not isinstance(geometry, dict) or geometry.get("type") not in _SHAPES:
        raise BadRequestDataError(
            "exchange.geometry_unknown", name=name, found=excerpt(given), known=", ".join(_SHAPES)
        )
    _SHAPES[geometry["type"]](geometry.get("coordinates"), name)
    return geometry


def _decoded(text: str, name: str) -> Json:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequestDataError(
            "exchange.geometry_unknown", name=name, found=excerpt(text), known=", ".join(_SHAPES)
        ) from None


def _position(given: Json, name: str) -> None:
    if not isinstance(given, list) or not 2 <= len(given) <= 3 or not all(map(_number, given)):
        raise BadRequestDataError("exchange.geometry_position", name=name, found=excerpt(given))
    if not (-180 <= given[0] <= 180 and -90 <= given[1] <= 90):
        raise BadRequestDataError("exchange.geometry_range", name=name, found=excerpt(given))


def _number(given: Json) -> bool:
    return type(given) in {int, float} and isfinite(given)


def _positions(given: Json, name: str, *, least: int) -> None:
    if not isinstance(given, list) or len(given) < least:
        raise BadRequestDataError(
            "exchange.geometry_count", name=name, least=least, found=excerpt(given)
        )
    for one in given:
        _position(one, name)


def _line(given: Json, name: str) -> None:
    _positions(given, name, least=2)


def _ring(given: Json, name: str) -> None:
    _positions(given, name, least=4)
    if given[0] != given[-1]:
        raise BadRequestDataError("exchange.geometry_open", name=name, found=excerpt(given))


def _each(check: Callable[[Json, str], None]) -> Callable[[Json, str], None]:
    def checked(given: Json, name: str) -> None:
        if not isinstance(given, list) or not given:
            raise BadRequestDataError(
                "exchange.geometry_count", name=name, least=1, found=excerpt(given)
            )
        for one in given:
            check(one, name)

    return checked


_SHAPES: dict[str, Callable[[Json, str], None]] = {
    "Point": _position,
    "MultiPoint": _each(_position),
    "LineString": _line,
    "MultiLineString": _each(_line),
    "Polygon": _each(_ring),
    "MultiPolygon": _each(_each(_ring)),
}
