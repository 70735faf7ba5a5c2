"""The JSON of Proxmox VE, its entries looked at one by one."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.capacity.inventories.findings import wrong
from beffroi.capacity.inventories.tables import refused

_MOST_BYTES: Final = 1 << 60
Told = Mapping[str, Any]


class Entry(msgspec.Struct, frozen=True):
    """One entry of /cluster/resources, and its number from 1."""

    number: int
    told: Told

    @property
    def kind(self) -> str:
        """What it is: qemu, lxc, node, storage."""
        return str(self.told.get("type", ""))

    @property
    def node(self) -> str:
        """The node that it is, or is on."""
        return str(self.told.get("node", ""))

    @property
    def vmid(self) -> str:
        """Number of a machine."""
        return str(self.told.get("vmid", ""))

    @property
    def name(self) -> str:
        """Its name; a machine without one is named after its number."""
        if self.kind == "node":
            return self.node
        return str(self.told.get("name") or f"{self.kind}-{self.vmid}")

    def flag(self, key: str) -> bool:
        """Tell whether a key is set, written as 1, "1" or true."""
        return str(self.told.get(key)) in {"1", "True"}

    def whole(self, key: str, least: int = 0) -> int:
        """Return a whole number.

        Raises:
            WrongValueError: It is missing, no whole number, or absurd.
        """
        value = self.told.get(key)
        if value is None:
            raise wrong("capacity.amount_missing", column=key)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong("capacity.not_a_number", column=key, value=str(value))
        if value < 0:
            raise wrong("capacity.amount_negative", column=key, value=str(value))
        if value < least:
            raise wrong("capacity.amount_zero", column=key, value=str(value))
        most = 4096 if key == "maxcpu" else _MOST_BYTES
        if value > most:
            raise wrong(
                "capacity.amount_absurd", column=key, value=str(value), maximum=most, unit=""
            )
        return value


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """An export.

    Attributes:
        entries: /cluster/resources.
        configs: /nodes/NODE/qemu/VMID/config by VMID.
        nodes: /nodes/NODE/status by node.
        ha: /cluster/ha/resources; absent: nobody said.
        ha_rules: /cluster/ha/rules.
        misshapen: Parts that are not of the shape that these answers have: which one, and the
            number of the entry, from 1.
    """

    entries: tuple[Entry, ...]
    configs: Mapping[str, Told] = {}
    nodes: Mapping[str, Told] = {}
    ha: tuple[Told, ...] | None = None
    ha_rules: tuple[Told, ...] = ()
    misshapen: tuple[tuple[str, int], ...] = ()


def export_of(file: Path, text: str) -> Export:
    """Read JSON: the list alone, in ``data``, or ``resources`` beside what completes it.

    Raises:
        WrongFileError: It is no JSON, or no such export.
    """
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(file, "capacity.file_not_json", reason=str(error)) from error
    whole = told if isinstance(told, dict) else {"resources": told}
    listed = _list(whole.get("resources", whole.get("data")))
    entries = tuple(Entry(number, one) for number, one in enumerate(listed or (), start=1))
    if not any(entry.kind in {"qemu", "lxc", "node"} for entry in entries):
        raise refused(file, "capacity.proxmox_resources_missing")
    return Export(
        entries=entries,
        configs=_by_name(whole.get("configs")),
        nodes=_by_name(whole.get("nodes")),
        ha=_list(whole.get("ha_resources")),
        ha_rules=_list(whole.get("ha_rules")) or (),
        misshapen=tuple(_misshapen(whole)),
    )


def _misshapen(whole: Told) -> Iterator[tuple[str, int]]:
    """Give the parts that are there and of another shape, and entries that are none."""
    listed = "resources" if "resources" in whole else "data"
    for part in (listed, "ha_resources", "ha_rules"):
        told = whole.get(part)
        inner = told.get("data") if isinstance(told, dict) else told
        if isinstance(inner, list):
            numbered = enumerate(inner, start=1)
            yield from ((part, number) for number, one in numbered if not isinstance(one, dict))
        elif told is not None:
            yield part, 1
    for part in ("configs", "nodes"):
        told = whole.get(part)
        if isinstance(told, dict):
            for number, (name, one) in enumerate(told.items(), start=1):
                inner = one.get("data", one) if isinstance(one, dict) else one
                if not isinstance(inner, dict):
                    yield f"{part}.{name}", number
        elif told is not None:
            yield part, 1


def _list(told: object) -> tuple[Told, ...] | None:
    inner = told.get("data") if isinstance(told, dict) else told
    if not isinstance(inner, list):
        return None
    return tuple(one if isinstance(one, dict) else {} for one in inner)


def _by_name(told: object) -> Mapping[str, Told]:
    if not isinstance(told, dict):
        return {}
    inner = {
        str(name): one.get("data", one) if isinstance(one, dict) else one
        for name, one in told.items()
    }
    return {name: one for name, one in inner.items() if isinstance(one, dict)}
