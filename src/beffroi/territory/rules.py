"""What the nouns of a territory must agree on; pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from beffroi.kernel.units import GIB, MIB
from beffroi.territory.application_rules import application_mistakes
from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.meter_rules import meter_mistakes
from beffroi.territory.model import ApplicationKind, Territory
from beffroi.territory.shape import nearest

Given = Mapping[str, Mapping[str, AbstractSet[str]]]
"""The keys that the files write: section, then name, then keys."""


def territory_mistakes(territory: Territory, given: Given) -> Iterator[Mistake]:
    """Say what is wrong within each application and between the nouns.

    Args:
        territory: What could be read of it, defaults filled in.
        given: What the files write, entries of a wrong shape included.
    """
    for application in territory.applications.values():
        yield from application_mistakes(application, given["applications"][application.name])
    for host in territory.hosts.values():
        yield from meter_mistakes(host.meter, ("hosts", host.name, "meter"))
    yield from _reference_mistakes(territory, given)
    yield from _host_name_mistakes(territory)


def _reference_mistakes(territory: Territory, given: Given) -> Iterator[Mistake]:
    for name, application in territory.applications.items():
        path = ("applications", name, "organisation")
        yield from _unknown(application.organisation, "organisations", given, path)
    for name, host in territory.hosts.items():
        yield from _unknown(host.site, "sites", given, ("hosts", name, "site"))


def _unknown(name: str, section: str, given: Given, path: KeyPath) -> Iterator[Mistake]:
    known = sorted(given[section])
    if not known:
        yield Mistake("territory.empty_section", path, {"name": name, "section": section})
    elif name not in known:
        values = {"name": name, "section": section, "nearest": nearest(name, known)}
        yield Mistake("territory.unknown_reference", path, values)


def _host_name_mistakes(territory: Territory) -> Iterator[Mistake]:
    owners = {territory.console_host: "console"}
    for application in territory.applications.values():
        for key, names in (("hosts", application.hosts), ("aliases", application.aliases)):
            for place, name in enumerate(names):
                if name in owners:
                    path = ("applications", application.name, key, place)
                    values = {"host": name, "owner": owners[name]}
                    yield Mistake("territory.host_name_twice", path, values)
                owners.setdefault(name, application.name)


def capacity_mistakes(territory: Territory) -> Iterator[Mistake]:
    """Compare what applications may use with what there is: an impossible territory is refused.

    Static applications count for nothing: no process of theirs runs.
    """
    declared_mib = sum(
        application.limits.memory_mib
        for application in territory.applications.values()
        if application.kind is not ApplicationKind.STATIC
    )
    available_mib = sum(host.memory_gib * GIB // MIB for host in territory.hosts.values())
    if declared_mib > available_mib:
        values = {"declared_mib": declared_mib, "available_mib": available_mib}
        yield Mistake("territory.memory_exceeded", ("hosts",), values, at_key=True)
