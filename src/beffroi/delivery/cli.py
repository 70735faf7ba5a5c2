"""Commands on stored pages: parse, call one verb, show."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from beffroi.delivery.page_model import PurgeAnswer, PurgeKind, PurgeOrder, StoredPages
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.units import told_bytes

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


COMMANDS: Mapping[str, Callable[..., Any]] = {"pages": pages, "purge": purge}
