"""Series of what workloads used, brought to one sample per step of time."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from beffroi.capacity.sizing_advice import Anomaly

LOCAL_ZONE: Final = ZoneInfo("Europe/Paris")
STEP_S: Final = 300
# Processors that run above their nominal clock show up to some 140 % of what is allotted.
_IMPOSSIBLE: Final = 1.5
_ROUNDING: Final = 1.001
_LATE: Final = 0.2
Numbers = NDArray[np.float64]
Instants = NDArray[np.int64]


class Measure(StrEnum):
    """What a series tells; a share is of what the workload is allotted."""

    CPU_MILLI = "cpu_milli"
    CPU_SHARE = "cpu_share"
    CPU_SECONDS = "cpu_seconds"
    MEMORY_MIB = "memory_mib"
    MEMORY_SHARE = "memory_share"

    @property
    def is_cpu(self) -> bool:
        """Whether it is about CPU rather than memory."""
        return self in {Measure.CPU_MILLI, Measure.CPU_SHARE, Measure.CPU_SECONDS}


class Samples(msgspec.Struct, frozen=True, eq=False):
    """What a file tells of one workload, as written.

    Attributes:
        instants_s: Seconds since 1970, in any order.
        values: In the unit of the measure; a counter of seconds for ``CPU_SECONDS``.
    """

    workload: str
    measure: Measure
    instants_s: Instants
    values: Numbers


class Usage(msgspec.Struct, frozen=True, eq=False):
    """What one workload used of one resource, at regular steps.

    Attributes:
        first_s: Begin of the first step, in seconds since 1970.
        step_s: Length of a step.
        values: Mean of each step, in the unit of the resource; not a number where none is known.
        set_aside: Samples that do not count, by reason.
    """

    workload: str
    first_s: int
    step_s: int
    values: Numbers
    set_aside: Mapping[Anomaly, int] = {}

    @property
    def known(self) -> Numbers:
        """The values that are known."""
        found: Numbers = self.values[~np.isnan(self.values)]
        return found

    @property
    def since(self) -> datetime:
        """Begin of the window."""
        return datetime.fromtimestamp(self.first_s, UTC)

    @property
    def until(self) -> datetime:
        """End of the window."""
        return self.since + timedelta(seconds=self.step_s * len(self.values))


def usage_of(samples: Samples, allotted: int, step_s: int = STEP_S) -> Usage:
    """Bring samples to regular steps and to the unit of their resource.

    Args:
        samples: As a file tells them.
        allotted: What the workload has, in the unit of the resource: what a share is a share of,
            and what it cannot exceed; 0: unknown.
        step_s: Shortest step; samples that are further apart make it several times as long.

    Returns:
        The usage. Samples below nothing or far above all that is allotted, repeated instants and
        counters that went back are set aside; those a little above are brought down to it; both
        are counted.
    """
    order = np.argsort(samples.instants_s, kind="stable")
    instants, values = samples.instants_s[order], samples.values[order]
    distinct = np.diff(instants, prepend=instants[:1] - 1) > 0
    repeated = int((~distinct).sum())
    instants, values = instants[distinct], values[distinct]
    step_s *= _steps_between(instants, step_s)
    resets = 0
    if samples.measure is Measure.CPU_SECONDS:
        instants, values, resets = _rates(instants, values)
    elif samples.measure in {Measure.CPU_SHARE, Measure.MEMORY_SHARE}:
        values = values * allotted
    most = float(allotted or np.inf)
    negative, above = values < 0, values > _IMPOSSIBLE * most
    capped = (values > most * _ROUNDING) & ~above
    values = np.minimum(np.where(negative | above, np.nan, values), most)
    first_s, means = _means_of_steps(instants, values, step_s)
    counted = {
        Anomaly.MISSING: int(np.isnan(means).sum()),
        Anomaly.NEGATIVE: int(negative.sum()),
        Anomaly.ABOVE_ALL: int(above.sum()),
        Anomaly.CAPPED: int(capped.sum()),
        Anomaly.RESET: resets,
        Anomaly.REPEATED: repeated,
    }
    told = {reason: count for reason, count in counted.items() if count}
    return Usage(samples.workload, first_s, step_s, means, told)


def _steps_between(instants: Instants, step_s: int) -> int:
    """Return how many steps samples are usually apart, a fifth of one counting as late."""
    usual_s = float(np.median(np.diff(instants))) if len(instants) > 1 else 0.0
    return max(1, int(np.ceil(usual_s / step_s - _LATE)))


def _rates(instants: Instants, counter_s: Numbers) -> tuple[Instants, Numbers, int]:
    """Return thousandths of a core between readings of a counter, each at its begin."""
    known = ~np.isnan(counter_s)
    instants, counter_s = instants[known], counter_s[known]
    used = np.diff(counter_s)
    went_back = used < 0
    rates = np.where(went_back, np.nan, used * 1000 / np.maximum(np.diff(instants), 1))
    return instants[:-1], rates, int(went_back.sum())


def _means_of_steps(instants: Instants, values: Numbers, step_s: int) -> tuple[int, Numbers]:
    known = ~np.isnan(values)
    if not len(instants):
        return 0, np.empty(0)
    # Rounded from the first sample on: a collector that is a little late leaves no gap.
    cells = np.rint((instants - instants[0]) / step_s).astype(np.int64)
    first, count = int(instants[0]) // step_s, int(cells[-1]) + 1
    cells = cells[known]
    sums = np.bincount(cells, weights=values[known], minlength=count)
    counts = np.bincount(cells, minlength=count)
    means = np.full(count, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return first * step_s, means


def within(usage: Usage, since: date | None, until: date | None) -> Usage:
    """Return the part of a usage between two days, both included, local time."""
    starts = usage.first_s + usage.step_s * np.arange(len(usage.values))
    kept = np.ones(len(starts), dtype=bool)
    if since is not None:
        kept &= starts >= _midnight_s(since)
    if until is not None:
        kept &= starts < _midnight_s(until + timedelta(days=1))
    if kept.all():
        return usage
    values = usage.values[kept]
    first_s = int(starts[kept][0]) if len(values) else usage.first_s
    others: dict[Anomaly, int] = {}
    others |= {key: n for key, n in usage.set_aside.items() if key is not Anomaly.MISSING}
    missing = int(np.isnan(values).sum())
    if missing:
        others[Anomaly.MISSING] = missing
    return msgspec.structs.replace(usage, first_s=first_s, values=values, set_aside=others)


def _midnight_s(day: date) -> int:
    return int(datetime.combine(day, time(), LOCAL_ZONE).timestamp())


def hours_of_week(usage: Usage) -> NDArray[np.int64]:
    """Return the hour of the week of each step in local time, Monday 0 h being 0.

    The hour that spring skips has no step; the one that autumn repeats has twice as many.
    """
    starts = usage.first_s + usage.step_s * np.arange(len(usage.values), dtype=np.int64)
    hours = starts // 3600
    distinct, place = np.unique(hours, return_inverse=True)
    offsets = [_offset_s(int(hour) * 3600) for hour in distinct]
    local = starts + np.array(offsets, dtype=np.int64)[place]
    thursday = 3 * 24
    found: NDArray[np.int64] = (local // 3600 + thursday) % 168
    return found


def _offset_s(instant_s: int) -> int:
    offset = datetime.fromtimestamp(instant_s, LOCAL_ZONE).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
