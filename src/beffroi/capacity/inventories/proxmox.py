"""Proxmox VE: /cluster/resources as JSON, alone or with configurations, nodes and HA."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    Note,
    ReadInventory,
    RejectedRow,
    RowPlace,
    WrongValueError,
    wrong,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.inventories.own_tables import shared_cpu
from beffroi.capacity.inventories.proxmox_rules import Placement, Rules
from beffroi.capacity.inventories.proxmox_values import Entry, Export, export_of
from beffroi.capacity.inventories.tables import bytes_of, text_of
from beffroi.capacity.model import Amounts, Criticality, Host, HostModel, Workload

_MIB: Final = 1024**2
_GIB: Final = 1024**3
_MACHINES: Final = frozenset({"qemu", "lxc"})


def read_proxmox(file: Path, asked: Import) -> ReadInventory:
    """Read an export; machines that do not run are listed as left out."""
    export = export_of(file, text_of(file, bytes_of(file)))
    reading = _Reading(file, asked, export)
    for entry in export.entries:
        reading.take(entry)
    return reading.result()


class _Reading:
    """Entries of one export being read."""

    def __init__(self, file: Path, asked: Import, export: Export) -> None:
        self._file = file
        self._asked = asked
        self._export = export
        self._rules = Rules(export)
        self._workloads: list[Workload] = []
        self._hosts: list[tuple[Host, Amounts]] = []
        self._excluded: list[Excluded] = []
        self._rejected = [
            RejectedRow(
                place=RowPlace(str(file), number),
                code="capacity.proxmox_part_misshapen",
                column=part,
            )
            for part, number in export.misshapen
        ]
        self._places: dict[str, RowPlace] = {}
        self._host_places: dict[str, RowPlace] = {}
        self._allotted: dict[str, int] = {}
        self._threads: list[str] = []

    def take(self, entry: Entry) -> None:
        """Read one entry; its mistake is told with its number."""
        try:
            if entry.kind in _MACHINES:
                self._machine(entry)
            elif entry.kind == "node":
                self._node(entry)
        except WrongValueError as error:
            told = dict(error.told)
            column, value = str(told.pop("column", "")), str(told.pop("value", ""))
            self._rejected.append(
                RejectedRow(
                    place=self._place(entry),
                    code=error.code,
                    column=column,
                    value=value,
                    told=told,
                    name=entry.name,
                )
            )

    def result(self) -> ReadInventory:
        """Return what all entries hold."""
        models = named_models(
            [HostModel(name=self._asked.host_model, amounts=amounts) for _, amounts in self._hosts]
        )
        threads = {"file": str(self._file), "hosts": ", ".join(self._threads)}
        return ReadInventory(
            workloads=tuple(self._workloads),
            hosts=tuple(
                msgspec.structs.replace(host, model=model.name)
                for (host, _), model in zip(self._hosts, models, strict=True)
            ),
            models={model.name: model for model in models},
            excluded=tuple(self._excluded),
            rejected=tuple(self._rejected),
            notes=(
                *((Note("threads_as_cores", threads),) if self._threads else ()),
                *self._rules.notes(str(self._file)),
            ),
            allotted_milli=self._allotted,
            places=self._places,
            host_places=self._host_places,
        )

    def _machine(self, entry: Entry) -> None:
        reason = _why_excluded(entry)
        if reason is not None:
            self._excluded.append(Excluded(entry.name, reason))
            return
        if entry.name in self._places:
            other = str(self._places[entry.name])
            raise wrong("capacity.imported_twice", other=other, value=entry.name)
        cpu_milli = self._rules.cpu_milli(entry)
        placement: Placement = self._rules.of(entry)
        self._places[entry.name] = self._place(entry)
        self._allotted[entry.name] = cpu_milli
        self._workloads.append(
            Workload(
                name=entry.name,
                organisation=str(entry.told.get("pool") or self._asked.organisation),
                amounts=Amounts(
                    shared_cpu(cpu_milli, self._asked),
                    -(-entry.whole("maxmem", least=1) // _MIB),
                    self._rules.local_disk_gib(entry),
                ),
                apart=placement.apart,
                together=placement.together,
                criticality=(Criticality.CRITICAL if placement.critical else Criticality.SHEDDABLE),
                host=entry.node,
                fixed=placement.fixed,
            )
        )

    def _node(self, entry: Entry) -> None:
        name = entry.node
        if name in self._host_places:
            raise wrong("capacity.imported_twice", other=str(self._host_places[name]), value=name)
        cores = _cores(self._export.nodes.get(name, {}))
        if not cores:
            self._threads.append(name)
        amounts = Amounts(
            (cores or entry.whole("maxcpu", least=1)) * 1000,
            entry.whole("maxmem", least=1) // _MIB,
            self._rules.node_disk_bytes(name) // _GIB,
        )
        self._host_places[name] = self._place(entry)
        self._hosts.append((Host(name=name, model="", site=self._asked.site), amounts))

    def _place(self, entry: Entry) -> RowPlace:
        return RowPlace(str(self._file), entry.number)


def _why_excluded(entry: Entry) -> ExclusionReason | None:
    if entry.flag("template"):
        return ExclusionReason.TEMPLATE
    running = entry.told.get("status") == "running"
    return None if running else ExclusionReason.POWERED_OFF


def _cores(status: Mapping[str, Any]) -> int:
    """Return the cores of /nodes/NODE/status, whose cpuinfo counts those of all sockets."""
    info = status.get("cpuinfo")
    cores = info.get("cores") if isinstance(info, dict) else None
    return cores if isinstance(cores, int) and cores > 0 else 0
