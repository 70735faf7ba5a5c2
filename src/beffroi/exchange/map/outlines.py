"""Borders between areas, drawn once and only as fine as a light page allows; pure.

Neighbours share the points of their border. It is cut where three areas meet, and each piece is
simplified by itself, so that neighbours still fit together.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from beffroi.exchange.map.view import CELL, HEIGHT, WIDTH, MapView
from beffroi.exchange.model import Json

_TOLERANCES: Final = (0.7, 2.0, 5.0, 12.0)
_SURFACES: Final = frozenset({"Polygon", "MultiPolygon"})
_ON_A_LINE: Final = 2
Spot = tuple[int, int]
Ring = Sequence[Sequence[float]]


def borders(geometries: Sequence[Json], view: MapView, room_bytes: int) -> str:
    """Return the path of the outlines of areas.

    Args:
        geometries: The widest first: where all do not fit, half of them are drawn, and so on.
        view: Where they are drawn.
        room_bytes: What the path may take.

    Source: line simplification by Douglas and Peucker, The Canadian Cartographer 10(2), 1973.
    """
    while geometries:
        pieces = list(_pieces(_neighbours(geometries, view)))
        for tolerance in _TOLERANCES:
            path = "".join(_written(_simplified(one, tolerance)) for one in pieces)
            if len(path) <= room_bytes:
                return path
        geometries = geometries[: len(geometries) // 2]
    return ""


def _rings(geometry: Json) -> Iterator[Ring]:
    kind = geometry["type"]
    if kind == "GeometryCollection":
        for one in geometry["geometries"]:
            yield from _rings(one)
    elif kind in _SURFACES:
        coordinates = geometry["coordinates"]
        for part in [coordinates] if kind == "Polygon" else coordinates:
            yield from part


def _neighbours(geometries: Sequence[Json], view: MapView) -> Mapping[Spot, Sequence[Spot]]:
    """Return which spots of the drawing are joined, as far as they are in view."""
    across, down = CELL / view.cell_width, CELL / view.cell_height
    west, north = view.west, view.north
    joined: dict[Spot, list[Spot]] = {}
    for geometry in geometries:
        for ring in _rings(geometry):
            spots = [(round((at[0] - west) * across), round((north - at[1]) * down)) for at in ring]
            for start, end in pairwise(spots):
                if start == end or end in joined.get(start, ()) or not _in_view(start, end):
                    continue
                joined.setdefault(start, []).append(end)
                joined.setdefault(end, []).append(start)
    return joined


def _in_view(start: Spot, end: Spot) -> bool:
    return (
        max(start[0], end[0]) >= 0
        and max(start[1], end[1]) >= 0
        and min(start[0], end[0]) <= WIDTH
        and min(start[1], end[1]) <= HEIGHT
    )


def _pieces(joined: Mapping[Spot, Sequence[Spot]]) -> Iterator[list[Spot]]:
    """Cut the lines where they meet or end; those that meet none come whole."""
    walked: set[tuple[Spot, Spot]] = set()
    meeting = [spot for spot, others in joined.items() if len(others) != _ON_A_LINE]
    for start in (*meeting, *joined):
        for following in joined[start]:
            if (start, following) in walked:
                continue
            piece = [start, following]
            walked |= {(start, following), (following, start)}
            while len(joined[piece[-1]]) == _ON_A_LINE and piece[-1] != start:
                one, other = joined[piece[-1]]
                ahead = other if one == piece[-2] else one
                walked |= {(piece[-1], ahead), (ahead, piece[-1])}
                piece.append(ahead)
            yield piece


def _simplified(piece: Sequence[Spot], tolerance: float) -> list[Spot]:
    """Leave out the spots that are less than a tolerance away from the line without them."""
    kept = {0, len(piece) - 1}
    open_parts = [(0, len(piece) - 1)]
    while open_parts:
        first, last = open_parts.pop()
        if last - first < _ON_A_LINE:
            continue
        away, place = max(
            (_distance(piece[at], piece[first], piece[last]), at) for at in range(first + 1, last)
        )
        if away > tolerance:
            kept.add(place)
            open_parts += [(first, place), (place, last)]
    return [piece[at] for at in sorted(kept)]


def _distance(spot: Spot, start: Spot, end: Spot) -> float:
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    right, below = spot[0] - start[0], spot[1] - start[1]
    return abs(across * below - down * right) / length if length else math.hypot(right, below)


def _written(spots: Sequence[Spot]) -> str:
    steps = (f"{end[0] - start[0]} {end[1] - start[1]}" for start, end in pairwise(spots))
    return f"M{spots[0][0]} {spots[0][1]}l{' '.join(steps)}".replace(" -", "-")
