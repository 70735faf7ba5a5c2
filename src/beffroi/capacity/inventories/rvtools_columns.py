"""The headings of RVTools workbooks: as people see them, in MB or MiB, and as databases name them.

Sources: RVTools 4.x exports ("VM", "In Use MiB"), RVTools 3.x ("In Use MB", where MB already
meant 1024 x 1024), and its option -DBColumnNames ("vInfoVMName", "vHostNumCpuCores").
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from beffroi.capacity.inventories.columns import RESOURCES, Column, Heading, Headings
from beffroi.capacity.inventories.tables import Table
from beffroi.capacity.model import Resource

_NOT_WORD: Final = re.compile(r"[^a-z0-9]")
_SHEET: Final = re.compile(r"^(?:tab)?(v[a-z]+)$", re.IGNORECASE)


class Detail(StrEnum):
    """What RVTools tells beside what our own tables have."""

    POWER_STATE = "power_state"
    TEMPLATE = "template"
    PLACEHOLDER = "placeholder"
    IN_USE = "in_use"
    PROVISIONED = "provisioned"
    PATH = "path"
    CLUSTER = "cluster"
    RULE_KINDS = "rule_kinds"
    RULE_NAMES = "rule_names"
    PRIORITY = "priority"
    MAINTENANCE = "maintenance"
    HOSTS = "hosts"
    HOST_COUNT = "host_count"


_MIB: Final = "mib"
_RESOURCES: Final[Mapping[str, Resource]] = {
    **RESOURCES,
    Detail.IN_USE: Resource.DISK,
    Detail.PROVISIONED: Resource.DISK,
}
_GIVEN: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "vinfo": {
        "vm": (Column.NAME, ""),
        "vmname": (Column.NAME, ""),
        "powerstate": (Detail.POWER_STATE, ""),
        "template": (Detail.TEMPLATE, ""),
        "srmplaceholder": (Detail.PLACEHOLDER, ""),
        "cpus": (Column.VCPU, "vcpu"),
        "memory": (Column.MEMORY, _MIB),
        "inuse": (Detail.IN_USE, _MIB),
        "provisioned": (Detail.PROVISIONED, _MIB),
        "path": (Detail.PATH, ""),
        "datacenter": (Column.SITE, ""),
        "cluster": (Detail.CLUSTER, ""),
        "host": (Column.HOST, ""),
        "clusterrules": (Detail.RULE_KINDS, ""),
        "clusterrulenames": (Detail.RULE_NAMES, ""),
        "harestartpriority": (Detail.PRIORITY, ""),
    },
    "vhost": {
        "host": (Column.NAME, ""),
        "name": (Column.NAME, ""),
        "datacenter": (Column.SITE, ""),
        "model": (Column.MODEL, ""),
        "cores": (Column.CPU, "cores"),
        "numcpucores": (Column.CPU, "cores"),
        "memory": (Column.MEMORY, _MIB),
        "memorysize": (Column.MEMORY, _MIB),
        "inmaintenancemode": (Detail.MAINTENANCE, ""),
    },
    "vpartition": {
        "vm": (Column.NAME, ""),
        "vmname": (Column.NAME, ""),
        "consumed": (Column.DISK, _MIB),
    },
    "vmemory": {
        "vm": (Column.NAME, ""),
        "vmname": (Column.NAME, ""),
        "size": (Column.MEMORY, _MIB),
    },
    "vdatastore": {
        "name": (Column.NAME, ""),
        "capacity": (Column.DISK, _MIB),
        "hosts": (Detail.HOSTS, ""),
        "numhosts": (Detail.HOST_COUNT, ""),
    },
}


def tab_of(sheet: str) -> str:
    """Return the plain name of a tab that is read, or nothing."""
    found = _SHEET.match(sheet)
    name = found[1].lower() if found else ""
    return name if name in _GIVEN else ""


def tab_headings(table: Table) -> Headings:
    """Recognise the columns of a tab that are read; its other columns are well known too."""
    tab = tab_of(table.sheet)
    known: dict[str, Heading] = {}
    for position, written in enumerate(table.heading.cells):
        column, unit = _GIVEN[tab].get(_plain(written, tab), ("", ""))
        if column and column not in known:
            known[column] = Heading(position, column, written, unit, _RESOURCES.get(column))
    return Headings(known, (), ())


def _plain(written: str, tab: str) -> str:
    """Write a heading without its tab, its signs and its unit; ``# Hosts`` counts hosts."""
    word = _NOT_WORD.sub("", written.lower()).removeprefix(tab)
    if tab == "vdatastore" and written.strip().startswith("#"):
        return f"num{word}"
    return word.removesuffix("mib").removesuffix("mb")
