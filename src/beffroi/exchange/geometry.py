"""Where a GeoJSON geometry lies, roughly: what PostgreSQL's own boxes can look for."""

from collections.abc import Iterator

from beffroi.exchange.model import Json

_HALF_TURN = 180.0


def bounds_of(geometry: Json) -> str | None:
    """Return the box around a geometry's positions, in degrees, as PostgreSQL writes a box.

    Nothing for one that may lie across the antimeridian: wider than half the Earth.
    """
    if geometry["type"] == "Point":
        longitude, latitude = geometry["coordinates"][:2]
        corner = f"({float(longitude)},{float(latitude)})"
        return f"({corner},{corner})"
    edges = _edges(geometry)
    if edges is None:
        return None
    west, south, east, north = edges
    return f"(({east},{north}),({west},{south}))"


def middle_of(geometry: Json) -> tuple[float, float] | None:
    """Return the middle of that box: longitude and latitude, as PostgreSQL works it out."""
    edges = _edges(geometry)
    if edges is None:
        return None
    west, south, east, north = edges
    return (east + west) / 2.0, (north + south) / 2.0


def _edges(geometry: Json) -> tuple[float, float, float, float] | None:
    positions = list(_positions(geometry))
    if not positions:
        return None
    longitudes = [one[0] for one in positions]
    latitudes = [one[1] for one in positions]
    west, east = min(longitudes), max(longitudes)
    if east - west > _HALF_TURN:
        return None
    return west, min(latitudes), east, max(latitudes)


def _positions(geometry: Json) -> Iterator[tuple[float, float]]:
    if geometry.get("type") == "GeometryCollection":
        for one in geometry.get("geometries", ()):
            yield from _positions(one)
    else:
        yield from _within(geometry["coordinates"])


def _within(coordinates: Json) -> Iterator[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for one in coordinates:
        yield from _within(one)
