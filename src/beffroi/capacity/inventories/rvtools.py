"""RVTools workbooks: the virtual machines and the hosts of VMware, as they were one day."""

from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.inventories.columns import Column
from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    Note,
    ReadInventory,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.inventories.own_tables import shared_cpu
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.inventories.rows import Row, TableReading, rejected_in_order
from beffroi.capacity.inventories.rvtools_columns import Detail, tab_headings, tab_of
from beffroi.capacity.inventories.rvtools_rules import ClusterRules
from beffroi.capacity.inventories.rvtools_storage import Storage, storage_of
from beffroi.capacity.inventories.tables import refused
from beffroi.capacity.inventories.workbooks import workbook_tables
from beffroi.capacity.model import Amounts, Criticality, Host, HostModel, Workload

_RULES: Final = UnitRules(whole_numbers=True)
_NEEDS: Final = {
    "vinfo": ((Column.NAME,), (Column.VCPU,), (Column.MEMORY,)),
    "vhost": ((Column.NAME,), (Column.CPU,), (Column.MEMORY,)),
    "vpartition": ((Column.NAME,), (Column.DISK,)),
    "vdatastore": ((Column.NAME,), (Column.DISK,)),
}
_SHEDDABLE: Final = frozenset({"low", "lowest", "disabled"})


def read_rvtools(file: Path, asked: Import) -> ReadInventory:
    """Read one; virtual machines that do not run are listed as left out.

    Memory is what is allotted; disk is what the guests' partitions hold, or else what VMware
    says is in use, and counts only on datastores that a single host has.
    """
    tables = {
        tab_of(table.sheet): table for table in workbook_tables(file, lambda n: bool(tab_of(n)))
    }
    if "vinfo" not in tables:
        raise refused(file, "capacity.tab_missing", tab="vInfo")
    readings = {
        tab: TableReading(table, tab_headings(table), _RULES)
        for tab, table in tables.items()
        if tab in _NEEDS
    }
    sound = {tab for tab, reading in readings.items() if reading.check_heading(_NEEDS[tab])}
    storage = storage_of({tab: readings[tab] for tab in sound})
    machines = _Machines(asked, storage)
    if "vinfo" in sound:
        machines.read(readings["vinfo"])
    hosts = _hosts(readings["vhost"], asked, storage) if "vhost" in sound else ReadInventory()
    rejected = [row for reading in readings.values() for row in reading.rejected]
    return msgspec.structs.replace(
        hosts,
        workloads=tuple(machines.found),
        excluded=tuple(machines.excluded),
        rejected=rejected_in_order(rejected),
        notes=(*hosts.notes, *machines.notes(file)),
        allotted_milli=machines.allotted_milli,
        places=machines.places,
    )


class _Machines:
    """The virtual machines of the tab vInfo."""

    def __init__(self, asked: Import, storage: Storage) -> None:
        self.found: list[Workload] = []
        self.excluded: list[Excluded] = []
        self.places: dict[str, RowPlace] = {}
        self.allotted_milli: dict[str, int] = {}
        self._asked = asked
        self._storage = storage
        self._rules = ClusterRules()
        self._shared_gib = 0

    def read(self, reading: TableReading) -> None:
        for row in reading.rows():
            reason = _why_excluded(row)
            if reason is not None:
                self.excluded.append(Excluded(row.name, reason))
                continue
            workload = self._workload(row)
            if row.sound:
                self.found.append(workload)
                self.places[workload.name] = reading.place(row.number)
                self.allotted_milli[workload.name] = row.amount(Column.VCPU, needed=True)

    def notes(self, file: Path) -> tuple[Note, ...]:
        told = [
            Note("instant_photo", {"file": str(file), "vcpu_per_core": self._asked.vcpu_per_core})
        ]
        if self._shared_gib:
            told.append(Note("shared_storage", {"file": str(file), "gib": self._shared_gib}))
        return (*told, *self._rules.notes(str(file)))

    def _workload(self, row: Row) -> Workload:
        name = row.checked_name()
        disk_gib = self._storage.disk_gib(row)
        local = self._storage.is_local(row.text(Detail.PATH))
        self._shared_gib += 0 if local else disk_gib
        apart, together = self._rules.of(row)
        return Workload(
            name=name,
            organisation=self._asked.organisation,
            amounts=Amounts(
                shared_cpu(row.amount(Column.VCPU, needed=True, least=1), self._asked),
                row.amount(Column.MEMORY, needed=True, least=1),
                disk_gib if local else 0,
            ),
            apart=apart,
            together=together,
            criticality=(
                Criticality.SHEDDABLE
                if row.text(Detail.PRIORITY).lower() in _SHEDDABLE
                else Criticality.CRITICAL
            ),
            host=row.text(Column.HOST),
        )


def _why_excluded(row: Row) -> ExclusionReason | None:
    if row.name.startswith("vCLS"):
        return ExclusionReason.CLUSTER_SERVICE
    if row.text(Detail.TEMPLATE).lower() in {"true", "vrai"}:
        return ExclusionReason.TEMPLATE
    if row.text(Detail.PLACEHOLDER).lower() in {"true", "vrai"}:
        return ExclusionReason.PLACEHOLDER
    state = row.text(Detail.POWER_STATE).lower()
    return ExclusionReason.POWERED_OFF if state and state != "poweredon" else None


def _hosts(reading: TableReading, asked: Import, storage: Storage) -> ReadInventory:
    hosts: list[Host] = []
    models: list[HostModel] = []
    places: dict[str, RowPlace] = {}
    notes: list[Note] = []
    for row in reading.rows():
        name = row.checked_name()
        amounts = Amounts(
            row.amount(Column.CPU, needed=False, least=1),
            row.amount(Column.MEMORY, needed=False, least=1),
            storage.of_host(name),
        )
        if row.sound:
            site = asked.site or row.text(Column.SITE)
            hosts.append(Host(name=name, model="", site=site))
            models.append(
                HostModel(name=asked.host_model or row.text(Column.MODEL), amounts=amounts)
            )
            places[name] = reading.place(row.number)
            if row.text(Detail.MAINTENANCE).lower() in {"true", "vrai"}:
                notes.append(Note("host_in_maintenance", {"host": name}))
    named = named_models(models)
    return ReadInventory(
        hosts=tuple(
            msgspec.structs.replace(host, model=model.name)
            for host, model in zip(hosts, named, strict=True)
        ),
        models={model.name: model for model in named},
        notes=tuple(notes),
        host_places=places,
    )
