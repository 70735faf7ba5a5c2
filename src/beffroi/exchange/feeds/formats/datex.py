"""Rows of DATEX II v3: what road sensors measured, and what happens on the road.

Source: CEN/TS 16157-3 (situations) and CEN/TS 16157-5 (measurements); docs.datex2.eu, v3.3.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from beffroi.exchange.feeds.formats.xml_rows import add_cells, elements, local_name
from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row

_VALUES: Final = {
    "vehicleFlowRate": "flow_veh_h",
    "speed": "speed_km_h",
    "percentage": "occupancy_percent",
}
"""What a value is called within its element, by the column that it goes to."""
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"


def read_measurements(file: Path, rows: str = "") -> Iterator[Row]:
    """Give a row for each site: of several values of a kind (lanes, vehicles) the first counts."""
    del rows
    for element in elements(file, "siteMeasurements"):
        place = RowPlace(str(file), element.sourceline or 1)
        cells: dict[str, str] = {}
        for child in element:
            match local_name(child):
                case "measurementSiteReference":
                    cells["site"] = child.get("id", "")
                    cells["site_version"] = child.get("version", "")
                case "measurementTimeDefault":
                    cells["at"] = _first_text(child)
                case _:
                    _add_values(child, cells)
        if percent := cells.get("occupancy_percent"):
            cells["occupancy"] = _share(percent)
        yield Row(place, cells)


def read_situations(file: Path, rows: str = "") -> Iterator[Row]:
    """Give a row for each record of a situation."""
    del rows
    for element in elements(file, "situationRecord"):
        cells: dict[str, str] = {}
        add_cells(element, "", cells)
        cells["id"] = element.get("id", "")
        cells["version"] = element.get("version", "")
        cells["kind"] = element.get(_TYPE, "").rpartition(":")[2]
        situation = element.getparent()
        cells["situation"] = "" if situation is None else situation.get("id", "")
        for name, column in _SITUATION.items():
            if found := _found(element, name):
                cells[column] = found
        yield Row(RowPlace(str(file), element.sourceline or 1), cells)


_SITUATION: Final = {
    "overallStartTime": "from",
    "overallEndTime": "to",
    "latitude": "latitude",
    "longitude": "longitude",
    "roadNumber": "road",
    "value": "comment",
    "situationRecordVersionTime": "at",
}
"""Elements whose first text tells what a column of ours does, wherever they stand."""


def _add_values(element: Any, cells: dict[str, str]) -> None:  # noqa: ANN401 - lxml
    for name, column in _VALUES.items():
        for value in element.iter(f"{{*}}{name}"):
            if text := (value.text or "").strip():
                cells.setdefault(column, text)


def _share(percent: str) -> str:
    try:
        return repr(round(float(percent) / 100, 6))
    except ValueError:
        return percent


def _found(element: Any, name: str) -> str:  # noqa: ANN401 - lxml
    return next((text for one in element.iter(f"{{*}}{name}") if (text := _text(one))), "")


def _first_text(element: Any) -> str:  # noqa: ANN401 - lxml
    """Return the text of an element, or of the first inside it that has one."""
    return next((text for one in element.iter() if (text := _text(one))), "")


def _text(element: Any) -> str:  # noqa: ANN401 - lxml
    return (element.text or "").strip()
