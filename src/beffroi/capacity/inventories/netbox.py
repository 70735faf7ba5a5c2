"""NetBox's export of virtual machines; its hosts hold no capacity and come from elsewhere.

NetBox writes memory in MB and leaves open which (its issues 11066 and 21095); disks are in GB
before version 4.1 and in MB since.
"""

from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.columns import (
    Column,
    Heading,
    Headings,
    Names,
    headings_of,
)
from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    ReadInventory,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.own_tables import shared_cpu, table_of, unit_rules
from beffroi.capacity.inventories.rows import Row, TableReading, rejected_in_order
from beffroi.capacity.inventories.tables import Table
from beffroi.capacity.model import Amounts, Workload

_STATUS: Final = "status"
_ACTIVE: Final = frozenset({"", "active", "actif", "active/actif"})
_COLUMNS: Final[Names] = {
    "name": Column.NAME,
    "nom": Column.NAME,
    "tenant": Column.ORGANISATION,
    "vcpus": Column.VCPU,
    "memory": Column.MEMORY,
    "memoire": Column.MEMORY,
    "disk": Column.DISK,
    "disque": Column.DISK,
    "device": Column.HOST,
}
_NEEDS: Final = ((Column.NAME,), (Column.VCPU,), (Column.MEMORY,))
_MEMORY_UNIT: Final = "mb"


def is_netbox(heading: tuple[str, ...]) -> bool:
    """Tell NetBox's export from a table of ours."""
    words = {cell.strip().lower() for cell in heading}
    return {"name", "status", "cluster", "vcpus"} <= words


def read_netbox(file: Path, asked: Import) -> ReadInventory:
    """Read an export; machines that are not active are listed as left out."""
    table = table_of(file)
    reading = TableReading(table, _headings(table), unit_rules(asked, table.separator))
    found: list[Workload] = []
    excluded: list[Excluded] = []
    places: dict[str, RowPlace] = {}
    allotted: dict[str, int] = {}
    rows = reading.rows() if reading.check_heading(_NEEDS) else ()
    for row in rows:
        if row.text(_STATUS).lower() not in _ACTIVE:
            excluded.append(Excluded(row.name, ExclusionReason.NOT_ACTIVE))
            continue
        vcpu_milli = row.amount(Column.VCPU, needed=True, least=1)
        workload = _workload(row, asked, vcpu_milli)
        if row.sound:
            found.append(workload)
            places[workload.name] = reading.place(row.number)
            allotted[workload.name] = vcpu_milli
    return ReadInventory(
        workloads=tuple(found),
        excluded=tuple(excluded),
        rejected=rejected_in_order(reading.rejected),
        allotted_milli=allotted,
        places=places,
    )


def _headings(table: Table) -> Headings:
    headings = headings_of(table.heading.cells, _COLUMNS)
    known = dict(headings.known)
    memory = known.get(Column.MEMORY)
    if memory is not None and not memory.unit:
        known[Column.MEMORY] = msgspec.structs.replace(memory, unit=_MEMORY_UNIT)
    for position, written in enumerate(table.heading.cells):
        if written.lower() == _STATUS:
            known[_STATUS] = Heading(position, _STATUS, written)
    return Headings(known, (), headings.twice)


def _workload(row: Row, asked: Import, vcpu_milli: int) -> Workload:
    return Workload(
        name=row.checked_name(),
        organisation=row.text(Column.ORGANISATION) or asked.organisation,
        amounts=Amounts(
            shared_cpu(vcpu_milli, asked),
            row.amount(Column.MEMORY, needed=True, least=1),
            row.amount(Column.DISK, needed=True),
        ),
        host=row.text(Column.HOST),
    )
