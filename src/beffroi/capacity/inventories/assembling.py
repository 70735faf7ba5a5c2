"""Several files as one inventory: what they say of one another, each mistake in its place."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import Note, ReadInventory, RejectedRow, RowPlace
from beffroi.capacity.inventories.near_names import NearNames
from beffroi.capacity.model import Amounts, Host, HostModel, Inventory, Policy, Workload

UNNAMED_SITE: Final = "site"


def joined(parts: Sequence[ReadInventory]) -> ReadInventory:
    """Put files together; a name that two of them have is refused in the later one.

    Of two models of one name, the first one counts.
    """
    places: dict[str, RowPlace] = {}
    host_places: dict[str, RowPlace] = {}
    workloads: list[Workload] = []
    hosts: list[Host] = []
    models: dict[str, HostModel] = {}
    rejected: list[RejectedRow] = []
    for part in parts:
        rejected.extend(part.rejected)
        rejected.extend(_met_again(part.places, places))
        rejected.extend(_met_again(part.host_places, host_places))
        workloads.extend(part.workloads)
        hosts.extend(part.hosts)
        places = {**part.places, **places}
        host_places = {**part.host_places, **host_places}
        models = {**part.models, **models}
    return ReadInventory(
        workloads=tuple(workloads),
        hosts=tuple(hosts),
        models=models,
        sites=tuple(dict.fromkeys(site for part in parts for site in part.sites)),
        buys=tuple(dict.fromkeys(model for part in parts for model in part.buys)),
        policy=next((part.policy for part in parts if part.policy is not None), None),
        excluded=tuple(one for part in parts for one in part.excluded),
        rejected=tuple(rejected),
        notes=tuple(note for part in parts for note in part.notes),
        allotted_milli={
            name: milli for part in parts for name, milli in part.allotted_milli.items()
        },
        places=places,
        host_places=host_places,
    )


def _met_again(
    found: Mapping[str, RowPlace], known: Mapping[str, RowPlace]
) -> Iterator[RejectedRow]:
    for name, place in found.items():
        if name in known:
            yield RejectedRow(
                place=place,
                code="capacity.imported_twice",
                value=name,
                told={"other": str(known[name])},
                name=name,
            )


def sited(
    read: ReadInventory, patterns: Mapping[str, Collection[str]], others: Collection[str] = ()
) -> ReadInventory:
    """Place hosts: where a pattern says, else where their file says, else on the only site.

    Args:
        read: What was read.
        patterns: Declared sites, each with the names of imported hosts that stand there.
        others: Sites of hosts that are not among what was read.
    """
    named = tuple(
        dict.fromkeys(
            patterns or (*others, *read.sites, *(host.site for host in read.hosts if host.site))
        )
    )
    fallback = UNNAMED_SITE if not named else named[0] if len(named) == 1 else ""
    hosts = tuple(_placed(host, patterns, fallback) for host in read.hosts)
    guessed = not named and bool(hosts)
    return msgspec.structs.replace(
        read,
        hosts=hosts,
        sites=(UNNAMED_SITE,) if guessed else named,
        notes=(*read.notes, *((Note("site_unstated", {"site": UNNAMED_SITE}),) if guessed else ())),
    )


def _placed(host: Host, patterns: Mapping[str, Collection[str]], fallback: str) -> Host:
    for site, names in patterns.items():
        if any(fnmatchcase(host.name, name) for name in names):
            return msgspec.structs.replace(host, site=site)
    return host if host.site else msgspec.structs.replace(host, site=fallback)


def imported_mistakes(
    read: ReadInventory, sites: Collection[str], hosts: Collection[str], models: Collection[str]
) -> Iterator[RejectedRow]:
    """Say which imported rows name a host, a model or a site that does not exist, or no host.

    Args:
        read: What the files hold, hosts placed.
        sites: Names of all sites.
        hosts: Names of all hosts.
        models: Names of all models.
    """
    known_sites, known_hosts, known_models = map(NearNames, (sites, hosts, models))
    for workload in read.workloads:
        place = read.places[workload.name]
        yield from _unknown(workload.host, known_hosts, place, workload.name, "hosts")
        for site in workload.sites:
            yield from _unknown(site, known_sites, place, workload.name, "sites")
        if workload.fixed and not workload.host:
            name = workload.name
            code = "capacity.fixed_without_host"
            yield RejectedRow(place=place, code=code, value=name, name=name)
    for host in read.hosts:
        place = read.host_places[host.name]
        if not host.model:
            yield _incomplete("capacity.host_without_model", host, place)
        yield from _unknown(host.model, known_models, place, host.name, "host_models")
        if not host.site:
            yield _incomplete("capacity.imported_host_without_site", host, place)
        yield from _unknown(host.site, known_sites, place, host.name, "sites")


def _unknown(
    name: str, names: NearNames, place: RowPlace, owner: str, section: str
) -> Iterator[RejectedRow]:
    if name and name not in names:
        told = {"section": section, "owner": owner, "nearest": names.near(name)}
        yield RejectedRow(
            place=place, code="capacity.row_name_unknown", value=name, told=told, name=owner
        )


def _incomplete(code: str, host: Host, place: RowPlace) -> RejectedRow:
    return RejectedRow(place=place, code=code, value=host.name, name=host.name)


def counted(read: ReadInventory) -> ReadInventory:
    """Leave disks and disk operations out where no model of host tells what it has of them.

    Their storage is then shared, or unknown: a plan cannot spread them over hosts.
    """
    held = Amounts()
    for model in read.models.values():
        held += model.amounts
    needed = Amounts()
    for workload in read.workloads:
        needed += workload.amounts
    notes = []
    amounts: dict[str, int] = {}
    if needed.disk_gib and not held.disk_gib:
        amounts["disk_gib"] = 0
        notes.append(Note("disks_not_counted", {"gib": needed.disk_gib}))
    if needed.io_per_s and not held.io_per_s:
        amounts["io_per_s"] = 0
        notes.append(Note("io_not_counted", {"io_per_s": needed.io_per_s}))
    if not (amounts and read.models):
        return read
    return msgspec.structs.replace(
        read,
        workloads=tuple(_without(one, amounts) for one in read.workloads),
        notes=(*read.notes, *notes),
    )


def _without(workload: Workload, amounts: Mapping[str, int]) -> Workload:
    return msgspec.structs.replace(
        workload, amounts=msgspec.structs.replace(workload.amounts, **amounts)
    )


def inventory_of(read: ReadInventory, origin: tuple[str, ...]) -> Inventory:
    """Return the inventory of what was read and found to agree."""
    return Inventory(
        sites=read.sites,
        models=read.models,
        hosts=read.hosts,
        workloads=read.workloads,
        buys=read.buys,
        policy=read.policy or Policy(),
        origin=origin,
    )
