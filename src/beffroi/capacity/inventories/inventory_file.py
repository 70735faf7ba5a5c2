"""The user's one file: plan.yaml with all that it imports, or any file that can be imported."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET

from beffroi.capacity.inventories.assembling import (
    counted,
    imported_mistakes,
    inventory_of,
    joined,
    sited,
)
from beffroi.capacity.inventories.declared import declared_inventory, ruled
from beffroi.capacity.inventories.declared_savings import asked_savings
from beffroi.capacity.inventories.findings import (
    InventoryInvalidError,
    ReadInventory,
    RejectedRow,
    RowPlace,
)
from beffroi.capacity.inventories.kinds import FileKind, Import
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.inventories.measuring import measured_inventory
from beffroi.capacity.inventories.plan_file import SECTIONS, PlanFile
from beffroi.capacity.inventories.plan_file_rules import Known, plan_file_mistakes
from beffroi.capacity.inventories.reading import is_declared, read_import
from beffroi.capacity.model import Workload
from beffroi.territory.declared_file import load_declared
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, Mistake, in_order


def load_inventory(asked: Sequence[Import], folder: Path) -> LoadedInventory:
    """Read plan.yaml, or files of other kinds together under the usual policy.

    Args:
        asked: The files, relative to ``folder``, at least one; what else they say is for files
            without plan.yaml.
        folder: Where the person who asks is.

    Raises:
        InventoryInvalidError: Files have mistakes, all of them told at once.
    """
    declared = [one for one in asked if _is_plan_file(one, folder)]
    if declared and len(asked) > 1:
        place = RowPlace(declared[0].file)
        _refuse((RejectedRow(place=place, code="capacity.plan_file_not_alone"),))
    if declared:
        return _declared(folder / declared[0].file)
    read = sited(joined([read_import(one, folder) for one in asked]), {})
    _refuse(read.rejected or tuple(_mistakes(read)))
    return _loaded(read, tuple(one.file for one in asked))


def load_newcomers(asked: Sequence[Import], folder: Path) -> LoadedInventory:
    """Read as ``load_inventory`` does, but of files without plan.yaml the workloads alone.

    An ordinary export names hosts and sites that no file given with it holds: those of another
    platform, which its workloads leave.

    Raises:
        InventoryInvalidError: Files have mistakes, all of them told at once.
    """
    if any(_is_plan_file(one, folder) for one in asked):
        return load_inventory(asked, folder)
    read = joined([read_import(one, folder) for one in asked])
    _refuse(read.rejected)
    workloads = tuple(msgspec.structs.replace(one, host="", fixed=False) for one in read.workloads)
    theirs = ReadInventory(workloads=workloads, excluded=read.excluded, notes=read.notes)
    return _loaded(theirs, tuple(one.file for one in asked))


def _is_plan_file(asked: Import, folder: Path) -> bool:
    return asked.kind is FileKind.DETECTED and is_declared(folder / asked.file)


def _declared(file: Path) -> LoadedInventory:
    importing = _Importing(file.parent)
    try:
        plan = load_declared(file, PlanFile, SECTIONS, importing.mistakes)
    except TerritoryInvalidError as error:
        raise InventoryInvalidError(in_order([*error.found, *importing.found])) from error
    if importing.found:
        raise InventoryInvalidError(in_order(importing.found))
    whole = joined((declared_inventory(plan), importing.read))
    placed = sited(whole, {name: site.hosts for name, site in plan.sites.items()})
    read = msgspec.structs.replace(placed, workloads=ruled(plan, placed.workloads))
    origin = (file.name, *(one.file for one in plan.imports))
    savings = None if plan.savings is UNSET else asked_savings(plan.savings)
    if plan.usage is UNSET:
        return msgspec.structs.replace(_loaded(read, origin), savings=savings)
    sized = measured_inventory(read, plan.usage, file.parent)
    _refuse(sized.rejected)
    loaded = _loaded(
        msgspec.structs.replace(read, workloads=sized.workloads), origin + plan.usage.files
    )
    return msgspec.structs.replace(
        loaded,
        savings=savings,
        allotted=_allotted(counted(read).workloads, loaded.inventory.workloads),
        notes=loaded.notes + sized.notes,
        advice=sized.advice,
        coincidence=sized.coincidence,
    )


def _allotted(before: Sequence[Workload], after: Sequence[Workload]) -> tuple[Workload, ...]:
    return tuple(one for one, sized in zip(before, after, strict=True) if one != sized)


def _refuse(rejected: tuple[RejectedRow, ...]) -> None:
    if rejected:
        raise InventoryInvalidError(in_order([row.finding() for row in rejected]))


class _Importing:
    """Reads what plan.yaml imports once its shape is right; ``found`` gathers refused rows."""

    def __init__(self, folder: Path) -> None:
        self.read = ReadInventory()
        self.found: list[Finding] = []
        self._folder = folder

    def mistakes(self, plan: PlanFile) -> Iterator[Mistake]:
        """Say what is wrong in plan.yaml; what is wrong in other files goes to ``found``."""
        read = joined([read_import(one, self._folder) for one in plan.imports])
        sites = {name: site.hosts for name, site in plan.sites.items()}
        others = {host.site for host in plan.hosts.values()} - {""}
        self.read = sited(read, sites, sorted(others))
        self._tell(self.read.rejected)
        if self.found:
            yield from plan_file_mistakes(Known(plan, None))
            return
        known = Known(plan, self.read)
        self._tell(imported_mistakes(self.read, known.sites, known.hosts, known.models))
        yield from plan_file_mistakes(known)

    def _tell(self, rows: Iterator[RejectedRow] | tuple[RejectedRow, ...]) -> None:
        self.found.extend(row.finding() for row in rows)


def _mistakes(read: ReadInventory) -> Iterator[RejectedRow]:
    """Compare files with one another."""
    hosts = {host.name for host in read.hosts}
    return imported_mistakes(read, read.sites, hosts, read.models)


def _loaded(read: ReadInventory, origin: tuple[str, ...]) -> LoadedInventory:
    if not (read.workloads or read.hosts):
        place = RowPlace(origin[0])
        _refuse((RejectedRow(place=place, code="capacity.inventory_empty"),))
    whole = counted(read)
    return LoadedInventory(
        inventory=inventory_of(whole, origin), excluded=whole.excluded, notes=whole.notes
    )
