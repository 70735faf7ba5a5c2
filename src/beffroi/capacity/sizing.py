"""Sizes that usage supports: per workload with evidence, per hour of the week, and together."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.model import HOURS_OF_WEEK, Resource, Workload
from beffroi.capacity.sizing_advice import Advice, Coincidence, Evidence, Statistic, Verdict
from beffroi.capacity.sizing_series import Numbers, Usage, hours_of_week

# Thirty days on which there are samples, the first and the last perhaps not whole.
SHORTEST_WINDOW: Final = timedelta(days=29)
MOST_MISSING: Final = 0.1
FLOORS: Final = {Resource.CPU: 100, Resource.MEMORY: 512}
_MEMORY_MARGIN: Final = 1.2
_PERCENTILES: Final = {Statistic.P95: 95.0, Statistic.P99: 99.0, Statistic.MAXIMUM: 100.0}
_AT_LIMIT: Final = 0.95
_LEAST_STEP: Final = 0.5


def figure(values: Numbers, statistic: Statistic) -> float:
    """Return a statistic of known values, interpolated between samples; 0 of none."""
    return float(np.percentile(values, _PERCENTILES[statistic])) if len(values) else 0.0


def cpu_advice(usage: Usage, allotted_milli: int, statistic: Statistic = Statistic.P95) -> Advice:
    """Advise on CPU: the percentile of its usage, at most half less at a time.

    Nothing is advised above what is allotted: a workload that takes all it has shows no more.
    """
    evidence = _evidence(usage, statistic)
    thin = _thin(usage)
    if thin is None and evidence.value >= _AT_LIMIT * allotted_milli:
        thin = Verdict.AT_ITS_LIMIT
    return _advice(usage, Resource.CPU, allotted_milli, evidence, thin)


def memory_advice(usage: Usage, allotted_mib: int) -> Advice:
    """Advise on memory: the highest usage and a fifth more, at most half less at a time."""
    return _advice(
        usage, Resource.MEMORY, allotted_mib, _evidence(usage, Statistic.MAXIMUM), _thin(usage)
    )


def _evidence(usage: Usage, statistic: Statistic) -> Evidence:
    known = usage.known
    return Evidence(
        since=usage.since,
        until=usage.until,
        samples=len(known),
        expected=len(usage.values),
        statistic=statistic,
        value=int(np.ceil(figure(known, statistic))),
        set_aside=usage.set_aside,
    )


def _thin(usage: Usage) -> Verdict | None:
    """Say why the evidence is too thin, or nothing."""
    if usage.until - usage.since <= SHORTEST_WINDOW:
        return Verdict.WINDOW_SHORT
    if len(usage.known) < (1 - MOST_MISSING) * len(usage.values):
        return Verdict.SAMPLES_MISSING
    return None


def _advice(
    usage: Usage, resource: Resource, allotted: int, evidence: Evidence, thin: Verdict | None
) -> Advice:
    advised, verdict = (allotted, thin) if thin else _sized(resource, allotted, evidence.value)
    return Advice(
        workload=usage.workload,
        resource=resource,
        allotted=allotted,
        advised=advised,
        verdict=verdict,
        evidence=evidence,
    )


def _sized(resource: Resource, allotted: int, value: int) -> tuple[int, Verdict]:
    margin = _MEMORY_MARGIN if resource is Resource.MEMORY else 1.0
    wanted = int(np.ceil(value * margin))
    half = int(np.ceil(allotted * _LEAST_STEP))
    floor = min(FLOORS[resource], allotted)
    if wanted > allotted:
        return wanted, Verdict.RAISE
    if wanted == allotted:
        return allotted, Verdict.RIGHT
    if wanted >= max(half, floor):
        return wanted, Verdict.LOWER
    if half >= floor:
        return half, Verdict.LOWER_BY_HALF
    return (floor, Verdict.LOWER_TO_FLOOR) if floor < allotted else (allotted, Verdict.RIGHT)


def hour_profile(usage: Usage, statistic: Statistic = Statistic.P95) -> tuple[int, ...]:
    """Return the CPU of each hour of the week, Monday 0 h first, in thousandths of a core.

    Each is the percentile of all samples of that hour in local time, at least the floor; an hour
    without samples takes the highest of the others.

    Returns:
        168 values, or none when there is no sample at all.
    """
    known = ~np.isnan(usage.values)
    if not known.any():
        return ()
    hours, values = hours_of_week(usage)[known], usage.values[known]
    order = np.argsort(hours, kind="stable")
    bounds = np.searchsorted(hours[order], np.arange(HOURS_OF_WEEK + 1))
    parts = [values[order[begin:end]] for begin, end in pairwise(bounds)]
    found = [int(np.ceil(figure(part, statistic))) if len(part) else None for part in parts]
    highest = max(value for value in found if value is not None)
    floor = FLOORS[Resource.CPU]
    return tuple(max(floor, highest if value is None else value) for value in found)


def measured(workload: Workload, usage: Usage, statistic: Statistic = Statistic.P95) -> Workload:
    """Size the CPU of a workload by its usage per hour; thin evidence leaves it as it is."""
    if _thin(usage) is not None:
        return workload
    profile = hour_profile(usage, statistic)
    amounts = msgspec.structs.replace(workload.amounts, cpu_milli=max(profile))
    return msgspec.structs.replace(workload, amounts=amounts, cpu_by_hour=profile)


def coincidence(usages: Sequence[Usage]) -> Coincidence:
    """Compare adding peaks up with the peak of what is added up, at the longest of the steps.

    Args:
        usages: CPU of workloads, at least one with a sample; where one is not known, it counts
            as nothing.
    """
    step_s = max(usage.step_s for usage in usages)
    first = min(usage.first_s for usage in usages) // step_s
    end = max(-(-int(usage.until.timestamp()) // step_s) for usage in usages)
    total = np.zeros(end - first)
    for usage in usages:
        total += _on_grid(usage, step_s, first, end)
    known = [usage.known for usage in usages if len(usage.known)]
    held = sum(len(usage.known) * usage.step_s for usage in usages) // step_s
    return Coincidence(
        workloads=len(usages),
        mean_milli=round(float(total.mean())),
        sum_of_p95_milli=round(sum(figure(one, Statistic.P95) for one in known)),
        p95_of_sum_milli=round(figure(total, Statistic.P95)),
        sum_of_max_milli=round(sum(float(one.max()) for one in known)),
        max_of_sum_milli=round(float(total.max())),
        since=datetime.fromtimestamp(first * step_s, UTC),
        until=datetime.fromtimestamp(end * step_s, UTC),
        samples=len(total),
        missing=max(0, len(total) * len(usages) - held),
    )


def _on_grid(usage: Usage, step_s: int, first: int, end: int) -> Numbers:
    """Return a usage on the steps of a common grid, nothing where it is not known."""
    starts = (usage.first_s + usage.step_s * np.arange(len(usage.values))) // step_s - first
    known = ~np.isnan(usage.values)
    sums = np.bincount(starts[known], weights=usage.values[known], minlength=end - first)
    counts = np.bincount(starts[known], minlength=end - first)
    found: Numbers = sums / np.maximum(counts, 1)
    return found
