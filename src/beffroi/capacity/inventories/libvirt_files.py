"""The files of libvirt: virsh dumpxml, capabilities, nodeinfo and domstats."""

import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import Final

import msgspec
from lxml import etree

from beffroi.capacity.inventories.findings import (
    RejectedRow,
    RowPlace,
    WrongFileError,
    WrongValueError,
    wrong,
)
from beffroi.capacity.inventories.quantities import UnitRules, amount_of
from beffroi.capacity.inventories.tables import bytes_of, refused, text_of
from beffroi.capacity.model import Amounts, Resource

_DECLARATION: Final = re.compile(r"<\?xml[^>]*\?>")
_TYPE: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_NODE_LINE: Final = re.compile(r"^([A-Za-z() ]+):\s+(\d+)(?:\s+([A-Za-z]+))?\s*$", re.MULTILINE)
_STATS_DOMAIN: Final = re.compile(r"^Domain: '(.*)'", re.MULTILINE)
_BLOCK: Final = re.compile(r"block\.\d+\.(capacity|physical)=(\d+)")
_GIB: Final = 1024**3
_KIB_PER_MIB: Final = 1024
# The units of libvirt's format (docs/formatdomain, "memory"): KiB when none is written.
_BYTES: Final[Mapping[str, int]] = {
    "b": 1,
    "bytes": 1,
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGTP", start=1)},
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTP", start=1)},
    **{prefix: 1024**power for power, prefix in enumerate("KMGTP", start=1)},
    "k": 1024,
}


class Domain(msgspec.Struct, frozen=True):
    """A domain as a file tells it.

    Attributes:
        has_id: It runs; files of /etc/libvirt tell no identifiers at all.
        fixed: A device of its host is passed through to it.
    """

    name: str
    amounts: Amounts
    place: RowPlace
    has_id: bool
    fixed: bool


class Folder(msgspec.Struct, frozen=True):
    """What one folder, or one file alone, holds.

    Attributes:
        host: The host, when the folder describes one.
        disks_gib: Disks of each domain, as far as domstats tells them.
    """

    domains: tuple[Domain, ...]
    rejected: tuple[RejectedRow, ...]
    host: Amounts | None
    host_place: RowPlace
    disks_gib: Mapping[str, int]


def folder_of(path: Path) -> Folder:
    """Read what stands in a folder itself, or one file; mistakes are among what is rejected."""
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    reading = _Reading(RowPlace(str(path)))
    for file in files:
        try:
            reading.take(file)
        except WrongFileError as error:
            reading.rejected.append(error.rejected)
    return Folder(
        tuple(reading.domains),
        tuple(reading.rejected),
        reading.host,
        reading.host_place,
        reading.disks_gib,
    )


class _Reading:
    """Files of one folder being read."""

    def __init__(self, place: RowPlace) -> None:
        self.domains: list[Domain] = []
        self.rejected: list[RejectedRow] = []
        self.host: Amounts | None = None
        self.host_place = place
        self.disks_gib: dict[str, int] = {}

    def take(self, file: Path) -> None:
        """Read one file by what it holds."""
        text = text_of(file, bytes_of(file))
        if text.lstrip().startswith("<"):
            for element in _elements(file, text):
                self._take_element(file, element)
        elif is_nodeinfo(text):
            self.host, self.host_place = _nodeinfo(file, text), RowPlace(str(file))
        elif _STATS_DOMAIN.search(text):
            self.disks_gib.update(_disks_gib(text))
        else:
            raise refused(file, "capacity.file_kind_unknown")

    def _take_element(self, file: Path, element: etree._Element) -> None:
        place = RowPlace(str(file), element.sourceline or 1)
        name = element.findtext("name", "").strip()
        try:
            if element.tag == "capabilities":
                self.host, self.host_place = _capabilities(element), place
            else:
                self.domains.append(_domain(element, name, place))
        except WrongValueError as error:
            rejected = RejectedRow(
                place=place,
                code=error.code,
                column=str(error.told.get("column", "")),
                value=str(error.told.get("value", "")),
                told=error.told,
                name=name,
            )
            self.rejected.append(rejected)


def is_nodeinfo(text: str) -> bool:
    """Tell the output of virsh nodeinfo."""
    return text.lstrip().startswith("CPU model:") and "Memory size:" in text


def is_domstats(text: str) -> bool:
    """Tell the output of virsh domstats."""
    return _STATS_DOMAIN.search(text) is not None


def _elements(file: Path, text: str) -> Iterator[etree._Element]:
    """Give the domains and the hosts of a file, which may hold several documents.

    No document type is allowed: entities could read files or swell without end.
    """
    found = _TYPE.search(text)
    if found is not None:
        raise refused(file, "capacity.xml_with_type", text.count("\n", 0, found.start()) + 1)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    whole = f"<files>{_DECLARATION.sub('', text)}</files>"
    try:
        root = etree.fromstring(whole.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise refused(file, "capacity.not_xml", error.lineno or 1, reason=error.msg) from error
    listed = [one for one in root.iter("domain", "capabilities") if _is_top(one)]
    if not listed:
        raise refused(file, "capacity.file_kind_unknown")
    yield from listed


def _is_top(element: etree._Element) -> bool:
    """Tell a domain from the word of that name inside capabilities."""
    above = element.getparent()
    return above is not None and above.tag in {"files", "domains", "domstatus"}


def _domain(element: etree._Element, name: str, place: RowPlace) -> Domain:
    if not name:
        raise wrong("capacity.element_missing", column="name")
    vcpu = element.find("vcpu")
    memory = element.find("memory")
    if vcpu is None or memory is None:
        raise wrong("capacity.element_missing", column="vcpu" if vcpu is None else "memory")
    counted = vcpu.get("current") or vcpu.text or ""
    passed_through = element.find("devices/hostdev[@type='pci']") is not None
    return Domain(
        name=name,
        amounts=Amounts(_cpu_milli(counted), _memory_mib(memory, needed=True)),
        place=place,
        has_id=element.get("id") is not None,
        fixed=passed_through,
    )


def _cpu_milli(text: str) -> int:
    written = text.strip()
    try:
        milli = amount_of(written, Resource.CPU, "vcpu", UnitRules())
    except WrongValueError as error:
        raise WrongValueError(
            error.code, {**error.told, "column": "vcpu", "value": written}
        ) from error
    if not milli:
        raise wrong("capacity.amount_zero", column="vcpu", value=written)
    return milli


def _memory_mib(element: etree._Element, *, needed: bool) -> int:
    """Return a memory in MiB by its attribute ``unit``."""
    written, unit = (element.text or "").strip(), element.get("unit", "KiB")
    if unit not in _BYTES:
        raise wrong("capacity.unit_unknown", unit=unit, column="memory", value=written)
    try:
        amount = Decimal(written) if written.isdecimal() else Decimal(-1)
        rounding = ROUND_CEILING if needed else ROUND_FLOOR
        mib = int((amount * _BYTES[unit] / 1024**2).to_integral_value(rounding))
        return amount_of(str(mib), Resource.MEMORY, "mib", UnitRules())
    except WrongValueError as error:
        code = error.code if written.isdecimal() else "capacity.not_a_number"
        raise WrongValueError(code, {**error.told, "column": "memory", "value": written}) from error


def _capabilities(element: etree._Element) -> Amounts:
    """Return what a host holds: its cores, not their threads."""
    cells = element.findall("host/topology/cells/cell")
    cores = {
        (cpu.get("socket_id"), cpu.get("die_id"), cpu.get("core_id"))
        for cpu in element.iterfind("host/topology/cells/cell/cpus/cpu")
    }
    memories = [memory for cell in cells for memory in cell.findall("memory")]
    if not cores or not memories:
        raise wrong("capacity.element_missing", column="host/topology/cells")
    mib = sum(_memory_mib(memory, needed=False) for memory in memories)
    return Amounts(len(cores) * 1000, mib)


def _nodeinfo(file: Path, text: str) -> Amounts:
    """Return what virsh nodeinfo tells: cores per socket, sockets per NUMA cell, cells."""
    told = {name: int(number) for name, number, _ in _NODE_LINE.findall(text)}
    wanted = ("CPU socket(s)", "Core(s) per socket", "NUMA cell(s)", "Memory size")
    missing = [name for name in wanted if not told.get(name)]
    if missing:
        raise refused(file, "capacity.nodeinfo_incomplete", lines=", ".join(missing))
    sockets, cores, cells, memory_kib = (told[name] for name in wanted)
    return Amounts(sockets * cores * cells * 1000, memory_kib // _KIB_PER_MIB)


def _disks_gib(text: str) -> dict[str, int]:
    """Return what the disks of each domain may grow to, in GiB, rounded up."""
    parts = _STATS_DOMAIN.split(text)[1:]
    found = {}
    for name, stats in zip(parts[::2], parts[1::2], strict=True):
        sizes = [int(size) for kind, size in _BLOCK.findall(stats) if kind == "capacity"]
        if sizes:
            found[name] = -(-sum(sizes) // _GIB)
    return found
