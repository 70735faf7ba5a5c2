"""The public page of a site's results, its figures as JSON, and its carbon.txt; pure but writing.

carbon.txt follows the syntax 0.5 of the Green Web Foundation (carbontxt.org).
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

import msgspec

from beffroi.delivery.energy import Estimate
from beffroi.delivery.rendering import rendered
from beffroi.delivery.results import PAGES_PER_UNIT, DayResults, Results, SiteResults
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.units import MIB

WELL_KNOWN: Final = "/.well-known/beffroi/results/"
_NAMES: Final = {Language.FR: "Français", Language.EN: "English"}
_PLOT_LEFT, _PLOT_WIDTH, _PLOT_BOTTOM, _PLOT_HEIGHT = 42, 586, 150, 135
_UNBREAKABLE: Final = "\N{NO-BREAK SPACE}"
_NONE: Final = "–"  # noqa: RUF001 - what a table shows where there is no figure
_PARAGRAPHS: Final = ("how_pages", "how_without", "how_energy", "how_carbon", "how_machines")
_Tell = Callable[[float], str]


class _Row(msgspec.Struct, frozen=True):
    name: str
    value: str
    interval: str
    method: str


class _Series(msgspec.Struct, frozen=True):
    kind: str
    path: str


class _Plot(msgspec.Struct, frozen=True):
    title: str
    legend: str
    top: str
    series: tuple[_Series, ...]


class _DayRow(msgspec.Struct, frozen=True):
    day: str
    pages: str
    hit_ratio: str
    cpu: str
    cpu_without: str


def render_results(results: SiteResults, language: Language) -> str:
    """Write a site's page: figures with intervals and methods, two plots, and their table."""

    def told(key: str, **values: object) -> str:
        return sentence(language, f"delivery.results.{key}", **values)

    def number(value: float) -> str:
        return told_figure(value, language)

    other = next(one for one in Language if one is not language)
    days = results.days
    return rendered(
        "results.html.j2",
        language=language,
        other_language=other,
        other_name=_NAMES[other],
        other_page=f"index.{other}.html",
        t=told,
        day=_told_day,
        results=results,
        period=results.period,
        summary=_summary(results.results, told, number),
        rows=_rows(results.results, told, number),
        plots=_plots(days, told, number),
        days=[_day_row(one, number) for one in days],
        first_day=_told_day(days[0].day) if days else "",
        last_day=_told_day(days[-1].day) if days else "",
        paragraphs=[told(key) for key in _PARAGRAPHS],
    )


def results_json(results: SiteResults) -> str:
    """Write every figure for programs; absent ones are null."""
    figures = msgspec.to_builtins(msgspec.structs.asdict(results.results))
    document = {
        "application": results.application,
        "host": results.host,
        "since": results.period.since.isoformat(),
        "until": results.period.until.isoformat(),
        **figures,
        "counts": msgspec.structs.asdict(results.results.counts),
        "days": [
            {
                "day": one.day.isoformat(),
                "pages": one.parts.counts.pages,
                "stored_pages": one.parts.counts.stored_pages,
                "cpu_s": msgspec.to_builtins(one.parts.cpu_s),
                "cpu_without_s": msgspec.to_builtins(one.parts.cpu_without_s),
            }
            for one in results.days
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def carbon_txt(results: SiteResults, site_url: str, now: datetime) -> str:
    """Write where the site's results are published."""
    pages = [
        {
            "url": f"{site_url.rstrip('/')}{WELL_KNOWN}index.{language}.html",
            "title": sentence(language, "delivery.results.title", site=results.title),
        }
        for language in Language
    ]
    return rendered(
        "results_carbon.toml.j2",
        updated=now.date().isoformat(),
        host=results.host,
        pages=pages,
        # A basic string of TOML takes the escapes of JSON.
        q=lambda text: json.dumps(text, ensure_ascii=False),
    )


def write_results(folder: Path, results: SiteResults, site_url: str, now: datetime) -> None:
    """Write a site's files, each in the place of the former one at once."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    texts = {
        **{f"index.{language}.html": render_results(results, language) for language in Language},
        "results.json": results_json(results),
        "carbon.txt": carbon_txt(results, site_url, now),
    }
    for name, text in texts.items():
        fresh = folder / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(0o644)
        fresh.replace(folder / name)


def told_figure(value: float, language: Language) -> str:
    """Write a figure with three digits that count, thousands apart."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    text = f"{round(value, digits):,.{max(0, digits)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if language is Language.FR:
        return text.replace(",", _UNBREAKABLE).replace(".", ",")
    return text


def _told_day(day: date) -> str:
    return day.isoformat()


def _summary(results: Results, told: Callable[..., str], number: _Tell) -> str:
    with_store, without = results.cpu_s_per_1000, results.cpu_s_per_1000_without
    if with_store is None or without is None or results.hit_ratio is None:
        return told("nothing_yet")
    if with_store.value <= 0 or without.value <= with_store.value:
        return told("summary_even", pages=number(results.counts.pages))
    return told(
        "summary",
        pages=number(results.counts.pages),
        ratio=number(100 * results.hit_ratio),
        factor=number(without.value / with_store.value),
    )


def _rows(results: Results, told: Callable[..., str], number: _Tell) -> list[_Row]:
    counts = results.counts
    hit = _NONE if results.hit_ratio is None else _percent(results.hit_ratio, number)
    counted = told("method_counted")
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
    spared = number(results.memory_spared_bytes / MIB)
    return [
        _Row(told("pages"), number(counts.pages), "", counted),
        _Row(told("hit_ratio"), hit, "", counted),
        *(_estimate_row(told(key), one, told, number) for key, one in estimates.items()),
        _Row(told("memory_spared"), spared, "", told("method_measured")),
    ]


def _estimate_row(name: str, one: Estimate | None, told: Callable[..., str], number: _Tell) -> _Row:
    if one is None:
        return _Row(name, _NONE, "", "")
    exact = one.low == one.high
    interval = "" if exact else f"{number(one.low)} {_NONE} {number(one.high)}"
    return _Row(name, number(one.value), interval, told(f"method_{one.method}"))


def _percent(ratio: float, number: _Tell) -> str:
    return f"{number(100 * ratio)}{_UNBREAKABLE}%"


def _day_row(one: DayResults, number: _Tell) -> _DayRow:
    pages = one.parts.counts.pages
    if not pages:
        return _DayRow(_told_day(one.day), "0", _NONE, _NONE, _NONE)
    return _DayRow(
        _told_day(one.day),
        number(pages),
        _percent(one.parts.counts.stored_pages / pages, number),
        number(one.parts.cpu_s.value * PAGES_PER_UNIT / pages),
        number(one.parts.cpu_without_s.value * PAGES_PER_UNIT / pages),
    )


def _plots(
    days: Sequence[DayResults], told: Callable[..., str], number: _Tell
) -> tuple[_Plot, ...]:
    hits = [_per_page(one.parts.counts.stored_pages, one) for one in days]
    with_store = [PAGES_PER_UNIT * _per_page(one.parts.cpu_s.value, one) for one in days]
    without = [PAGES_PER_UNIT * _per_page(one.parts.cpu_without_s.value, one) for one in days]
    top = max((*with_store, *without), default=0.0) or 1.0
    return (
        _Plot(
            told("plot_hits"),
            told("plot_hits_legend"),
            _percent(1, number),
            (_Series("with", _bars(hits, 1.0, (0, 1))),),
        ),
        _Plot(
            told("plot_cpu"),
            told("plot_cpu_legend"),
            number(top),
            (
                _Series("without", _bars(without, top, (0, 2))),
                _Series("with", _bars(with_store, top, (1, 2))),
            ),
        ),
    )


def _per_page(value: float, one: DayResults) -> float:
    return value / one.parts.counts.pages if one.parts.counts.pages else 0.0


def _bars(values: Iterable[float], top: float, lane: tuple[int, int]) -> str:
    """Draw a bar for each value; a lane is which of how many bars side by side."""
    drawn = list(values)
    step = _PLOT_WIDTH / max(1, len(drawn))
    width = 0.8 * step / lane[1]
    return "".join(
        f"M{_PLOT_LEFT + position * step + lane[0] * width:.1f} {_PLOT_BOTTOM}"
        f"v{-_PLOT_HEIGHT * min(1.0, value / top):.1f}h{width:.1f}V{_PLOT_BOTTOM}z"
        for position, value in enumerate(drawn)
        if value > 0
    )
