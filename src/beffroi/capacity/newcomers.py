"""Workloads that a platform does not run yet: the standard one, those of who joins; pure."""

from collections.abc import Collection, Iterable, Mapping
from itertools import count
from math import ceil
from typing import Final

import msgspec

from beffroi.capacity.growth import OrganisationJoins
from beffroi.capacity.model import Amounts, HostModel, Inventory, Workload
from beffroi.kernel.units import GIB, MIB

_MILLI: Final = 1000
_STANDARD: Final = "standard"


def standard_workload(
    models: Iterable[HostModel], cores: float, memory_gib: float, disk_gib: float
) -> Workload:
    """Return the workload that room is counted in.

    Args:
        models: Of the platform's hosts; what none of them tells to have is not asked.
        cores: CPU, in cores.
        memory_gib: Memory, in GiB.
        disk_gib: Disk space, in GiB.
    """
    amounts = Amounts(
        cpu_milli=ceil(cores * _MILLI),
        memory_mib=ceil(memory_gib * GIB / MIB),
        disk_gib=ceil(disk_gib),
    )
    return Workload(name=_STANDARD, amounts=_told_by(models, amounts))


def joining(theirs: Inventory, ours: Inventory) -> OrganisationJoins:
    """Return the workloads of another inventory as newcomers to ours.

    They run on none of our hosts and may run on any of our sites, unless theirs are ours too. A
    name or a group that we use already gets a number.
    """
    models = tuple(ours.models.values())
    names = _renamed({one.name for one in theirs.workloads}, {one.name for one in ours.workloads})
    apart, together = (
        _renamed(
            {getattr(one, group) for one in theirs.workloads} - {""},
            {getattr(one, group) for one in ours.workloads},
        )
        for group in ("apart", "together")
    )
    return OrganisationJoins(
        tuple(
            msgspec.structs.replace(
                one,
                name=names[one.name],
                amounts=_told_by(models, one.amounts),
                apart=apart.get(one.apart, ""),
                together=together.get(one.together, ""),
                across_sites=one.across_sites and len(ours.sites) > 1,
                sites=tuple(site for site in one.sites if site in ours.sites),
                host="",
                fixed=False,
            )
            for one in theirs.workloads
        )
    )


def _told_by(models: Iterable[HostModel], amounts: Amounts) -> Amounts:
    """Leave out disk space and operations where no host tells what it has of them."""
    held = Amounts()
    for model in models:
        held += model.amounts
    return Amounts(
        amounts.cpu_milli,
        amounts.memory_mib,
        amounts.disk_gib if held.disk_gib else 0,
        amounts.io_per_s if held.io_per_s else 0,
    )


def _renamed(names: Collection[str], taken: Collection[str]) -> Mapping[str, str]:
    """Give each name that is taken the first number that makes it free."""
    used = {*names, *taken}
    found = {name: name for name in names}
    for name in sorted(set(names) & set(taken)):
        found[name] = next(one for n in count(2) if (one := f"{name}-{n}") not in used)
        used.add(found[name])
    return found
