"""The public page of a site, its figures for programs, and its carbon.txt."""

import json
import re
import tomllib
from html.parser import HTMLParser
from pathlib import Path

import pytest

from beffroi.delivery.result_pages import (
    carbon_txt,
    render_results,
    results_json,
    write_results,
)
from beffroi.delivery.results import NO_PARTS, SiteResults, day_results, results_of
from beffroi.delivery.results_usage import SlotFigures
from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_figure
from tests.unit.delivery.slot_figures import DAY, HOST, figures
from tests.unit.delivery.visit_lines import NOON

URL = "https://site.ville.localhost/"


def _results(slots: list[SlotFigures], title: str = "La ville") -> SiteResults:
    days = day_results(slots, HOST)
    parts = sum((one.parts for one in days), NO_PARTS)
    return SiteResults(
        application="site",
        organisation="ville",
        title=title,
        host="site.ville.localhost",
        period=DAY,
        results=results_of(parts, DAY, HOST),
        days=days,
    )


BUSY = _results([figures(288 * day, pages=1000, rendered=10, cpu_s=0.75) for day in range(31)])


class _Outline(HTMLParser):
    """Collects what a reader without eyes relies on."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.attributes if name == tag]


@pytest.mark.parametrize("language", Language)
def test_a_month_fits_in_20_kb(language: Language) -> None:
    assert len(render_results(BUSY, language).encode()) < 20_000


@pytest.mark.parametrize("language", Language)
def test_plots_have_a_name_and_a_table_that_says_the_same(language: Language) -> None:
    outline = _Outline(render_results(BUSY, language))
    ids = {found.get("id") for _, found in outline.attributes}
    plots = outline.of("svg")
    assert len(plots) == 2
    for plot in plots:
        assert plot["role"] == "img"
        assert {plot["aria-labelledby"], plot["aria-describedby"]} <= ids
    assert outline.tags.count("caption") == outline.tags.count("table") == 2
    assert all(header.get("scope") in {"row", "col"} for header in outline.of("th"))
    assert outline.of("html")[0]["lang"] == language
    assert outline.tags.count("h1") == 1
    assert outline.open == []


def test_the_page_loads_nothing_from_elsewhere() -> None:
    text = render_results(BUSY, Language.FR)
    assert not re.search(r"<script|<img|<link|src=|url\(|https?://", text)


def test_figures_come_with_interval_and_method() -> None:
    text = render_results(BUSY, Language.EN)
    assert "99\N{NO-BREAK SPACE}%" in text
    assert "from rendered pages" in text
    assert "published model" in text


def test_a_title_cannot_become_markup() -> None:
    text = render_results(_results([], "<script>alert(1)</script>"), Language.FR)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("language", Language)
def test_a_site_that_nobody_read_says_so_without_plots(language: Language) -> None:
    text = render_results(_results([]), language)
    assert "<svg" not in text
    assert "nothing" in text or "rien" in text


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0, "0", "0"),
        (0.0234567, "0,0235", "0.0235"),
        (75.12, "75,1", "75.1"),
        (100, "100", "100"),
        (12345.6, "12\N{NO-BREAK SPACE}300", "12,300"),
        (0.5, "0,5", "0.5"),
    ],
)
def test_a_figure_has_the_digits_that_count(value: float, french: str, english: str) -> None:
    assert told_figure(value, Language.FR) == french
    assert told_figure(value, Language.EN) == english


def test_programs_read_the_same_figures() -> None:
    told = json.loads(results_json(BUSY))
    assert told["counts"]["pages"] == 31_000
    assert told["cpu_s_per_1000"]["method"] == "measured"
    assert told["cpu_s_per_1000_without"]["low"] <= told["cpu_s_per_1000_without"]["value"]
    assert len(told["days"]) == 31


def test_carbon_txt_follows_its_syntax() -> None:
    told = tomllib.loads(carbon_txt(_results([], 'La "ville" \\ 1'), URL, NOON))
    assert told["version"] == "0.5"
    assert told["last_updated"] == NOON.date()
    first = told["org"]["disclosures"][0]
    assert first["doc_type"] == "web-page"
    assert first["domain"] == "site.ville.localhost"
    assert first["url"] == f"{URL}.well-known/beffroi/results/index.fr.html"
    assert 'La "ville" \\ 1' in first["title"]


def test_files_are_written_for_everyone_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "site.ville.localhost"
    write_results(folder, BUSY, URL, NOON)
    write_results(folder, BUSY, URL, NOON)
    names = sorted(entry.name for entry in folder.iterdir())
    assert names == ["carbon.txt", "index.en.html", "index.fr.html", "results.json"]
    assert {entry.stat().st_mode & 0o777 for entry in folder.iterdir()} == {0o644}
