"""What the headings of our own tables mean, in French and in English, with their units."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.capacity.inventories.quantities import is_unit, plain_word
from beffroi.capacity.model import Resource

_WORDS: Final = re.compile(r"[a-z0-9%]+")
_FILLERS: Final = frozenset({"en", "in", "de", "du", "des", "d", "la", "le", "l", "of", "the"})
_GLUED: Final = re.compile(r"(ram|mem|memory|memoire|disk|disque|cpu)([kmgt]i?[bo]|ghz|mhz)")


class Column(StrEnum):
    """What a column tells; its value is the name that we write."""

    NAME = "name"
    ORGANISATION = "organisation"
    CPU = "cpu"
    VCPU = "vcpu"
    MEMORY = "memory"
    DISK = "disk"
    IO = "io_per_s"
    HOST = "host"
    APART = "apart"
    ACROSS_SITES = "across_sites"
    TOGETHER = "together"
    SITES = "sites"
    LICENCE = "licence"
    CRITICALITY = "criticality"
    FIXED = "fixed"
    DOWNTIME = "downtime_s"
    MODEL = "model"
    SITE = "site"
    ORGANISATIONS = "organisations"
    SWITCHED_OFF = "switched_off"
    RACK_UNITS = "rack_units"
    IDLE_W = "idle_w"
    FULL_W = "full_w"
    PRICE = "price_eur"
    YEARLY = "yearly_eur"
    EMBODIED = "embodied_kg"
    LICENCES = "licences"


RESOURCES: Final[Mapping[str, Resource]] = {
    Column.CPU: Resource.CPU,
    Column.VCPU: Resource.CPU,
    Column.MEMORY: Resource.MEMORY,
    Column.DISK: Resource.DISK,
    Column.IO: Resource.IO,
}
Names = Mapping[str, Column]

_SIZES: Final[Names] = {
    "cpu": Column.CPU,
    "cores": Column.CPU,
    "coeurs": Column.CPU,
    "nombre_coeurs": Column.CPU,
    "nb_coeurs": Column.CPU,
    "memory": Column.MEMORY,
    "memoire": Column.MEMORY,
    "memoire_vive": Column.MEMORY,
    "mem": Column.MEMORY,
    "ram": Column.MEMORY,
    "disk": Column.DISK,
    "disque": Column.DISK,
    "disques": Column.DISK,
    "storage": Column.DISK,
    "stockage": Column.DISK,
    "io_per_s": Column.IO,
    "iops": Column.IO,
    "es_par_s": Column.IO,
}
WORKLOAD_COLUMNS: Final[Names] = {
    **_SIZES,
    "name": Column.NAME,
    "nom": Column.NAME,
    "vm": Column.NAME,
    "workload": Column.NAME,
    "machine": Column.NAME,
    "machine_virtuelle": Column.NAME,
    "serveur": Column.NAME,
    "server": Column.NAME,
    "organisation": Column.ORGANISATION,
    "organization": Column.ORGANISATION,
    "commune": Column.ORGANISATION,
    "collectivite": Column.ORGANISATION,
    "proprietaire": Column.ORGANISATION,
    "owner": Column.ORGANISATION,
    "tenant": Column.ORGANISATION,
    "cpu_p95": Column.CPU,
    "vcpu": Column.VCPU,
    "vcpus": Column.VCPU,
    "cpus": Column.VCPU,
    "host": Column.HOST,
    "hote": Column.HOST,
    "hyperviseur": Column.HOST,
    "hypervisor": Column.HOST,
    "node": Column.HOST,
    "noeud": Column.HOST,
    "apart": Column.APART,
    "separees": Column.APART,
    "anti_affinity": Column.APART,
    "anti_affinity_group": Column.APART,
    "anti_affinite": Column.APART,
    "across_sites": Column.ACROSS_SITES,
    "cross_site": Column.ACROSS_SITES,
    "deux_sites": Column.ACROSS_SITES,
    "together": Column.TOGETHER,
    "ensemble": Column.TOGETHER,
    "affinity": Column.TOGETHER,
    "affinite": Column.TOGETHER,
    "sites": Column.SITES,
    "site": Column.SITES,
    "licence": Column.LICENCE,
    "license": Column.LICENCE,
    "criticality": Column.CRITICALITY,
    "criticite": Column.CRITICALITY,
    "critical": Column.CRITICALITY,
    "critique": Column.CRITICALITY,
    "fixed": Column.FIXED,
    "fixe": Column.FIXED,
    "downtime_s": Column.DOWNTIME,
    "coupure_s": Column.DOWNTIME,
}
HOST_COLUMNS: Final[Names] = {
    **_SIZES,
    "cpus": Column.CPU,
    "name": Column.NAME,
    "nom": Column.NAME,
    "host": Column.NAME,
    "hote": Column.NAME,
    "hyperviseur": Column.NAME,
    "serveur": Column.NAME,
    "server": Column.NAME,
    "model": Column.MODEL,
    "modele": Column.MODEL,
    "site": Column.SITE,
    "salle": Column.SITE,
    "organisations": Column.ORGANISATIONS,
    "organisation": Column.ORGANISATIONS,
    "reserve_a": Column.ORGANISATIONS,
    "switched_off": Column.SWITCHED_OFF,
    "eteint": Column.SWITCHED_OFF,
    "rack_units": Column.RACK_UNITS,
    "unites_rack": Column.RACK_UNITS,
    "u": Column.RACK_UNITS,
    "idle_w": Column.IDLE_W,
    "repos_w": Column.IDLE_W,
    "full_w": Column.FULL_W,
    "charge_w": Column.FULL_W,
    "price_eur": Column.PRICE,
    "prix_eur": Column.PRICE,
    "yearly_eur": Column.YEARLY,
    "annuel_eur": Column.YEARLY,
    "embodied_kg": Column.EMBODIED,
    "fabrication_kg": Column.EMBODIED,
    "licences": Column.LICENCES,
    "licenses": Column.LICENCES,
}


class Heading(msgspec.Struct, frozen=True):
    """A column that is known.

    Attributes:
        position: Its place, counted from 0.
        column: What it tells.
        written: As the file writes it.
        unit: The unit that it gives, if it does.
        resource: What it gives amounts of, if it does.
    """

    position: int
    column: str
    written: str
    unit: str = ""
    resource: Resource | None = None


class Headings(msgspec.Struct, frozen=True):
    """The columns of a table; a column written twice is among ``twice``."""

    known: Mapping[str, Heading]
    ignored: tuple[str, ...]
    twice: tuple[Heading, ...]


def headings_of(cells: tuple[str, ...], names: Names) -> Headings:
    """Recognise the columns of a heading."""
    known: dict[str, Heading] = {}
    ignored, twice = [], []
    for position, written in enumerate(cells):
        heading = _heading(position, written, names)
        if heading is None:
            ignored.append(written)
        elif heading.column in known:
            twice.append(heading)
        else:
            known[heading.column] = heading
    return Headings(known, tuple(cell for cell in ignored if cell), tuple(twice))


def _heading(position: int, written: str, names: Names) -> Heading | None:
    glued = _GLUED.sub(r"\1 \2", plain_word(written)) if " " not in written else plain_word(written)
    words = [word for word in _WORDS.findall(glued) if word not in _FILLERS]
    whole = "_".join(words)
    if whole in names:
        column = names[whole]
        unit = _own_unit(column, words)
        return Heading(position, column, written, unit, RESOURCES.get(column))
    if len(words) > 1 and is_unit(words[-1]):
        measured = names.get("_".join(words[:-1]))
        if measured is not None and measured in RESOURCES:
            return Heading(position, measured, written, words[-1], RESOURCES[measured])
    return None


def _own_unit(column: Column, words: list[str]) -> str:
    """Return the unit that a name without any implies: counts of processors are cores."""
    if column is Column.VCPU:
        return "vcpu"
    counted = {"cores", "coeurs", "cpus"} & set(words)
    return "cores" if column is Column.CPU and counted else ""
