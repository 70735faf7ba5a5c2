"""What a site gave and took over a period, and what it would have taken without the store; pure."""

import math
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final

import msgspec

from beffroi.delivery.results_usage import SlotFigures
from beffroi.delivery.visits import SLOT_S, VisitCounts
from beffroi.energy.model import (
    Estimate,
    Method,
    PowerModel,
    carbon_g,
    exactly,
)

PAGES_PER_UNIT: Final = 1000
# A server of one's own is loaded to 12-18 % (NRDC, "Data Center Efficiency Assessment", 2014):
# whoever fills it to 30 % needs few.
_HOST_LOAD: Final = 0.30
# What nginx takes over HTTPS: 50 us for a request, and 1 ns for each byte sent (the same page of
# 8 KB and of 46 KB, encryption included); only the proportion counts, the sum is measured.
_CPU_S_PER_REQUEST: Final = 50e-6
_CPU_S_PER_BYTE: Final = 1e-9
_TWO_SIDED_95: Final = 1.96


class Host(msgspec.Struct, frozen=True):
    """The machine that everything runs on.

    Attributes:
        cpus: Threads that are ours.
        grid: What a kWh emits, in grams of CO2 equivalent.
    """

    cpus: int
    memory_bytes: int
    power: PowerModel
    grid: Estimate


class Parts(msgspec.Struct, frozen=True):
    """What adds up: over slots, days and sites.

    Attributes:
        cpu_s: Taken for the site: its processes, and its part of nginx, filler and PostgreSQL.
        cpu_without_s: What it would have taken had each page been rendered.
        marginal_j: Energy that its CPU time added.
        marginal_without_j: The same for ``cpu_without_s``.
        idle_j: Its part, by memory, of what the machine takes at rest.
        embodied_g: Its part, by memory, of what making the machine emitted.
        rested_byte_s: Memory not held while it was stopped, by the time it was so.
    """

    counts: VisitCounts
    cpu_s: Estimate
    cpu_without_s: Estimate
    marginal_j: Estimate
    marginal_without_j: Estimate
    idle_j: Estimate
    embodied_g: Estimate
    memory_byte_s: float
    rested_byte_s: float

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(
            self.counts + other.counts,
            self.cpu_s + other.cpu_s,
            self.cpu_without_s + other.cpu_without_s,
            self.marginal_j + other.marginal_j,
            self.marginal_without_j + other.marginal_without_j,
            self.idle_j + other.idle_j,
            self.embodied_g + other.embodied_g,
            self.memory_byte_s + other.memory_byte_s,
            self.rested_byte_s + other.rested_byte_s,
        )


_NOTHING: Final = exactly(0.0, Method.COUNTED)
NO_PARTS: Final = Parts(
    VisitCounts(),
    _NOTHING,
    _NOTHING,
    _NOTHING,
    _NOTHING,
    _NOTHING,
    _NOTHING,
    0.0,
    0.0,
)


class Period(msgspec.Struct, frozen=True):
    """A time, its end not included."""

    since: datetime
    until: datetime

    @property
    def duration_s(self) -> float:
        """Return how long it is."""
        return (self.until - self.since).total_seconds()


class DayResults(msgspec.Struct, frozen=True):
    """One day (UTC) of a site."""

    day: date
    parts: Parts


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What is published, of a site or an organisation; each figure with its interval.

    Attributes:
        hit_ratio: Part of the pages that the store gave; nothing without a page.
        cpu_s_per_1000: CPU seconds for 1000 pages, and what they would be ``without``; nothing
            without a page.
        joules_per_1000: Energy that 1000 pages added, the machine at rest left out.
        idle_j_per_1000: The machine at rest, told apart.
        carbon_g_per_1000: Both, and the making of the machine: SCI 1.1, R = 1000 pages.
        machines_avoided: By CPU at a load of 30 %, or by memory: what there is more of counts.
    """

    counts: VisitCounts
    hit_ratio: float | None
    cpu_s_per_1000: Estimate | None
    cpu_s_per_1000_without: Estimate | None
    joules_per_1000: Estimate | None
    joules_per_1000_without: Estimate | None
    idle_j_per_1000: Estimate | None
    carbon_g_per_1000: Estimate | None
    carbon_g: Estimate
    machines_avoided: Estimate
    memory_spared_bytes: float


class SiteResults(msgspec.Struct, frozen=True, kw_only=True):
    """A site over a period, and day by day."""

    application: str
    organisation: str
    title: str
    host: str
    period: Period
    results: Results
    days: tuple[DayResults, ...]

    @property
    def parts(self) -> Parts:
        """Return the sum of the days."""
        return sum((one.parts for one in self.days), NO_PARTS)


class OrganisationResults(msgspec.Struct, frozen=True):
    """An organisation's sites together."""

    organisation: str
    period: Period
    results: Results
    sites: tuple[SiteResults, ...]


def day_results(slots: Sequence[SlotFigures], host: Host) -> tuple[DayResults, ...]:
    """Sum an application's slots by day; they come oldest first."""
    rendering = cpu_s_per_rendering(slots)
    resting_w = _resting_w(slots, host)
    resident = _mean_memory(slots)
    return tuple(
        DayResults(
            day,
            _with_renderings_spared(
                sum((_slot_parts(one, host, resting_w, resident) for one in of_day), NO_PARTS),
                rendering,
                host,
            ),
        )
        for day, of_day in groupby(slots, key=lambda one: one.slot.date())
    )


def results_of(parts: Parts, period: Period, host: Host) -> Results:
    """Tell what sums mean."""
    pages = parts.counts.pages
    carbon = carbon_g(parts.marginal_j + parts.idle_j, host.grid, parts.embodied_g)

    def per_1000(total: Estimate) -> Estimate | None:
        return total.scaled(PAGES_PER_UNIT / pages) if pages else None

    return Results(
        counts=parts.counts,
        hit_ratio=parts.counts.stored_pages / pages if pages else None,
        cpu_s_per_1000=per_1000(parts.cpu_s),
        cpu_s_per_1000_without=per_1000(parts.cpu_without_s),
        joules_per_1000=per_1000(parts.marginal_j),
        joules_per_1000_without=per_1000(parts.marginal_without_j),
        idle_j_per_1000=per_1000(parts.idle_j),
        carbon_g_per_1000=per_1000(carbon),
        carbon_g=carbon,
        machines_avoided=_machines_avoided(parts, period, host),
        memory_spared_bytes=parts.rested_byte_s / period.duration_s,
    )


def cpu_s_per_rendering(slots: Sequence[SlotFigures]) -> Estimate:
    """Estimate what an application takes to render one page, from its own slots.

    What it takes while nobody asks anything is no rendering's: it is measured in the slots
    without one and left out. The bounds are those of a ratio estimator at 95 %, slots being the
    sample (W. G. Cochran, Sampling Techniques, 1977, section 2.11).
    """
    quiet = [one for one in slots if not _renderings(one.counts) and one.running_s > 0]
    quiet_s = math.fsum(one.running_s for one in quiet)
    resting = math.fsum(one.cpu_s for one in quiet) / quiet_s if quiet_s else 0.0
    sample = [
        (max(0.0, one.cpu_s - resting * one.running_s), _renderings(one.counts))
        for one in slots
        if _renderings(one.counts) and one.running_s > 0
    ]
    count = sum(renderings for _, renderings in sample)
    if not count:
        return exactly(0.0, Method.NOTHING_RENDERED)
    ratio = math.fsum(cpu_s for cpu_s, _ in sample) / count
    error = _ratio_error(sample, ratio)
    return Estimate(ratio, max(0.0, ratio - error), ratio + error, Method.RENDERINGS)


def _ratio_error(sample: Sequence[tuple[float, int]], ratio: float) -> float:
    size = len(sample)
    if size < 2:
        return ratio
    squares = math.fsum((cpu_s - ratio * number) ** 2 for cpu_s, number in sample)
    spread = math.sqrt(size * squares / (size - 1))
    return _TWO_SIDED_95 * spread / sum(number for _, number in sample)


def _renderings(counts: VisitCounts) -> int:
    """Count the pages that an origin rendered; fills count where renderings are not logged."""
    return counts.passed_pages + max(counts.renderings, counts.fills)


def _slot_parts(one: SlotFigures, host: Host, resting_w: Estimate, resident: float) -> Parts:
    origin_share = _share(one.counts.fills + one.counts.passes, one.all_origin)
    filler_s = one.filler_cpu_s * origin_share
    others_s = one.nginx_cpu_s * _front_share(one) + one.postgresql_cpu_s * origin_share
    cpu_s = exactly(one.cpu_s + others_s + filler_s, Method.MEASURED)
    memory_share = _share(one.memory_byte_s, one.all_memory_byte_s)
    stopped_s = max(0.0, one.observed_s - one.running_s)
    return Parts(
        counts=one.counts,
        cpu_s=cpu_s,
        cpu_without_s=exactly(one.cpu_s + others_s, Method.MEASURED),
        marginal_j=_j_per_cpu_s(one, host, resting_w).times(cpu_s),
        marginal_without_j=_NOTHING,
        idle_j=resting_w.scaled(one.observed_s * memory_share),
        embodied_g=host.power.embodied_g(one.observed_s * memory_share),
        memory_byte_s=one.memory_byte_s,
        rested_byte_s=resident * stopped_s,
    )


def _with_renderings_spared(parts: Parts, rendering: Estimate, host: Host) -> Parts:
    """Add to a day what rendering each of its pages once would have taken.

    By day, not by slot: pages warmed up at night are given in the morning. Everything else is as
    it was: a second spared is worth what a second taken cost.
    """
    spared = parts.counts.pages - _renderings(parts.counts)
    rest_s = parts.cpu_without_s.value
    low, value, high = sorted(max(0.0, rest_s + spared * one) for one in _bounds(rendering))
    without = Estimate(value, low, high, rendering.method)
    taken_s = parts.cpu_s.value
    per_cpu_s = (
        parts.marginal_j.scaled(1 / taken_s) if taken_s else host.power.marginal_j_per_cpu_s()
    )
    return msgspec.structs.replace(
        parts, cpu_without_s=without, marginal_without_j=per_cpu_s.times(without)
    )


def _bounds(one: Estimate) -> tuple[float, float, float]:
    return one.low, one.value, one.high


def _front_share(one: SlotFigures) -> float:
    own = one.counts.requests * _CPU_S_PER_REQUEST + one.counts.bytes * _CPU_S_PER_BYTE
    return _share(own, one.all_requests * _CPU_S_PER_REQUEST + one.all_bytes * _CPU_S_PER_BYTE)


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0


def _j_per_cpu_s(one: SlotFigures, host: Host, resting_w: Estimate) -> Estimate:
    """Return what a CPU second added in a slot: all that was added, by all that was computed."""
    if one.host_cpu_s <= 0 or one.observed_s <= 0:
        return host.power.marginal_j_per_cpu_s()
    if one.host_joules > 0:
        added = max(0.0, one.host_joules - resting_w.value * one.observed_s)
        return exactly(added / one.host_cpu_s, Method.METERED)
    load = min(1.0, one.host_cpu_s / (host.cpus * one.observed_s))
    return host.power.marginal_w(load).scaled(one.observed_s / one.host_cpu_s)


def _resting_w(slots: Iterable[SlotFigures], host: Host) -> Estimate:
    """Return what the machine takes at rest: its quietest slot by the meter, else the model's."""
    metered = [
        one.host_joules / one.observed_s
        for one in slots
        if one.host_joules > 0 and one.observed_s >= SLOT_S / 2
    ]
    return exactly(min(metered), Method.METERED) if metered else host.power.idle_w()


def _mean_memory(slots: Sequence[SlotFigures]) -> float:
    running_s = math.fsum(one.running_s for one in slots)
    return math.fsum(one.memory_byte_s for one in slots) / running_s if running_s else 0.0


def _machines_avoided(parts: Parts, period: Period, host: Host) -> Estimate:
    capacity_s = period.duration_s * host.cpus * _HOST_LOAD
    memory = period.duration_s * host.memory_bytes
    now = max(parts.cpu_s.value / capacity_s, parts.memory_byte_s / memory)
    always = (parts.memory_byte_s + parts.rested_byte_s) / memory
    without = parts.cpu_without_s

    def avoided(cpu_s: float) -> float:
        return max(0.0, max(cpu_s / capacity_s, always) - now)

    return Estimate(
        avoided(without.value), avoided(without.low), avoided(without.high), without.method
    )
