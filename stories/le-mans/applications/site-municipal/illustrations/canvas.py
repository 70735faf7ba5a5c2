"""Draw flat shapes on a sheet of 1600 by 900 points, smoothed by oversampling."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageDraw

WIDTH = 1600
HEIGHT = 900
OVERSAMPLING = 2

Point = tuple[float, float]


@dataclass(frozen=True)
class Palette:
    """The colours of one hour of the day, from the farthest to the nearest."""

    sky_high: str
    sky_low: str
    sun: str
    far: str
    middle: str
    near: str
    ground: str
    water: str
    wall: str
    roof: str
    light: str


class Sheet:
    """One illustration being drawn; coordinates are in points, y downwards."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._image = Image.new("RGB", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING))
        self._draw = ImageDraw.Draw(self._image)
        self._paint_sky()

    def _paint_sky(self) -> None:
        column = Image.new("RGB", (1, 2))
        column.putdata([_rgb(self.palette.sky_high), _rgb(self.palette.sky_low)])
        size = self._image.size
        self._image.paste(column.resize(size, Image.Resampling.BILINEAR))

    def polygon(self, points: Iterable[Point], colour: str) -> None:
        """Fill a closed outline."""
        self._draw.polygon(_scaled(points), fill=colour)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Fill a rectangle given by its upper left corner."""
        self.polygon([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)

    def rounded(self, box: tuple[float, float, float, float], radius: float, colour: str) -> None:
        """Fill a box (left, top, right, bottom) with round corners."""
        scaled = [value * OVERSAMPLING for value in box]
        self._draw.rounded_rectangle(scaled, radius * OVERSAMPLING, fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: str) -> None:
        """Fill a circle given by its centre."""
        corners = [(x - radius, y - radius), (x + radius, y + radius)]
        self._draw.ellipse(_scaled(corners), fill=colour)

    def ellipse(self, x: float, y: float, radii: Point, colour: str) -> None:
        """Fill an upright ellipse given by its centre and its two radii."""
        corners = [(x - radii[0], y - radii[1]), (x + radii[0], y + radii[1])]
        self._draw.ellipse(_scaled(corners), fill=colour)

    def line(self, points: Iterable[Point], thickness: float, colour: str) -> None:
        """Draw a broken line."""
        width = max(1, round(thickness * OVERSAMPLING))
        self._draw.line(_scaled(points), fill=colour, width=width, joint="curve")

    def png(self) -> bytes:
        """Return the finished illustration."""
        reduced = self._image.reduce(OVERSAMPLING)
        stream = BytesIO()
        reduced.save(stream, "PNG", compress_level=6)
        return stream.getvalue()


def _scaled(points: Iterable[Point]) -> list[Point]:
    return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def _rgb(colour: str) -> tuple[int, int, int]:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def blend(first: str, second: str, share: float) -> str:
    """Mix two ``#rrggbb`` colours; ``share`` is the second one's part, from 0 to 1."""
    pairs = zip(_rgb(first), _rgb(second), strict=True)
    mixed = [round(one + (two - one) * share) for one, two in pairs]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def smooth_curve(points: Sequence[Point], steps: int = 24) -> list[Point]:
    """Pass a Catmull-Rom curve through the points.

    Args:
        points: At least two points, from left to right.
        steps: Segments between two points.
    """
    padded = [points[0], *points, points[-1]]
    curve: list[Point] = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for step in range(steps):
            part = step / steps
            curve.append(
                (
                    _catmull_rom(before[0], start[0], end[0], after[0], part),
                    _catmull_rom(before[1], start[1], end[1], after[1], part),
                )
            )
    return [*curve, points[-1]]


def _catmull_rom(before: float, start: float, end: float, after: float, part: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * part
        + (2 * before - 5 * start + 4 * end - after) * part**2
        + (3 * start - before - 3 * end + after) * part**3
    )
