"""Maps as they are drawn: what is in view, clusters kept apart, borders drawn once."""

import math
import re

import pytest

from beffroi.exchange.map.figures import apart, circles
from beffroi.exchange.map.outlines import borders
from beffroi.exchange.map.view import HEIGHT, WIDTH, ZOOM_LEAST, ZOOM_MOST, Cluster, MapView
from beffroi.exchange.model import Json

GARD = (3.26, 43.46, 4.85, 44.46)
ROOM = 10_000


def _square(west: float, south: float) -> Json:
    east, north = west + 1, south + 1
    middle = south + 0.5
    ring = [
        *([west, south], [east, south], [east, middle], [east, north]),
        *([west, north], [west, middle], [west, south]),
    ]
    return {"type": "Polygon", "coordinates": [ring]}


def _points(path: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, steps in re.findall(r"M([^l]+)l([^M]+)", path):
        x, y = (int(one) for one in re.findall(r"-?\d+", start))
        found.append((x, y))
        numbers = [int(one) for one in re.findall(r"-?\d+", steps)]
        for right, down in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + right, y + down
            found.append((x, y))
    return found


@pytest.mark.parametrize("bounds", [GARD, (4.36, 43.83, 4.36, 43.83), (-170.0, -60.0, 170.0, 60.0)])
def test_a_view_around_a_box_shows_all_of_it(bounds: tuple[float, float, float, float]) -> None:
    view = MapView.around(bounds)
    edges = view.edges
    if view.zoom > ZOOM_LEAST:
        assert edges["west"] <= bounds[0] <= bounds[2] <= edges["east"]
        assert edges["south"] <= bounds[1] <= bounds[3] <= edges["north"]


def test_a_view_stays_where_it_can_be_drawn() -> None:
    view = MapView.held(179.9, 79.9, ZOOM_MOST).zoomed(3)
    assert view.zoom == ZOOM_MOST
    moved = MapView.held(179.9, 79.9, ZOOM_LEAST).moved(0.5, 5)
    assert -180 <= moved.longitude <= 180
    assert moved.latitude == 80


def test_clusters_that_would_hide_one_another_are_joined() -> None:
    view = MapView.around(GARD)
    near = [Cluster(3, 4.0, 44.0, "urn:b"), Cluster(9, 4.001, 44.0, "urn:a")]
    (joined,) = apart(near, view)
    assert (joined.entities, joined.id) == (12, "urn:a")
    assert joined.longitude == pytest.approx((3 * 4.0 + 9 * 4.001) / 12)
    far = [Cluster(3, 3.4, 44.0, "urn:b"), Cluster(9, 4.6, 44.0, "urn:a")]
    assert [one.entities for one in apart(far, view)] == [9, 3]


def test_circles_lie_where_their_entities_are() -> None:
    view = MapView.held(4.0, 44.0, 8)
    (middle,) = circles([Cluster(1, 4.0, 44.0, "urn:a")], view)
    assert (middle.x, middle.y) == (WIDTH // 2, HEIGHT // 2)


def test_a_border_of_two_areas_is_drawn_once() -> None:
    view = MapView.held(1.0, 0.5, 6)
    alone = borders([_square(0, 0)], view, ROOM)
    both = borders([_square(0, 0), _square(1, 0)], view, ROOM)
    assert len(_points(alone)) - alone.count("M") == 4
    assert len(_points(both)) - both.count("M") == 7


def test_borders_are_coarser_where_there_is_less_room() -> None:
    circle = [
        [4 + 0.5 * math.cos(math.radians(step)), 44 + 0.3 * math.sin(math.radians(step))]
        for step in range(361)
    ]
    area = {"type": "MultiPolygon", "coordinates": [[circle]]}
    view = MapView.around(GARD)
    fine, coarse = borders([area], view, ROOM), borders([area], view, 120)
    assert len(coarse) <= 120 < len(fine)
    assert coarse
    assert borders([area], view, 10) == ""


def test_the_widest_areas_are_drawn_where_there_is_no_room_for_all() -> None:
    view = MapView.held(3.0, 0.5, 6)
    areas = [_square(west, 0) for west in (0, 1.5, 3, 4.5)]
    path = borders(areas, view, 70)
    assert path.count("M") == 2
    assert path == borders(areas[:2], view, ROOM)


def test_what_is_out_of_view_is_not_drawn() -> None:
    assert borders([_square(50, 50)], MapView.around(GARD), ROOM) == ""
    point = {"type": "Point", "coordinates": [4, 44]}
    assert borders([point], MapView.around(GARD), ROOM) == ""
