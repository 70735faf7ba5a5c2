"""Our own tables of workloads and of hosts, in CSV or in sheets: docs/capacity-files.md."""

from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.assembling import joined
from beffroi.capacity.inventories.columns import (
    HOST_COLUMNS,
    WORKLOAD_COLUMNS,
    Column,
    headings_of,
)
from beffroi.capacity.inventories.findings import ReadInventory, RowPlace, wrong
from beffroi.capacity.inventories.kinds import FileKind, Import
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.inventories.rows import Row, TableReading, rejected_in_order
from beffroi.capacity.inventories.tables import Table, bytes_of, csv_table, refused, text_of
from beffroi.capacity.inventories.workbooks import workbook_tables
from beffroi.capacity.model import (
    Amounts,
    Criticality,
    Host,
    HostModel,
    PowerPoint,
    Workload,
)

_WORKLOAD_NEEDS: Final = ((Column.NAME,), (Column.CPU, Column.VCPU), (Column.MEMORY,))
_HOST_NEEDS: Final = ((Column.NAME,),)
_SIZED_HOST_NEEDS: Final = (*_HOST_NEEDS, (Column.CPU,), (Column.MEMORY,))
_SIZED: Final = (Column.CPU, Column.MEMORY, Column.DISK, Column.IO)
_CRITICAL: Final = {
    "": True,
    **dict.fromkeys(("critical", "critique", "oui", "yes", "true", "vrai", "1"), True),
    **dict.fromkeys(("sheddable", "delestable", "non", "no", "false", "faux", "0"), False),
}
_MAX_DOWNTIME_S: Final = 7 * 86_400
_MAX_EUR: Final = 10_000_000
_MAX_KG: Final = 1_000_000
_MAX_W: Final = 100_000


def unit_rules(asked: Import, separator: str) -> UnitRules:
    """Say what the units of a file stand for."""
    return UnitRules(asked.byte_units, asked.ghz_per_core, separator == ",")


def table_of(file: Path) -> Table:
    """Read a CSV file."""
    return csv_table(file, text_of(file, bytes_of(file)))


def read_workloads(file: Path, asked: Import) -> ReadInventory:
    """Read workloads.csv."""
    return workloads_of(table_of(file), asked)


def read_hosts(file: Path, asked: Import) -> ReadInventory:
    """Read hosts.csv."""
    return hosts_of(table_of(file), asked)


def read_workbook(file: Path, asked: Import) -> ReadInventory:
    """Read a spreadsheet whose sheets are tables of ours."""
    readers = {FileKind.HOSTS: hosts_of, FileKind.WORKLOADS: workloads_of}
    tables = [(own_table_kind(table), table) for table in workbook_tables(file, bool)]
    parts = [readers[kind](table, asked) for kind, table in tables if kind in readers]
    if not parts:
        raise refused(file, "capacity.file_kind_unknown")
    return joined(parts)


def own_table_kind(table: Table) -> FileKind:
    """Tell workloads from hosts by the headings; DETECTED: it is neither."""
    hosts = headings_of(table.heading.cells, HOST_COLUMNS).known
    workloads = headings_of(table.heading.cells, WORKLOAD_COLUMNS).known
    if Column.NAME in workloads and len(workloads) >= len(hosts):
        return FileKind.WORKLOADS
    if Column.NAME in hosts:
        return FileKind.HOSTS
    return FileKind.DETECTED


def workloads_of(table: Table, asked: Import) -> ReadInventory:
    """Read a table of workloads."""
    headings = headings_of(table.heading.cells, WORKLOAD_COLUMNS)
    reading = TableReading(table, headings, unit_rules(asked, table.separator))
    found: list[Workload] = []
    allotted: dict[str, int] = {}
    places: dict[str, RowPlace] = {}
    if reading.check_heading(_WORKLOAD_NEEDS):
        for row in reading.rows():
            workload = _workload(row, asked)
            if row.sound:
                found.append(workload)
                places[workload.name] = reading.place(row.number)
                if row.has(Column.VCPU):
                    allotted[workload.name] = row.amount(Column.VCPU, needed=True)
    return ReadInventory(
        workloads=tuple(found),
        allotted_milli=allotted,
        rejected=rejected_in_order(reading.rejected),
        notes=reading.notes(),
        places=places,
    )


def _workload(row: Row, asked: Import) -> Workload:
    return Workload(
        name=row.checked_name(),
        organisation=row.text(Column.ORGANISATION) or asked.organisation,
        amounts=Amounts(
            _needed_cpu(row, asked),
            row.amount(Column.MEMORY, needed=True, least=1),
            row.amount(Column.DISK, needed=True),
            row.amount(Column.IO, needed=True),
        ),
        apart=row.text(Column.APART),
        across_sites=row.flag(Column.ACROSS_SITES),
        together=row.text(Column.TOGETHER),
        sites=row.names(Column.SITES),
        licence=row.text(Column.LICENCE),
        criticality=(
            Criticality.CRITICAL
            if row.choice(Column.CRITICALITY, _CRITICAL)
            else Criticality.SHEDDABLE
        ),
        host=row.text(Column.HOST),
        fixed=_fixed(row),
        downtime_s=int(row.number_at(Column.DOWNTIME, _MAX_DOWNTIME_S)),
    )


def _fixed(row: Row) -> bool:
    """Return whether a workload stays where it runs, which it must then tell."""
    fixed = row.flag(Column.FIXED)
    if fixed and not row.has(Column.HOST):
        row.refuse(Column.FIXED, wrong("capacity.fixed_without_host"))
    return fixed


def _needed_cpu(row: Row, asked: Import) -> int:
    """Return what a workload was measured to take, or else its share of what it is allotted."""
    if row.has(Column.CPU):
        return row.amount(Column.CPU, needed=True, least=1)
    column = Column.VCPU if row.knows(Column.VCPU) else Column.CPU
    return shared_cpu(row.amount(column, needed=True, least=1), asked)


def shared_cpu(allotted_milli: int, asked: Import) -> int:
    """Return the cores that virtual processors count for, rounded up."""
    shared = Decimal(allotted_milli) / Decimal(str(asked.vcpu_per_core))
    return int(shared.to_integral_value(ROUND_CEILING))


def hosts_of(table: Table, asked: Import) -> ReadInventory:
    """Read a table of hosts."""
    headings = headings_of(table.heading.cells, HOST_COLUMNS)
    reading = TableReading(table, headings, unit_rules(asked, table.separator))
    hosts: list[Host] = []
    models: list[HostModel | None] = []
    places: dict[str, RowPlace] = {}
    sized = any(column in headings.known for column in _SIZED)
    if reading.check_heading(_SIZED_HOST_NEEDS if sized else _HOST_NEEDS):
        for row in reading.rows():
            host = _host(row, asked)
            model = _model(row, host.model) if any(map(row.has, _SIZED)) else None
            if row.sound:
                hosts.append(host)
                models.append(model)
                places[host.name] = reading.place(row.number)
    named = iter(named_models([model for model in models if model is not None]))
    final = [next(named) if model is not None else None for model in models]
    return ReadInventory(
        hosts=tuple(
            host if model is None else msgspec.structs.replace(host, model=model.name)
            for host, model in zip(hosts, final, strict=True)
        ),
        models={model.name: model for model in final if model is not None},
        rejected=rejected_in_order(reading.rejected),
        notes=reading.notes(),
        host_places=places,
    )


def _host(row: Row, asked: Import) -> Host:
    return Host(
        name=row.checked_name(),
        model=row.text(Column.MODEL) or asked.host_model,
        site=row.text(Column.SITE) or asked.site,
        organisations=row.names(Column.ORGANISATIONS),
        switched_off=row.flag(Column.SWITCHED_OFF),
    )


def _model(row: Row, name: str) -> HostModel:
    price = row.number_at(Column.PRICE, _MAX_EUR)
    return HostModel(
        name=name,
        amounts=Amounts(
            row.amount(Column.CPU, needed=False, least=1),
            row.amount(Column.MEMORY, needed=False, least=1),
            row.amount(Column.DISK, needed=False),
            row.amount(Column.IO, needed=False),
        ),
        rack_units=float(row.number_at(Column.RACK_UNITS, 100)) or 1.0,
        power=_power(row),
        price_eur=f"{price:f}" if price else None,
        yearly_eur=f"{row.number_at(Column.YEARLY, _MAX_EUR):f}",
        embodied_kg=float(row.number_at(Column.EMBODIED, _MAX_KG)),
        licences=row.names(Column.LICENCES),
    )


def _power(row: Row) -> tuple[PowerPoint, ...]:
    idle, full = (row.number_at(one, _MAX_W) for one in (Column.IDLE_W, Column.FULL_W))
    if not full:
        return ()
    return (PowerPoint(0.0, float(idle)), PowerPoint(1.0, float(full)))
