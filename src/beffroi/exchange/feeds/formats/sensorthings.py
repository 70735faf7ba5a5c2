"""Rows of OGC SensorThings: things, data streams, observations.

Source: OGC 18-088, SensorThings API Part 1: Sensing, version 1.1.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from beffroi.exchange.feeds.formats.json_rows import document_of, listed
from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, flattened

_ROWS: Final = "value"


def read_sensorthings(file: Path, rows: str = "") -> Iterator[Row]:
    """Give what a page lists; observations that stand inside data streams, one by one.

    A row has ``at`` where what it tells has a time: the end of one that lasted.
    """
    number = 0
    for one in listed(file, document_of(file), rows or _ROWS):
        for told in _told(one):
            number += 1
            place = RowPlace(str(file), number)
            cells = flattened(told)
            if at := cells.get("phenomenonTime", "").rpartition("/")[2]:
                cells["at"] = at
            yield Row(place, cells, _geometry(told))


def _told(one: dict[str, Any]) -> Iterator[dict[str, Any]]:
    observations = one.get("Observations")
    if not isinstance(observations, list):
        yield one
        return
    stream = {name: value for name, value in one.items() if name != "Observations"}
    for observation in observations:
        yield {**observation, "Datastream": stream, "Thing": stream.get("Thing")}


def _geometry(told: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return where it is: a thing's own place, else the area that a data stream observes."""
    stream = told.get("Datastream")
    inner: dict[str, Any] = stream if isinstance(stream, dict) else {}
    places = told.get("Locations")
    place = places[0] if isinstance(places, list) and places else {}
    found = (place.get("location"), told.get("location"), told.get("feature"))
    for value in (*found, told.get("observedArea"), inner.get("observedArea")):
        if isinstance(value, dict):
            return value.get("geometry", value)
    return None
