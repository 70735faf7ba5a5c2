"""The territory's own hosts and applications, as an inventory."""

from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from beffroi.capacity.host_models import HOST_MODELS
from beffroi.capacity.inventories.assembling import inventory_of
from beffroi.capacity.inventories.findings import (
    Excluded,
    ExclusionReason,
    Note,
    ReadInventory,
    RejectedRow,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.inventories.model_names import named_models
from beffroi.capacity.model import Amounts, Host, HostModel, Policy, Workload
from beffroi.territory import model as declared
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


def loaded_territory(territory: Territory) -> LoadedInventory:
    """Return the inventory of a territory that is in force."""
    read = territory_inventory(territory, RowPlace(territory.name))
    inventory = inventory_of(read, (territory.name,))
    return LoadedInventory(inventory=inventory, excluded=read.excluded, notes=read.notes)


def territory_inventory(territory: Territory, place: RowPlace) -> ReadInventory:
    """Return hosts whole, and applications as large as their limits.

    A processor thread counts as a core on both sides. Limits hold whatever happens, so all of the
    processor may be given out: the usual fifth that is kept free is for needs that are guessed.
    Where a site has a single host none of them can be spare. Static applications run nothing of
    their own and are left out. Where there is but one host all applications run on it; else
    nothing says where they do.

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
    hosts = territory.hosts.values()
    models = named_models([_model(host) for host in hosts])
    only_host = next(iter(territory.hosts)) if len(territory.hosts) == 1 else ""
    policy, notes = _policy(territory, len(running))
    return ReadInventory(
        workloads=tuple(
            Workload(
                name=application.name,
                organisation=application.organisation,
                amounts=Amounts(
                    round(application.limits.cpus * 1000), application.limits.memory_mib
                ),
                host=only_host,
            )
            for application in running
        ),
        hosts=tuple(
            Host(name=host.name, model=model.name, site=host.site)
            for host, model in zip(hosts, models, strict=True)
        ),
        models={model.name: model for model in models},
        sites=tuple(territory.sites),
        policy=policy,
        excluded=tuple(Excluded(name, ExclusionReason.STATIC) for name in sorted(static)),
        notes=notes,
        places={application.name: place for application in running},
        host_places=dict.fromkeys(territory.hosts, place),
    )


def _model(host: declared.Host) -> HostModel:
    """Return what a host is: of the size that is declared, of the power of its model if known."""
    known = HOST_MODELS.get(host.model, HostModel(name=host.model, amounts=Amounts()))
    amounts = Amounts(host.cpus * 1000, host.memory_gib * _MIB_PER_GIB, host.disk_gib)
    return msgspec.structs.replace(known, amounts=amounts)


def _policy(territory: Territory, running: int) -> tuple[Policy, tuple[Note, ...]]:
    hosts = Counter(host.site for host in territory.hosts.values())
    single = sorted(site for site, count in hosts.items() if count == 1)
    notes = [Note("limits_as_sizes", {"count": running})]
    if single:
        notes.append(Note("spares_impossible", {"sites": ", ".join(single)}))
    return Policy(cpu_share=1.0, spare_hosts=0 if single else 1), tuple(notes)


def _rejected(found: Finding) -> RejectedRow:
    values = {name: str(value) for name, value in found.values.items()}
    return RejectedRow(
        place=RowPlace(found.file, found.line),
        code=found.code,
        position=found.column,
        told={"path": told_path(found.path), **values},
    )
