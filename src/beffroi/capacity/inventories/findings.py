"""What a reader found in a file, what it left out and what it refuses; loads nothing heavy."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from beffroi.capacity.model import Host, HostModel, Policy, Workload
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.findings import Finding

_TOLD_LENGTH: Final = 60
Told = Mapping[str, str | int | float]


class ExclusionReason(StrEnum):
    """Why a machine of a file is no workload of a plan."""

    TEMPLATE = "template"
    POWERED_OFF = "powered_off"
    PLACEHOLDER = "placeholder"
    NOT_ACTIVE = "not_active"
    CLUSTER_SERVICE = "cluster_service"
    STATIC = "static"
    LEFT_OUT = "left_out"


class Excluded(msgspec.Struct, frozen=True):
    """A machine that was left out, and why."""

    name: str
    reason: ExclusionReason


class Note(msgspec.Struct, frozen=True):
    """What a reader took for granted: a sentence of the catalogue (``capacity.notes.CODE``)."""

    code: str
    values: Told = {}

    def told(self, language: Language) -> str:
        """Write the sentence."""
        return sentence(language, f"capacity.notes.{self.code}", **self.values)


class RowPlace(msgspec.Struct, frozen=True):
    """Where something was written, counted from 1."""

    file: str
    row: int = 1
    sheet: str = ""

    def __str__(self) -> str:
        return f"{self.file}{'#' if self.sheet else ''}{self.sheet}:{self.row}"


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A mistake in one row.

    Attributes:
        column: Its heading; empty when the row as a whole is wrong.
        position: Its place in the row, counted from 1.
        value: What is written there, shortened.
        code: Of the error whose sentences tell it.
        told: What else the sentences say.
        name: The machine of the row, when it has one.
    """

    place: RowPlace
    code: str
    column: str = ""
    position: int = 1
    value: str = ""
    told: Told = {}
    name: str = ""

    def finding(self) -> Finding:
        """Tell it as the mistakes of a declared file are told."""
        file = f"{self.place.file}#{self.place.sheet}" if self.place.sheet else self.place.file
        values = {"column": self.column, "value": self.value[:_TOLD_LENGTH], **self.told}
        path = tuple(part for part in (self.name, self.column) if part)
        return Finding(self.code, file, self.place.row, self.position, path, values)


class ReadInventory(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds.

    Attributes:
        sites: Those that it names apart from those of its hosts.
        buys: Models that the file offers rather than has.
        policy: What the file says of it; absent: nothing.
        allotted_milli: The processors that a workload is given, where it counts for less.
        places: Where each workload was written.
        host_places: Where each host was written.
    """

    workloads: tuple[Workload, ...] = ()
    hosts: tuple[Host, ...] = ()
    models: Mapping[str, HostModel] = {}
    sites: tuple[str, ...] = ()
    buys: tuple[str, ...] = ()
    policy: Policy | None = None
    excluded: tuple[Excluded, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    notes: tuple[Note, ...] = ()
    allotted_milli: Mapping[str, int] = {}
    places: Mapping[str, RowPlace] = {}
    host_places: Mapping[str, RowPlace] = {}


class InventoryInvalidError(InvalidInputError):
    """Files of an inventory have mistakes; ``found`` holds them all, sorted by place."""

    def __init__(self, found: tuple[Finding, ...]) -> None:
        super().__init__("capacity.inventory_invalid", count=len(found))
        self.found = found

    def findings(self, language: Language) -> tuple[dict[str, Any], ...]:
        """List each mistake with its place, its sentence and its remedy."""
        return tuple(finding.as_json(language) for finding in self.found)

    def told(self, language: Language) -> str:
        """Write every mistake with its place and its remedy."""
        return "\n".join(finding.told(language) for finding in self.found)


class WrongValueError(ValueError):
    """A value that a reader cannot use; told with the place that the reader knows."""

    def __init__(self, code: str, told: Told) -> None:
        super().__init__(code)
        self.code = code
        self.told = told


def wrong(code: str, **told: str | float) -> WrongValueError:
    """Say what is wrong with a value, beside the value itself and its column."""
    return WrongValueError(code, told)


class WrongFileError(ValueError):
    """A file that a reader cannot make anything of."""

    def __init__(self, rejected: RejectedRow) -> None:
        super().__init__(rejected.code)
        self.rejected = rejected
