"""Writing numbers into cells of a workbook that somebody else made, and changing nothing else.

The archive is copied part by part; only the sheets written to are changed, cell by cell, so that
styles, charts, drawings, checks and protections stay as they are. Results that were kept with
formulas are dropped, and the workbook asks to be computed when it is opened.
"""

import re
import zipfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

from lxml import etree

_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_WORKBOOK: Final = "xl/workbook.xml"
_SPACE: Final = {"m": _MAIN}
# Elements that the schema puts after calcPr (ECMA-376, CT_Workbook).
_AFTER_CALCULATION: Final = (
    *("oleSize", "customWorkbookViews", "pivotCaches", "smartTagPr", "smartTagTypes"),
    *("webPublishing", "fileRecoveryPr", "webPublishObjects", "extLst"),
)
Cells = Mapping[str, Mapping[str, Decimal]]


def with_numbers(content: bytes, cells: Cells) -> bytes:
    """Return a workbook with numbers written into cells.

    Args:
        content: An xlsx file.
        cells: By name of sheet, by cell such as ``E12``.
    """
    written = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(content)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        parts = _parts(source)
        changed = {parts[name]: numbers for name, numbers in cells.items() if numbers}
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename in parts.values():
                data = _sheet(data, changed.get(entry.filename, {}))
            elif entry.filename == _WORKBOOK:
                data = _computed_when_opened(data)
            target.writestr(entry, data)
    return written.getvalue()


def _parsed(data: bytes) -> Any:  # noqa: ANN401 - lxml has no types
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))


def _serialised(root: Any) -> bytes:  # noqa: ANN401 - lxml has no types
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return text


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the file of each worksheet by its name."""
    relations = _parsed(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): one.get("Target") for one in relations.iter(f"{{{_PACKAGE}}}*")}
    sheets = _parsed(archive.read(_WORKBOOK)).findall("m:sheets/m:sheet", _SPACE)
    found = {}
    for sheet in sheets:
        target = targets[sheet.get(f"{{{_RELATION}}}id")]
        found[sheet.get("name")] = (
            target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        )
    return found


def _sheet(data: bytes, numbers: Mapping[str, Decimal]) -> bytes:
    root = _parsed(data)
    for cell in root.iter(f"{{{_MAIN}}}c"):
        if cell.find("m:f", _SPACE) is not None:
            for kept in cell.findall("m:v", _SPACE):
                cell.remove(kept)
            cell.attrib.pop("t", None)
    for place, number in numbers.items():
        _write(_cell(root, place), number)
    return _serialised(root)


def _write(cell: Any, number: Decimal) -> None:  # noqa: ANN401 - lxml has no types
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)
    etree.SubElement(cell, f"{{{_MAIN}}}v").text = f"{number:f}"


def _cell(root: Any, place: str) -> Any:  # noqa: ANN401 - lxml has no types
    """Find a cell, or make it in its order: rows and cells that are empty may be left out."""
    column, number = _split(place)
    data = root.find("m:sheetData", _SPACE)
    row = _ordered(data, "row", str(number), lambda one: int(one.get("r")), number)
    return _ordered(row, "c", place, lambda one: _split(one.get("r"))[0], column)


def _ordered(
    parent: Any,  # noqa: ANN401 - lxml has no types
    tag: str,
    name: str,
    order: Callable[[Any], int],
    rank: int,
) -> Any:  # noqa: ANN401 - lxml has no types
    before = [one for one in parent if order(one) < rank]
    there = parent[len(before)] if len(before) < len(parent) else None
    if there is not None and order(there) == rank:
        return there
    made = etree.Element(f"{{{_MAIN}}}{tag}", r=name)
    parent.insert(len(before), made)
    return made


def _split(place: str) -> tuple[int, int]:
    """Return the column, from 1, and the row of a cell's name."""
    found = re.fullmatch(r"([A-Z]+)([0-9]+)", place)
    if found is None:
        raise ValueError(place)
    column = 0
    for letter in found[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return column, int(found[2])


def _computed_when_opened(data: bytes) -> bytes:
    root = _parsed(data)
    calculation = root.find("m:calcPr", _SPACE)
    if calculation is None:
        calculation = etree.Element(f"{{{_MAIN}}}calcPr")
        later = [one for one in root if etree.QName(one).localname in _AFTER_CALCULATION]
        root.insert(root.index(later[0]) if later else len(root), calculation)
    calculation.set("fullCalcOnLoad", "1")
    return _serialised(root)
