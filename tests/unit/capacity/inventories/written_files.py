"""Files of inventories as tests write them, and what comes of reading them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from beffroi.capacity.inventories.findings import InventoryInvalidError, ReadInventory
from beffroi.capacity.inventories.inventory_file import load_inventory
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.inventories.reading import read_import

Cell = str | int | float | bool | None
Told = tuple[str, int, int]


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """Write a file."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode(encoding))
    return file


def book(
    folder: Path, sheets: Mapping[str, Sequence[Sequence[Cell]]], name: str = "b.xlsx"
) -> Path:
    """Write a workbook."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    workbook.save(folder / name)
    return folder / name


def read(file: Path, **asked: object) -> ReadInventory:
    """Read a file by its content."""
    return read_import(Import(file=file.name, **asked), file.parent)  # type: ignore[arg-type]


def loaded(*files: Path) -> LoadedInventory:
    """Load files of one folder together."""
    return load_inventory([Import(file=file.name) for file in files], files[0].parent)


def refusal(*files: Path) -> list[Told]:
    """Load files that have mistakes: code, line and column of each."""
    with pytest.raises(InventoryInvalidError) as raised:
        loaded(*files)
    return [
        (one.code.removeprefix("capacity."), one.line, one.column) for one in raised.value.found
    ]


def rejected(found: ReadInventory) -> list[Told]:
    """List what is rejected: code, row and column of each."""
    return [
        (one.code.removeprefix("capacity."), one.place.row, one.position) for one in found.rejected
    ]
