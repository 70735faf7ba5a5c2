"""Which part of the Earth a map shows, and the grid in it; pure.

Degrees are drawn square at the map's middle: what people look at is no larger than a country.
"""

import math
from typing import Final, Self

import msgspec

COLUMNS: Final = 7
ROWS: Final = 5
CELL: Final = 100
WIDTH: Final = COLUMNS * CELL
HEIGHT: Final = ROWS * CELL
ZOOM_LEAST: Final = 3
ZOOM_MOST: Final = 20
_LATITUDE_MOST: Final = 80.0
_WHOLE_TURN: Final = 360.0
_METROPOLIS: Final = (2.6, 46.6, 5)


class MapView(msgspec.Struct, frozen=True):
    """A middle, in degrees, and a zoom: each step shows half as much.

    The grid is anchored to the Earth, not to the view, so that moving keeps the clusters.
    """

    longitude: float
    latitude: float
    zoom: int

    @classmethod
    def around(cls, bounds: tuple[float, float, float, float] | None) -> Self:
        """Show a whole box of west, south, east and north; nothing: metropolitan France."""
        if bounds is None:
            return cls(*_METROPOLIS)
        west, south, east, north = bounds
        longitude, latitude = (west + east) / 2, (south + north) / 2
        zoom = ZOOM_MOST
        while zoom > ZOOM_LEAST:
            view = cls.held(longitude, latitude, zoom)
            if view.cell_width * COLUMNS > east - west and view.cell_height * ROWS > north - south:
                break
            zoom -= 1
        return cls.held(longitude, latitude, zoom)

    @classmethod
    def held(cls, longitude: float, latitude: float, zoom: int) -> Self:
        """Keep a view within what can be drawn."""
        return cls(
            (longitude + _WHOLE_TURN / 2) % _WHOLE_TURN - _WHOLE_TURN / 2,
            max(-_LATITUDE_MOST, min(_LATITUDE_MOST, latitude)),
            max(ZOOM_LEAST, min(ZOOM_MOST, zoom)),
        )

    @property
    def cell_width(self) -> float:
        """Return the degrees of longitude of a cell."""
        return math.ldexp(_WHOLE_TURN, -self.zoom) / COLUMNS

    @property
    def cell_height(self) -> float:
        """Return the degrees of latitude of a cell, which is square on the ground."""
        return self.cell_width * math.cos(math.radians(round(self.latitude)))

    @property
    def west(self) -> float:
        """Return the longitude of the left edge."""
        return self.longitude - self.cell_width * COLUMNS / 2

    @property
    def north(self) -> float:
        """Return the latitude of the upper edge."""
        return self.latitude + self.cell_height * ROWS / 2

    @property
    def edges(self) -> dict[str, float]:
        """Return the edges of what is in view by name, in degrees."""
        east = self.west + self.cell_width * COLUMNS
        south = self.north - self.cell_height * ROWS
        return {"west": self.west, "south": south, "east": east, "north": self.north}

    def moved(self, right: float, up: float) -> "MapView":
        """Move by parts of what is in view."""
        return self.held(
            self.longitude + right * COLUMNS * self.cell_width,
            self.latitude + up * ROWS * self.cell_height,
            self.zoom,
        )

    def zoomed(self, steps: int) -> "MapView":
        """Look closer, or from farther away."""
        return self.held(self.longitude, self.latitude, self.zoom + steps)

    def closer_to(self, longitude: float, latitude: float) -> "MapView":
        """Look closer at a place."""
        return self.held(longitude, latitude, self.zoom + 2)


class Cluster(msgspec.Struct, frozen=True):
    """Entities in one cell of the grid.

    Attributes:
        longitude: Of their middle, in degrees; so is ``latitude``.
        id: Of the one that it is, or "".
    """

    entities: int
    longitude: float
    latitude: float
    id: str
