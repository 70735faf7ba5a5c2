"""Commands on stored pages: parse, call one verb, show."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from urllib.parse import unquote

import typer

from beffroi.delivery.page_model import PurgeAnswer, PurgeKind, PurgeOrder, StoredPages
from beffroi.delivery.weight_report import WeightReport
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.units import told_bytes

_HEAVIEST_COLUMNS = ("page", "bytes", "requests", "elements", "page_grade")
_CRITERIA_COLUMNS = ("criterion", "verdict", "evidence")
Application = Annotated[str, typer.Argument(help="The application, as in the territory file.")]


def pages(name: Application, *, as_json: JsonOption = False) -> None:
    """Tell how much of a site is stored, and its newest purges."""
    found = platform().ask("GET", f"/api/sites/{name}/pages", StoredPages)
    if as_json:
        show_json(found)
        return
    language = told_language()
    typer.echo(
        sentence(
            language,
            "delivery.cli.stored",
            pages=found.pages,
            size=told_bytes(found.size_bytes),
            room=told_bytes(found.room_bytes),
        )
    )
    titles = ("requested", "kind", "value", "pages", "actor")
    show_table(
        [sentence(language, f"delivery.columns.{title}") for title in titles],
        [
            (
                f"{one.requested_at:%Y-%m-%d %H:%M:%S}",
                sentence(language, f"delivery.purges.{one.kind}"),
                one.value,
                "" if one.pages is None else str(one.pages),
                one.actor,
            )
            for one in found.purges
        ],
    )


def purge(
    name: Application,
    *,
    url: Annotated[str, typer.Option(help="Address or path of one page.")] = "",
    prefix: Annotated[str, typer.Option(help="Path that the pages begin with.")] = "",
    tag: Annotated[str, typer.Option(help="Tag that the application gave the pages.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Forget stored pages: one page, a prefix, a tag; without an option all of the site."""
    given = [
        PurgeOrder(kind, value)
        for kind, value in (
            (PurgeKind.URL, url),
            (PurgeKind.PREFIX, prefix),
            (PurgeKind.TAG, tag),
        )
        if value
    ]
    orders = given or [PurgeOrder(PurgeKind.SITE)]
    answers = [
        platform().ask("POST", f"/api/sites/{name}/purge", PurgeAnswer, order) for order in orders
    ]
    if as_json:
        show_json(answers)
        return
    count = sum(answer.purged for answer in answers)
    typer.echo(sentence(told_language(), "delivery.cli.purged", pages=count))


def weight(name: Application, *, as_json: JsonOption = False) -> None:
    """Tell what the pages of a site weigh, as reported last, and its criteria of the RGESN."""
    report = platform().ask("GET", f"/api/sites/{name}/weight", WeightReport)
    if as_json:
        show_json(report)
        return
    _show_figures(report)
    language = told_language()
    show_table(
        [sentence(language, f"delivery.cli_weight.{key}") for key in _CRITERIA_COLUMNS],
        [
            (
                f"{one.number} {one.wording(language)}",
                sentence(language, f"delivery.weight_console.verdicts.{one.verdict}"),
                one.evidence(language),
            )
            for one in report.findings
        ],
    )


def _show_figures(report: WeightReport) -> None:
    language, figures = told_language(), report.figures
    told = {"application": report.application, "week": report.week}
    if figures is None:
        typer.echo(sentence(language, "delivery.cli_weight.no_page", **told))
        return
    told |= {"grade": figures.grade, "score": figures.score, "pages": figures.pages}
    typer.echo(sentence(language, "delivery.cli_weight.grade", **told))
    typer.echo(
        sentence(
            language,
            "delivery.cli_weight.medians",
            size=told_bytes(figures.median_bytes),
            requests=figures.median_requests,
            elements=figures.median_elements,
        )
    )
    show_table(
        [sentence(language, f"delivery.cli_weight.{key}") for key in _HEAVIEST_COLUMNS],
        [
            (
                unquote(one.address),
                told_bytes(one.bytes),
                str(one.requests),
                str(one.elements),
                one.grade,
            )
            for one in figures.heaviest
        ],
    )


COMMANDS: Mapping[str, Callable[..., Any]] = {"pages": pages, "purge": purge, "weight": weight}
