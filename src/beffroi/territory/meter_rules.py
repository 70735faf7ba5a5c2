"""What the meter of a host may declare, given its kind; pure."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.meters import Meter, MeterKind

_NEEDED: Final[Mapping[MeterKind, tuple[str, ...]]] = {
    MeterKind.NONE: (),
    MeterKind.RAPL: (),
    MeterKind.FILE: ("file",),
    MeterKind.REDFISH: ("address", "user", "secret_file"),
    MeterKind.SNMP: ("address", "oid", "secret_file"),
    MeterKind.MQTT: ("address", "topic"),
}
_ALLOWED: Final[Mapping[MeterKind, tuple[str, ...]]] = {
    MeterKind.NONE: (),
    MeterKind.RAPL: (),
    MeterKind.FILE: (),
    MeterKind.REDFISH: ("port", "certificate", "chassis"),
    MeterKind.SNMP: ("port", "user", "privacy_file", "signed_by", "scale"),
    MeterKind.MQTT: (
        *("port", "user", "secret_file", "certificate"),
        *("path", "quantity", "silent_after_s"),
    ),
}
# The first key says nothing without the second.
_KEY_IT_NEEDS: Final = {
    MeterKind.SNMP: (("privacy_file", "user"), ("signed_by", "user"), ("user", "privacy_file")),
    MeterKind.MQTT: (("secret_file", "user"), ("user", "secret_file")),
}
_FILES: Final = ("file", "secret_file", "privacy_file", "certificate")


def meter_mistakes(meter: Meter, path: KeyPath) -> Iterator[Mistake]:
    """Say what is wrong with one meter alone; a key that repeats its default says nothing."""
    given = frozenset(msgspec.to_builtins(meter)) - {"kind"}
    yield from _kind_mistakes(meter.kind, given, path)
    for key in _NEEDED[meter.kind]:
        if key not in given:
            yield Mistake("territory.missing_key", (*path, key), {"key": key}, at_key=True)
    for key, needed in _KEY_IT_NEEDS.get(meter.kind, ()):
        if key in given and needed not in given:
            values = {"key": key, "needed": needed}
            yield Mistake("territory.key_needs", (*path, key), values, at_key=True)
    for key in _FILES:
        found = getattr(meter, key)
        if found and not found.startswith("/"):
            yield Mistake("territory.not_an_absolute_path", (*path, key), {"found": found})


def _kind_mistakes(kind: MeterKind, given: AbstractSet[str], path: KeyPath) -> Iterator[Mistake]:
    for key in sorted(given):
        kinds = [one for one in MeterKind if key in (*_NEEDED[one], *_ALLOWED[one])]
        if kind not in kinds:
            values = {"key": key, "kind": kind, "kinds": ", ".join(kinds)}
            yield Mistake("territory.key_not_for_kind", (*path, key), values, at_key=True)
