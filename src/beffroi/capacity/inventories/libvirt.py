"""Domains and hosts of libvirt: what its files hold, put together."""

from pathlib import Path

import msgspec

from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    Note,
    ReadInventory,
    RejectedRow,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.libvirt_files import Domain, Folder, folder_of
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.inventories.own_tables import shared_cpu
from beffroi.capacity.model import Amounts, Host, HostModel, Workload


def read_libvirt(path: Path, asked: Import) -> ReadInventory:
    """Read a file, a folder, or a folder of folders of which each is a host.

    Where a folder holds ``virsh nodeinfo`` or ``virsh capabilities``, it is the host that its
    name tells and its domains run there.
    """
    folders = [path]
    if path.is_dir():
        folders += sorted(one for one in path.iterdir() if one.is_dir())
    found = {folder.name: folder_of(folder) for folder in folders}
    hosts = {name: one for name, one in found.items() if one.host is not None}
    models = named_models(
        [HostModel(name=asked.host_model, amounts=one.host or Amounts()) for one in hosts.values()]
    )
    machines = _Machines(asked)
    for name, folder in found.items():
        machines.add(folder, name if name in hosts else "")
    return ReadInventory(
        workloads=tuple(machines.found),
        hosts=tuple(
            Host(name=name, model=model.name, site=asked.site)
            for name, model in zip(hosts, models, strict=True)
        ),
        models={model.name: model for model in models},
        excluded=tuple(machines.excluded),
        rejected=tuple(machines.rejected),
        notes=machines.notes(str(path)),
        allotted_milli=machines.allotted_milli,
        places=machines.places,
        host_places={name: one.host_place for name, one in hosts.items()},
    )


class _Machines:
    """Domains of one folder after the other."""

    def __init__(self, asked: Import) -> None:
        self.found: list[Workload] = []
        self.excluded: list[Excluded] = []
        self.rejected: list[RejectedRow] = []
        self.places: dict[str, RowPlace] = {}
        self.allotted_milli: dict[str, int] = {}
        self._asked = asked
        self._undisked = 0
        self._unknown_state = False

    def add(self, folder: Folder, host: str) -> None:
        """Take the domains of a folder; where some run, those that do not are left out."""
        self.rejected.extend(folder.rejected)
        some_run = any(domain.has_id for domain in folder.domains)
        self._unknown_state |= bool(folder.domains) and not some_run
        for domain in folder.domains:
            if some_run and not domain.has_id:
                self.excluded.append(Excluded(domain.name, ExclusionReason.POWERED_OFF))
            elif domain.name in self.places:
                first = str(self.places[domain.name])
                self._refuse(domain, "capacity.imported_twice", first)
            else:
                self._keep(domain, folder.disks_gib.get(domain.name), host)

    def notes(self, path: str) -> tuple[Note, ...]:
        """Tell what the files leave open."""
        told = []
        if self._undisked:
            told.append(Note("disks_unknown", {"file": path, "count": self._undisked}))
        if self._unknown_state:
            told.append(Note("running_unknown", {"file": path}))
        return tuple(told)

    def _keep(self, domain: Domain, disk_gib: int | None, host: str) -> None:
        self._undisked += disk_gib is None
        self.places[domain.name] = domain.place
        self.allotted_milli[domain.name] = domain.amounts.cpu_milli
        amounts = msgspec.structs.replace(
            domain.amounts,
            cpu_milli=shared_cpu(domain.amounts.cpu_milli, self._asked),
            disk_gib=disk_gib or 0,
        )
        self.found.append(
            Workload(
                name=domain.name,
                amounts=amounts,
                organisation=self._asked.organisation,
                host=host,
                fixed=domain.fixed and bool(host),
            )
        )

    def _refuse(self, domain: Domain, code: str, other: str) -> None:
        self.rejected.append(
            RejectedRow(
                place=domain.place,
                code=code,
                value=domain.name,
                told={"other": other},
                name=domain.name,
            )
        )
