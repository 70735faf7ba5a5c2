"""Rows of Hub'Eau, hydrometry v2: stations and their observations in real time.

Source: hubeau.eaufrance.fr, API Hydrométrie v2; heights in mm, flows in l/s.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.feeds.formats.json_rows import read_json
from beffroi.exchange.feeds.rows import Row

_ROWS: Final = "data"
_COLUMNS: Final = {"H": "level_m", "Q": "flow_m3_s"}
_PER_UNIT: Final = 1_000


def read_stations(file: Path, rows: str = "") -> Iterator[Row]:
    """Give the stations of a page."""
    yield from read_json(file, rows or _ROWS)


def read_observations(file: Path, rows: str = "") -> Iterator[Row]:
    """Give the observations of a page, in metres and cubic metres per second."""
    for row in read_json(file, rows or _ROWS):
        column = _COLUMNS.get(row.cells.get("grandeur_hydro", ""))
        if column is None:
            yield row
            continue
        yield replace(row, cells={**row.cells, column: _thousandth(row.cells)})


def _thousandth(cells: Mapping[str, str]) -> str:
    told = cells.get("resultat_obs", "")
    try:
        return repr(float(told) / _PER_UNIT)
    except ValueError:
        return told
