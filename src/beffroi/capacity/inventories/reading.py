"""One file of any kind: what it is, told by its content, and what it holds.

Loads the libraries of every kind of file: only a worker imports this.
"""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.agglo import read_agglo
from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    ReadInventory,
    WrongFileError,
)
from beffroi.capacity.inventories.kinds import FileKind, Import
from beffroi.capacity.inventories.libvirt import read_libvirt
from beffroi.capacity.inventories.libvirt_files import is_domstats, is_nodeinfo
from beffroi.capacity.inventories.netbox import is_netbox, read_netbox
from beffroi.capacity.inventories.own_tables import (
    own_table_kind,
    read_hosts,
    read_workbook,
    read_workloads,
)
from beffroi.capacity.inventories.proxmox import read_proxmox
from beffroi.capacity.inventories.rvtools import read_rvtools
from beffroi.capacity.inventories.rvtools_columns import tab_of
from beffroi.capacity.inventories.tables import bytes_of, csv_table, refused, text_of
from beffroi.capacity.inventories.territory import read_territory
from beffroi.capacity.inventories.workbooks import is_workbook, sheet_names

_YAML: Final = frozenset({".yaml", ".yml"})
_TERRITORY: Final = re.compile(rb"^territory\s*:", re.MULTILINE)
_HEAD_BYTES: Final = 1024 * 1024
Reader = Callable[[Path, Import], ReadInventory]

_READERS: Final[Mapping[FileKind, Reader]] = {
    FileKind.WORKLOADS: read_workloads,
    FileKind.HOSTS: read_hosts,
    FileKind.AGGLO: read_agglo,
    FileKind.RVTOOLS: read_rvtools,
    FileKind.WORKBOOK: read_workbook,
    FileKind.LIBVIRT: read_libvirt,
    FileKind.PROXMOX: read_proxmox,
    FileKind.NETBOX: read_netbox,
    FileKind.TERRITORY: read_territory,
}


def read_import(asked: Import, folder: Path) -> ReadInventory:
    """Read a file; what is wrong with it is among what is rejected.

    Args:
        asked: The file, relative to ``folder``, and what it does not say itself.
        folder: Where the file that names it is.
    """
    file = folder / asked.file
    try:
        kind = kind_of(file) if asked.kind is FileKind.DETECTED else asked.kind
        read = _READERS[kind](file, asked)
    except WrongFileError as error:
        return ReadInventory(rejected=(error.rejected,))
    return _without(read, asked.leave_out)


def kind_of(file: Path) -> FileKind:
    """Tell what a file is by its content.

    Raises:
        WrongFileError: It is missing, unreadable or of no known kind.
    """
    if file.is_dir():
        return FileKind.LIBVIRT
    content = bytes_of(file)
    if is_workbook(content):
        rvtools = any(tab_of(name) for name in sheet_names(file))
        return FileKind.RVTOOLS if rvtools else FileKind.WORKBOOK
    text = text_of(file, content)
    if file.suffix.lower() in _YAML and _TERRITORY.search(content):
        return FileKind.TERRITORY
    start = text.lstrip()[:1]
    if start == "<" or is_nodeinfo(text) or is_domstats(text):
        return FileKind.LIBVIRT
    return FileKind.PROXMOX if start in {"{", "["} else _table_kind(file, text)


def is_declared(file: Path) -> bool:
    """Tell whether a file is a plan.yaml: YAML that declares no territory."""
    return file.suffix.lower() in _YAML and not _TERRITORY.search(_head(file))


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_HEAD_BYTES)
    except OSError:
        return b""


def _table_kind(file: Path, text: str) -> FileKind:
    table = csv_table(file, text)
    if table.comment.startswith("#host_cpu_m"):
        return FileKind.AGGLO
    if is_netbox(table.heading.cells):
        return FileKind.NETBOX
    kind = own_table_kind(table)
    if kind is FileKind.DETECTED:
        raise refused(file, "capacity.file_kind_unknown")
    return kind


def _without(read: ReadInventory, patterns: tuple[str, ...]) -> ReadInventory:
    """Leave workloads out by name, with what is wrong with them."""
    if not patterns:
        return read
    left_out = {
        name
        for name in (*read.places, *(row.name for row in read.rejected))
        if name and any(fnmatchcase(name, pattern) for pattern in patterns)
    } - set(read.host_places)
    return msgspec.structs.replace(
        read,
        workloads=tuple(one for one in read.workloads if one.name not in left_out),
        rejected=tuple(row for row in read.rejected if row.name not in left_out),
        excluded=(
            *read.excluded,
            *(Excluded(name, ExclusionReason.LEFT_OUT) for name in sorted(left_out)),
        ),
        places={name: place for name, place in read.places.items() if name not in left_out},
    )
