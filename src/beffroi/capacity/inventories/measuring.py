"""Usage series applied to an inventory: measured CPU, advice, and what goes unmeasured."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET

from beffroi.capacity.inventories.findings import Note, ReadInventory, RejectedRow
from beffroi.capacity.inventories.plan_file import CpuSizing, DeclaredUsage, MemorySizing
from beffroi.capacity.inventories.plan_file_rules import matching
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.model import Workload
from beffroi.capacity.sizing import coincidence, cpu_advice, measured, memory_advice
from beffroi.capacity.sizing_advice import Advice, Anomaly, Coincidence, Statistic
from beffroi.capacity.sizing_series import Samples, Usage, usage_of, within
from beffroi.capacity.sizing_series_files import by_workload, read_series


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Workloads as usage shows them."""

    workloads: tuple[Workload, ...]
    advice: tuple[Advice, ...] = ()
    coincidence: Coincidence | None = None
    notes: tuple[Note, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()


def measured_inventory(read: ReadInventory, declared: DeclaredUsage, folder: Path) -> Measured:
    """Size workloads by the series that a plan file names.

    Workloads without series, or with too few samples, stay as they are; both are told.
    """
    rules = UnitRules(declared.byte_units, declared.ghz_per_core)
    parts = [read_series(folder / file, rules) for file in declared.files]
    rejected = tuple(row for part in parts for row in part.rejected)
    series = by_workload([one for part in parts for one in part.samples])
    sizing = _Sizing(declared, read.allotted_milli)
    names = [workload.name for workload in read.workloads]
    databases = matching(declared.databases, names)
    workloads = tuple(
        sizing.sized(
            workload,
            series.get(workload.name, ()),
            Statistic.P99 if workload.name in databases else Statistic.P95,
        )
        for workload in read.workloads
    )
    notes = (
        *(note for part in parts for note in part.notes),
        *_strangers(names, series),
        *sizing.notes(),
    )
    return Measured(
        workloads=workloads,
        advice=tuple(sizing.advice),
        coincidence=coincidence(sizing.cpu) if sizing.cpu else None,
        notes=notes,
        rejected=rejected,
    )


def _strangers(names: Sequence[str], series: Mapping[str, object]) -> tuple[Note, ...]:
    """Tell who has no series, and which series are nobody's."""
    known = set(names)
    listed = (
        ("without_series", sorted(known - series.keys())),
        ("series_of_nobody", sorted(series.keys() - known)),
    )
    return tuple(
        Note(code, {"count": len(found), "names": _some(found)}) for code, found in listed if found
    )


def _some(names: Sequence[str], most: int = 10) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


class _Sizing:
    """Advice on one workload after the other."""

    def __init__(self, declared: DeclaredUsage, allotted_milli: Mapping[str, int]) -> None:
        self.advice: list[Advice] = []
        self.cpu: list[Usage] = []
        self._declared = declared
        self._allotted_milli = allotted_milli
        self._set_aside: dict[Anomaly, int] = {}

    def sized(
        self,
        workload: Workload,
        series: Sequence[Samples],
        statistic: Statistic,
    ) -> Workload:
        """Return a workload as its usage shows it."""
        for samples in series:
            if not len(samples.values):
                continue
            if samples.measure.is_cpu:
                workload = self._cpu(workload, samples, statistic)
            else:
                workload = self._memory(workload, samples)
        return workload

    def notes(self) -> tuple[Note, ...]:
        """Tell how many samples do not count as they are."""
        return tuple(
            Note(f"samples_{reason.value}", {"count": count})
            for reason, count in self._set_aside.items()
        )

    def _cpu(self, workload: Workload, samples: Samples, statistic: Statistic) -> Workload:
        allotted = self._allotted_milli.get(workload.name, workload.amounts.cpu_milli)
        usage = self._usage(samples, allotted)
        self.cpu.append(usage)
        self.advice.append(cpu_advice(usage, allotted, statistic))
        if self._declared.cpu is CpuSizing.ALLOTTED:
            return workload
        return measured(workload, usage, statistic)

    def _memory(self, workload: Workload, samples: Samples) -> Workload:
        allotted = workload.amounts.memory_mib
        advice = memory_advice(self._usage(samples, allotted), allotted)
        self.advice.append(advice)
        if self._declared.memory is MemorySizing.ALLOTTED:
            return workload
        amounts = msgspec.structs.replace(workload.amounts, memory_mib=advice.advised)
        return msgspec.structs.replace(workload, amounts=amounts)

    def _usage(self, samples: Samples, allotted: int) -> Usage:
        since, until = self._declared.since, self._declared.until
        usage = within(
            usage_of(samples, allotted),
            None if since is UNSET else since,
            None if until is UNSET else until,
        )
        for reason, count in usage.set_aside.items():
            self._set_aside[reason] = self._set_aside.get(reason, 0) + count
        return usage
