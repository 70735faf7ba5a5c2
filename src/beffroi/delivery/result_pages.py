"""The public page of a site's results, its figures as JSON, and its carbon.txt; pure but writing.

carbon.txt follows the syntax 0.5 of the Green Web Foundation (carbontxt.org).
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from beffroi.delivery.rendering import rendered
from beffroi.delivery.result_figures import (
    day_plots,
    day_rows,
    figure_rows,
    summary_of,
)
from beffroi.delivery.results import SiteResults
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_day

WELL_KNOWN: Final = "/.well-known/beffroi/results/"
_NAMES: Final = {Language.FR: "Français", Language.EN: "English"}
_PARAGRAPHS: Final = ("how_pages", "how_without", "how_energy", "how_carbon", "how_machines")


def render_results(results: SiteResults, language: Language) -> str:
    """Write a site's page: figures with intervals and methods, two plots, and their table."""

    def told(key: str, **values: object) -> str:
        return sentence(language, f"delivery.results.{key}", **values)

    other = next(one for one in Language if one is not language)
    days = results.days
    return rendered(
        "results.html.j2",
        language=language,
        other_language=other,
        other_name=_NAMES[other],
        other_page=f"index.{other}.html",
        t=told,
        day=told_day,
        results=results,
        period=results.period,
        summary=summary_of(results.results, language),
        rows=figure_rows(results.results, language),
        plots=day_plots(days, language),
        days=day_rows(days, language),
        first_day=told_day(days[0].day) if days else "",
        last_day=told_day(days[-1].day) if days else "",
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
