"""Results as people read them: rows with intervals and methods, and plots; pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from beffroi.delivery.results import PAGES_PER_UNIT, DayResults, Results, SiteResults
from beffroi.energy.model import Estimate
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import NO_FIGURE, told_day, told_figure, told_share
from beffroi.kernel.units import MIB

PLOT_LEFT, PLOT_WIDTH, PLOT_BOTTOM, PLOT_HEIGHT = 42, 586, 150, 135


class FigureRow(msgspec.Struct, frozen=True):
    """One figure, told."""

    name: str
    value: str
    interval: str
    method: str


class DayRow(msgspec.Struct, frozen=True):
    """One day, told."""

    day: str
    pages: str
    hit_ratio: str
    cpu: str
    cpu_without: str


class Series(msgspec.Struct, frozen=True):
    """The bars of one kind, as the path of a drawing."""

    kind: str
    path: str


class Plot(msgspec.Struct, frozen=True):
    """Bars by day; ``top`` is what the height means."""

    title: str
    legend: str
    top: str
    series: tuple[Series, ...]


class SiteRow(msgspec.Struct, frozen=True):
    """One site among others; an estimate is told with its interval.

    Attributes:
        with_share, without_share: CPU for 1000 pages, as part of the most of all sites.
    """

    application: str
    title: str
    host: str
    pages: str
    hit_ratio: str
    cpu: str
    cpu_without: str
    joules: str
    joules_without: str
    carbon: str
    machines: str
    with_share: float
    without_share: float


def summary_of(results: Results, language: Language) -> str:
    """Say in a sentence what storing pages spared."""
    with_store, without = results.cpu_s_per_1000, results.cpu_s_per_1000_without
    if with_store is None or without is None or results.hit_ratio is None:
        return _told("nothing_yet", language)
    pages = told_figure(results.counts.pages, language)
    if with_store.value <= 0 or without.value <= with_store.value:
        return _told("summary_even", language, pages=pages)
    return _told(
        "summary",
        language,
        pages=pages,
        ratio=told_figure(100 * results.hit_ratio, language),
        factor=told_figure(without.value / with_store.value, language),
    )


def figure_rows(results: Results, language: Language) -> list[FigureRow]:
    """Tell each figure with its interval and its method."""
    counts = results.counts
    counted = _told("method_counted", language)
    estimates: Mapping[str, Estimate | None] = {
        "cpu_with": results.cpu_s_per_1000,
        "cpu_without": results.cpu_s_per_1000_without,
        "joules_with": results.joules_per_1000,
        "joules_without": results.joules_per_1000_without,
        "idle": results.idle_j_per_1000,
        "carbon": results.carbon_g_per_1000,
        "carbon_total": results.carbon_g,
        "machines": results.machines_avoided,
    }
    hits = told_share(counts.stored_pages, counts.pages, language)
    spared = told_figure(results.memory_spared_bytes / MIB, language)
    return [
        FigureRow(_told("pages", language), told_figure(counts.pages, language), "", counted),
        FigureRow(_told("hit_ratio", language), hits, "", counted),
        *(_estimate_row(_told(key, language), one, language) for key, one in estimates.items()),
        FigureRow(_told("memory_spared", language), spared, "", _told("method_measured", language)),
    ]


def day_rows(days: Sequence[DayResults], language: Language) -> list[DayRow]:
    """Tell each day."""
    return [_day_row(one, language) for one in days]


def day_plots(days: Sequence[DayResults], language: Language) -> tuple[Plot, ...]:
    """Draw what the store gave and what was computed, by day."""
    hits = [_per_page(one.parts.counts.stored_pages, one) for one in days]
    with_store = [PAGES_PER_UNIT * _per_page(one.parts.cpu_s.value, one) for one in days]
    without = [PAGES_PER_UNIT * _per_page(one.parts.cpu_without_s.value, one) for one in days]
    top = max((*with_store, *without), default=0.0) or 1.0
    return (
        Plot(
            _told("plot_hits", language),
            _told("plot_hits_legend", language),
            told_share(1, 1, language),
            (Series("with", _bars(hits, 1.0, (0, 1))),),
        ),
        Plot(
            _told("plot_cpu", language),
            _told("plot_cpu_legend", language),
            told_figure(top, language),
            (
                Series("without", _bars(without, top, (0, 2))),
                Series("with", _bars(with_store, top, (1, 2))),
            ),
        ),
    )


def site_rows(sites: Sequence[SiteResults], language: Language) -> list[SiteRow]:
    """Tell sites side by side."""
    costs = [
        one.value
        for site in sites
        for one in (site.results.cpu_s_per_1000, site.results.cpu_s_per_1000_without)
        if one is not None
    ]
    most = max(costs, default=0.0) or 1.0
    return [_site_row(site, most, language) for site in sites]


def _site_row(site: SiteResults, most: float, language: Language) -> SiteRow:
    results, counts = site.results, site.results.counts
    cpu, without = results.cpu_s_per_1000, results.cpu_s_per_1000_without
    return SiteRow(
        application=site.application,
        title=site.title,
        host=site.host,
        pages=told_figure(counts.pages, language),
        hit_ratio=told_share(counts.stored_pages, counts.pages, language),
        cpu=_within(cpu, language),
        cpu_without=_within(without, language),
        joules=_within(results.joules_per_1000, language),
        joules_without=_within(results.joules_per_1000_without, language),
        carbon=_within(results.carbon_g_per_1000, language),
        machines=_within(results.machines_avoided, language),
        with_share=cpu.value / most if cpu else 0.0,
        without_share=without.value / most if without else 0.0,
    )


def _within(one: Estimate | None, language: Language) -> str:
    if one is None:
        return NO_FIGURE
    value, interval = told_figure(one.value, language), _interval(one, language)
    return f"{value} ({interval})" if interval else value


def _interval(one: Estimate, language: Language) -> str:
    if one.low == one.high:
        return ""
    return f"{told_figure(one.low, language)} {NO_FIGURE} {told_figure(one.high, language)}"


def _estimate_row(name: str, one: Estimate | None, language: Language) -> FigureRow:
    if one is None:
        return FigureRow(name, NO_FIGURE, "", "")
    method = _told(f"method_{one.method}", language)
    return FigureRow(name, told_figure(one.value, language), _interval(one, language), method)


def _day_row(one: DayResults, language: Language) -> DayRow:
    pages, day = one.parts.counts.pages, told_day(one.day)
    if not pages:
        return DayRow(day, "0", NO_FIGURE, NO_FIGURE, NO_FIGURE)
    return DayRow(
        day,
        told_figure(pages, language),
        told_share(one.parts.counts.stored_pages, pages, language),
        told_figure(one.parts.cpu_s.value * PAGES_PER_UNIT / pages, language),
        told_figure(one.parts.cpu_without_s.value * PAGES_PER_UNIT / pages, language),
    )


def _per_page(value: float, one: DayResults) -> float:
    return value / one.parts.counts.pages if one.parts.counts.pages else 0.0


def _bars(values: Iterable[float], top: float, lane: tuple[int, int]) -> str:
    """Draw a bar for each value; a lane is which of how many bars side by side."""
    drawn = list(values)
    step = PLOT_WIDTH / max(1, len(drawn))
    width = 0.8 * step / lane[1]
    return "".join(
        f"M{PLOT_LEFT + position * step + lane[0] * width:.1f} {PLOT_BOTTOM}"
        f"v{-PLOT_HEIGHT * min(1.0, value / top):.1f}h{width:.1f}V{PLOT_BOTTOM}z"
        for position, value in enumerate(drawn)
        if value > 0
    )


def _told(key: str, language: Language, **values: object) -> str:
    return sentence(language, f"delivery.results.{key}", **values)
