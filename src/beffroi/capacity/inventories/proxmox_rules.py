"""What tags, HA and configurations of Proxmox VE say of a machine."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import Note, WrongValueError
from beffroi.capacity.inventories.proxmox_values import Entry, Export, Told
from beffroi.capacity.inventories.quantities import bounded_number

_SEPARATED: Final = re.compile(r"[;, ]+")
_DISK: Final = re.compile(r"^(?:scsi|virtio|sata|ide|efidisk|tpmstate|rootfs|mp)\d*$")
_VOLUME: Final = re.compile(r"^([^:,]+):[^,]*(?:,.*)?\bsize=(\d+(?:\.\d+)?)([KMGT]?)")
_POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_GIB: Final = 1024**3
_APART: Final = "plb_anti_affinity_"
_TOGETHER: Final = "plb_affinity_"
_FIXED: Final = ("plb_ignore", "plb_pin_")


class Placement(msgspec.Struct, frozen=True):
    """What holds for where a machine stands."""

    apart: str = ""
    together: str = ""
    critical: bool = True
    fixed: bool = False


class Rules:
    """The rules of one export; those that cannot be kept are told."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._shared = {
            str(entry.told.get("storage")): entry.flag("shared")
            for entry in export.entries
            if entry.kind == "storage"
        }
        self._ha = None if export.ha is None else {str(one.get("sid")) for one in export.ha}
        self._groups = dict(_rule_groups(export.ha_rules))
        self._second: list[str] = []
        self._undisked = 0

    def of(self, entry: Entry) -> Placement:
        """Return what holds for a machine."""
        apart, together, fixed = [], [], False
        for tag in _SEPARATED.split(str(entry.told.get("tags") or "")):
            if tag.startswith(_APART):
                apart.append(tag)
            elif tag.startswith(_TOGETHER):
                together.append(tag)
            fixed |= tag.startswith(_FIXED)
        sid = _sid(entry)
        for kind, rule in self._groups.get(sid, ()):
            (apart if kind == "negative" else together).append(rule)
        self._second += [f"{entry.name}: {rule}" for rule in (*apart[1:], *together[1:])]
        return Placement(
            apart=apart[0] if apart else "",
            together=together[0] if together else "",
            critical=self._ha is None or sid in self._ha,
            fixed=fixed or any(key.startswith("hostpci") for key in self._config(entry)),
        )

    def cpu_milli(self, entry: Entry) -> int:
        """Return what a machine may take: its processors, or its limit when that is lower.

        Raises:
            WrongValueError: The entry tells no processors.
        """
        allotted = entry.whole("maxcpu", least=1) * 1000
        written = str(self._config(entry).get("cpulimit") or "")
        try:
            limit = bounded_number(written, 4096) if written else Decimal(0)
        except WrongValueError as error:
            told = {**error.told, "column": "cpulimit", "value": written}
            raise WrongValueError(error.code, told) from error
        return min(allotted, int(limit * 1000)) if limit else allotted

    def local_disk_gib(self, entry: Entry) -> int:
        """Return what a machine holds on storages of its node alone, rounded up.

        Without its configuration nobody knows where its disks are: all of them count as local
        when no storage is shared, none otherwise.
        """
        volumes = list(_volumes(self._config(entry)))
        if volumes:
            local = sum(size for storage, size in volumes if not self._shared.get(storage, False))
            return -(-local // _GIB)
        if any(self._shared.values()):
            self._undisked += 1
            return 0
        return -(-entry.whole("maxdisk") // _GIB)

    def node_disk_bytes(self, node: str) -> int:
        """Return what the storages of a node alone hold, those for machines."""
        return sum(
            entry.whole("maxdisk")
            for entry in self._export.entries
            if entry.kind == "storage"
            and entry.node == node
            and not entry.flag("shared")
            and {"images", "rootdir"} & set(str(entry.told.get("content", "")).split(","))
        )

    def notes(self, file: str) -> tuple[Note, ...]:
        """Tell what could not be kept or known."""
        told = []
        if self._second:
            told.append(Note("rules_second", {"file": file, "rules": ", ".join(self._second)}))
        if self._undisked:
            told.append(Note("disks_unknown", {"file": file, "count": self._undisked}))
        return tuple(told)

    def _config(self, entry: Entry) -> Told:
        return self._export.configs.get(entry.vmid, {})


def _sid(entry: Entry) -> str:
    return f"{'ct' if entry.kind == 'lxc' else 'vm'}:{entry.vmid}"


def _rule_groups(rules: tuple[Told, ...]) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    """Give for each machine the rules of Proxmox VE 9 that keep it near others or away."""
    by_sid: dict[str, list[tuple[str, str]]] = {}
    for rule in rules:
        if rule.get("type") == "resource-affinity" and not rule.get("disable"):
            for sid in _SEPARATED.split(str(rule.get("resources") or "")):
                named = (str(rule.get("affinity")), str(rule.get("rule")))
                by_sid.setdefault(sid, []).append(named)
    return ((sid, tuple(found)) for sid, found in by_sid.items())


def _volumes(config: Told) -> Iterator[tuple[str, int]]:
    """Give the storage and the size in bytes of each disk of a configuration."""
    for key, written in config.items():
        found = _VOLUME.match(str(written)) if _DISK.match(key) else None
        if found is not None and "media=cdrom" not in str(written):
            size = Decimal(found[2]) * 1024 ** _POWERS[found[3]]
            yield found[1], int(size)
