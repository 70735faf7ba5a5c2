"""Reduce outlines of communes to one line each: centre and area.

Development only: ``python extract_outlines.py FOLDER > donnees/contours.csv``, where FOLDER holds
the ``communes-DEPARTMENT-*.geojson`` files of github.com/gregoiredavid/france-geojson.
"""

import csv
import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from math import cos, radians
from pathlib import Path
from typing import Any

EARTH_RADIUS_KM = 6371.0088
Ring = list[list[float]]


def outer_rings(geometry: dict[str, Any]) -> Iterator[Ring]:
    """Yield the outer ring of each polygon; communes have no inner ring to subtract here."""
    if geometry["type"] == "Polygon":
        yield geometry["coordinates"][0]
    else:
        for polygon in geometry["coordinates"]:
            yield polygon[0]


def area_and_centre(ring: Ring) -> tuple[float, float, float]:
    """Measure one closed ring.

    Returns:
        Area in km2, longitude and latitude of the centroid, in degrees.

    Source: shoelace formula on an equirectangular projection around the ring's own latitude; the
    error stays below 0.1 % for rings of a few tens of kilometres.
    """
    reference = radians(sum(point[1] for point in ring) / len(ring))
    doubled = x_sum = y_sum = 0.0
    for (x1, y1), (x2, y2) in pairwise(ring):
        cross = x1 * y2 - x2 * y1
        doubled += cross
        x_sum += (x1 + x2) * cross
        y_sum += (y1 + y2) * cross
    degree_km = radians(1) * EARTH_RADIUS_KM
    area = abs(doubled) / 2 * degree_km**2 * cos(reference)
    return area, x_sum / (3 * doubled), y_sum / (3 * doubled)


def measured_communes(folder: Path) -> Iterator[tuple[str, str, str, float, float, float]]:
    """Yield code, name, department, longitude, latitude and area of each commune."""
    for path in sorted(folder.glob("communes-*-*.geojson")):
        department = path.name.split("-")[1]
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            parts = [area_and_centre(ring) for ring in outer_rings(feature["geometry"])]
            area = sum(part[0] for part in parts)
            longitude = sum(part[0] * part[1] for part in parts) / area
            latitude = sum(part[0] * part[2] for part in parts) / area
            properties = feature["properties"]
            yield properties["code"], properties["nom"], department, longitude, latitude, area


def write_table(folder: Path) -> None:
    """Print the table, sorted by code, with 5 decimals of a degree and 2 of a km2."""
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(["code", "nom", "departement", "longitude", "latitude", "surface_km2"])
    for code, name, department, longitude, latitude, area in sorted(measured_communes(folder)):
        table.writerow(
            [code, name, department, f"{longitude:.5f}", f"{latitude:.5f}", f"{area:.2f}"]
        )


if __name__ == "__main__":
    write_table(Path(sys.argv[1]))
