"""Distances on the Earth taken as a sphere of its mean radius.

Points by the haversine formula (ETSI GS CIM 009 v1.9.1, clause 4.23.1). The sides of lines and
polygons are straight in longitude and latitude (RFC 7946, section 3.1.1): they are cut into pieces
of a tenth of a degree, longer ones where all are longer than 400 degrees together, and each piece
is taken as an arc of a great circle.

Source of the radius: Moritz, Geodetic Reference System 1980, mean radius R1.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from math import asin, ceil, cos, hypot, radians, sin, sqrt
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import shapely

from beffroi.exchange.model import Json

EARTH_RADIUS_M: Final = 6_371_008.771
_PIECE_DEGREES: Final = 0.1
_PIECES_MOST: Final = 4_000
_BLOCK: Final = 32

Vectors = npt.NDArray[np.float64]


class Shape:
    """A geometry, in degrees, with what measuring needs of it.

    Args:
        geometry: GeoJSON, checked.
    """

    def __init__(self, geometry: Json) -> None:
        self.point: tuple[float, float] | None = None
        self._geometry = geometry
        if geometry["type"] == "Point":
            longitude, latitude = geometry["coordinates"][:2]
            self.point = (float(longitude), float(latitude))

    @cached_property
    def plane(self) -> Any:  # noqa: ANN401 - shapely has no types
        """It as shapely has it; rings that cross themselves made into what they go around."""
        if self.point is not None:
            return shapely.Point(*self.point)
        made = shapely.force_2d(shapely.geometry.shape(self._geometry))
        return made if made.is_valid else shapely.make_valid(made)

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        if self.point is not None:
            return (*self.point, *self.point)
        west, south, east, north = self.plane.bounds
        return west, south, east, north

    @cached_property
    def blocks(self) -> list["Block"]:
        """The pieces of its sides, as arcs; a point is an arc that goes nowhere."""
        lines = [np.asarray(one) for one in _lines(self._geometry)]
        sides = sum(
            float(np.hypot(*np.diff(line, axis=0).T).sum()) for line in lines if len(line) > 1
        )
        step = max(_PIECE_DEGREES, sides / _PIECES_MOST)
        pieces = [_cut(line, step) for line in lines]
        starts, stops = (
            _vectors([one[:-1] for one in pieces]),
            _vectors([one[1:] for one in pieces]),
        )
        return [
            _block(starts[begun : begun + _BLOCK], stops[begun : begun + _BLOCK])
            for begun in range(0, len(starts), _BLOCK)
        ]


class Block(msgspec.Struct, frozen=True):
    """Arcs that lie together.

    Attributes:
        starts: Where each begins, as vectors of length 1.
        stops: Where each ends.
        centre: Of a ball that holds them.
        reach: The radius of that ball.
    """

    starts: Vectors
    stops: Vectors
    centre: Vectors
    reach: float


def _block(starts: Vectors, stops: Vectors) -> Block:
    centre = (starts.mean(axis=0) + stops.mean(axis=0)) / 2
    farthest = max(float(np.linalg.norm(ends - centre, axis=1).max()) for ends in (starts, stops))
    longest = float(np.linalg.norm(stops - starts, axis=1).max())
    return Block(starts, stops, centre, farthest + longest)


def point_distance_m(longitude: float, latitude: float) -> Callable[[float, float], float]:
    """Measure from one point, in metres."""
    east, north = radians(longitude), radians(latitude)
    cosine = cos(north)

    def measure(longitude: float, latitude: float) -> float:
        other = radians(latitude)
        up, across = sin((other - north) / 2), sin((radians(longitude) - east) / 2)
        return (
            2
            * EARTH_RADIUS_M
            * asin(min(1.0, sqrt(up * up + cosine * cos(other) * across * across)))
        )

    return measure


def distance_m(first: Shape, second: Shape) -> float:
    """Measure between the closest points of two shapes, in metres; 0 where they touch."""
    if first.point is not None and second.point is not None:
        return point_distance_m(*first.point)(*second.point)
    if shapely.intersects(first.plane, second.plane):
        return 0.0
    return EARTH_RADIUS_M * 2 * asin(min(1.0, _least_chord(first.blocks, second.blocks) / 2))


def _least_chord(ours: Sequence[Block], theirs: Sequence[Block]) -> float:
    """Give the least distance between arcs, straight through the sphere of radius 1.

    Two groups of arcs are compared one by one only where they may be closer than what was found.
    """
    centres = [np.array([one.centre for one in some]) for some in (ours, theirs)]
    reaches = [np.array([one.reach for one in some]) for some in (ours, theirs)]
    apart = np.linalg.norm(centres[0][:, None] - centres[1][None], axis=2)
    at_least = apart - reaches[0][:, None] - reaches[1][None]
    width = len(theirs)
    closest = int(np.argmin(apart))
    best = _between(ours[closest // width], theirs[closest % width])
    promising = np.flatnonzero(at_least.ravel() < best)
    for pair in promising[np.argsort(at_least.ravel()[promising])]:
        number = int(pair)
        if at_least.flat[number] >= best:
            break
        best = min(best, _between(ours[number // width], theirs[number % width]))
    return best


def _between(ours: Block, theirs: Block) -> float:
    return min(
        _from_points(np.vstack([ours.starts, ours.stops]), theirs),
        _from_points(np.vstack([theirs.starts, theirs.stops]), ours),
    )


def _from_points(points: Vectors, arcs: Block) -> float:
    """Give the least chord from points to arcs: to an end, or to the foot of a perpendicular."""
    ends = np.vstack([arcs.starts, arcs.stops])
    best = float(np.linalg.norm(points[:, None] - ends[None], axis=2).min())
    normals = np.cross(arcs.starts, arcs.stops)
    lengths = np.linalg.norm(normals, axis=1)
    real = lengths > 1e-15
    if not real.any():
        return best
    normals = normals[real] / lengths[real, None]
    beside = (points @ np.cross(normals, arcs.starts[real]).T >= 0) & (
        points @ np.cross(arcs.stops[real], normals).T >= 0
    )
    if not beside.any():
        return best
    height = float(np.abs(points @ normals.T)[beside].min())
    return min(best, 2 * sin(asin(min(1.0, height)) / 2))


def _lines(geometry: Json) -> Sequence[Sequence[tuple[float, float]]]:
    """List runs of positions; a point is a run of one."""
    if geometry["type"] == "GeometryCollection":
        return [line for one in geometry["geometries"] for line in _lines(one)]
    single = geometry["type"] in {"Point", "MultiPoint"}
    return _runs(geometry["coordinates"], single=single)


def _runs(coordinates: Json, *, single: bool) -> list[Sequence[tuple[float, float]]]:
    if isinstance(coordinates[0], int | float):
        return [[(coordinates[0], coordinates[1])]]
    if not single and isinstance(coordinates[0][0], int | float):
        return [[(one[0], one[1]) for one in coordinates]]
    return [run for one in coordinates for run in _runs(one, single=single)]


def _cut(line: Any, step: float) -> Vectors:  # noqa: ANN401 - any array of numbers
    if len(line) == 1:
        return np.vstack([line, line]).astype(float)
    cut: list[Any] = []
    for start, end in pairwise(line):
        pieces = max(1, ceil(hypot(*(end - start)) / step))
        cut.append(start + (end - start) * (np.arange(pieces) / pieces)[:, None])
    cut.append(line[-1:])
    return np.vstack(cut)


def _vectors(runs: Sequence[Vectors]) -> Vectors:
    angles = np.radians(np.vstack(runs))
    longitudes, latitudes = angles[:, 0], angles[:, 1]
    level = np.cos(latitudes)
    return np.column_stack(
        [level * np.cos(longitudes), level * np.sin(longitudes), np.sin(latitudes)]
    )
