"""The territory's own hosts and applications, as an inventory."""

from pathlib import Path
from typing import Final

from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    ReadInventory,
    RejectedRow,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.model import Amounts, Host, HostModel, Workload
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, told_path
from beffroi.territory.loading import load_territory
from beffroi.territory.model import ApplicationKind, Territory

_MIB_PER_GIB: Final = 1024


def read_territory(file: Path, asked: Import) -> ReadInventory:  # noqa: ARG001 - as all readers
    """Read territory.yaml; what is wrong with it is among what is rejected."""
    try:
        territory = load_territory(file).territory
    except TerritoryInvalidError as error:
        return ReadInventory(rejected=tuple(map(_rejected, error.found)))
    return territory_inventory(territory, RowPlace(str(file)))


def territory_inventory(territory: Territory, place: RowPlace) -> ReadInventory:
    """Return hosts whole, and applications as large as their limits.

    A processor thread counts as a core on both sides. Static applications run nothing of their
    own and are left out. Nothing says where an application runs.

    Args:
        territory: What is declared.
        place: Where.
    """
    running = [
        application
        for application in territory.applications.values()
        if application.kind is not ApplicationKind.STATIC
    ]
    static = territory.applications.keys() - {application.name for application in running}
    sizes = [
        HostModel(
            name="",
            amounts=Amounts(host.cpus * 1000, host.memory_gib * _MIB_PER_GIB, host.disk_gib),
        )
        for host in territory.hosts.values()
    ]
    models = named_models(sizes)
    workloads = tuple(
        Workload(
            name=application.name,
            organisation=application.organisation,
            amounts=Amounts(round(application.limits.cpus * 1000), application.limits.memory_mib),
        )
        for application in running
    )
    return ReadInventory(
        workloads=workloads,
        hosts=tuple(
            Host(name=host.name, model=model.name, site=host.site)
            for host, model in zip(territory.hosts.values(), models, strict=True)
        ),
        models={model.name: model for model in models},
        sites=tuple(territory.sites),
        excluded=tuple(Excluded(name, ExclusionReason.STATIC) for name in sorted(static)),
        places={workload.name: place for workload in workloads},
        host_places=dict.fromkeys(territory.hosts, place),
    )


def _rejected(found: Finding) -> RejectedRow:
    values = {name: str(value) for name, value in found.values.items()}
    return RejectedRow(
        place=RowPlace(found.file, found.line),
        code=found.code,
        position=found.column,
        told={"path": told_path(found.path), **values},
    )
