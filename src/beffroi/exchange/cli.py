"""Commands on feeds and on what the exchange holds: parse, call one verb, show."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from msgspec import Struct, structs
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.loading import load_feeds
from beffroi.exchange.feeds.mistakes import FeedsInvalidError
from beffroi.exchange.feeds.sending import Tally
from beffroi.exchange.feeds.sending import send as send_feed
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.model import Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)

_FILE = Annotated[Path, typer.Argument(help="feeds.yaml, which declares feeds.", exists=True)]
_FEED = Annotated[str, typer.Option("--feed", help="Only this feed.")]
_DOOR: Final = "/ngsi-ld/v1"
_SORTED_MOST: Final = 50_000
"""What the door sorts at most."""

group = typer.Typer(
    name="exchange",
    help="The territory's facts: try feeds, send them, see what there is.",
    no_args_is_help=True,
)


class TypeHeld(Struct, frozen=True):
    """A type of entities that the platform holds.

    Attributes:
        modified_at: When one of them last changed; nothing where they are too many to be sorted.
    """

    name: str
    entities: int
    attributes: tuple[str, ...]
    modified_at: datetime | None


@group.command("try")
def try_feeds(
    file: _FILE,
    feed: _FEED = "",
    rows: Annotated[
        int, typer.Option("--rows", min=0, max=1000, help="How many entities to show per feed.")
    ] = 3,
    *,
    as_json: JsonOption = False,
) -> None:
    """Read the files of feeds, show their first entities and every mistake; change nothing."""
    with _gathered(file, feed, shown_most=rows) as gathered:
        if as_json:
            show_json([_as_json(one) for one in gathered])
        else:
            for one in gathered:
                _show_tried(one)
        if any(one.refused for one in gathered):
            raise typer.Exit(1)


@group.command("send")
def send(
    file: _FILE,
    feed: _FEED = "",
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Send the good rows though others are wrong.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send feeds to the platform; sent again, only what is new changes anything."""
    with _gathered(file, feed) as gathered:
        refused = sum(one.refused for one in gathered)
        found = [finding for one in gathered for finding in one.mistakes]
        if refused and not skip_bad:
            raise FeedsInvalidError(found, refused)
        for finding in found:
            typer.echo(finding.told(told_language()), err=True)
        tallies = _sent(gathered)
    if as_json:
        show_json({name: structs.asdict(tally) for name, tally in tallies.items()})
    else:
        _show_sent(tallies)
    if any(tally.refused for tally in tallies.values()):
        raise typer.Exit(1)


@group.command("types")
def types(*, as_json: JsonOption = False) -> None:
    """List the types of entities there are, how many of each, and when one last changed."""
    listed = platform().ask("GET", f"{_DOOR}/types?details=true", list[dict[str, Any]])
    held = [_held(one) for one in listed]
    if as_json:
        show_json(held)
        return
    language = told_language()
    titles = [
        sentence(language, f"exchange.types.{name}")
        for name in ("type", "entities", "attributes", "modified_at")
    ]
    show_table(
        titles,
        [
            (one.name, str(one.entities), ", ".join(one.attributes), _told_instant(one.modified_at))
            for one in held
        ],
    )


@contextmanager
def _gathered(file: Path, name: str, shown_most: int = 0) -> Iterator[list[Gathered]]:
    """Read the feeds of a file; what they hold is gone once this is left."""
    declared = load_feeds(file).feeds
    if name and name not in declared:
        raise InvalidInputError("exchange.feed_unknown", name=name, known=", ".join(declared))
    with ExitStack() as spools:
        gathered = [
            Gathered(one, spools.enter_context(Spool()))
            for one in declared.values()
            if name in ("", one.name)
        ]
        for one in gathered:
            one.gather(file.parent, shown_most)
        yield gathered


def _as_json(gathered: Gathered) -> Mapping[str, Any]:
    return {
        "feed": gathered.feed.name,
        "rows": gathered.read,
        "refused": gathered.refused,
        "entities": gathered.shown,
        "mistakes": [one.as_json(told_language()) for one in gathered.mistakes],
    }


def _show_tried(gathered: Gathered) -> None:
    language = told_language()
    for document in gathered.shown:
        show_json(_shortened(document))
    for finding in gathered.mistakes:
        typer.echo(finding.told(language))
    outcome = "tried_badly" if gathered.refused else "tried"
    told = _counts(gathered.feed, rows=gathered.read, refused=gathered.refused)
    typer.echo(sentence(language, f"exchange.feeds.{outcome}", **told))


def _shortened(value: Json) -> Json:
    """Shorten the coordinates of lines and areas, so that the rest of an entity is seen."""
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    return excerpt(value) if isinstance(value, list) else value


def _counts(feed: Feed, **counts: int) -> dict[str, object]:
    return {"feed": feed.name, "file": feed.file, **counts}


def _sent(gathered: list[Gathered]) -> dict[str, Tally]:
    asked = platform()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with bar:
        tallies = {}
        for one in gathered:
            task = bar.add_task(one.feed.name, total=one.spool.rows)
            advance = partial(bar.advance, task)
            tallies[one.feed.name] = send_feed(one.spool, asked, advance)
    return tallies


def _show_sent(tallies: Mapping[str, Tally]) -> None:
    language = told_language()
    for name, tally in tallies.items():
        for row in tally.refused:
            typer.echo(f"{name}:{row.line}  {row.id}: {row.why}")
        told = {
            "feed": name,
            "created": tally.created,
            "updated": tally.updated,
            "known": tally.known,
            "refused": len(tally.refused),
        }
        typer.echo(sentence(language, "exchange.feeds.sent", **told))


def _told_instant(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"


def _held(listed: Mapping[str, Any]) -> TypeHeld:
    name = quote(listed["typeName"], safe="")
    counted = platform().ask("GET", f"{_DOOR}/types/{name}", dict[str, Any])
    newest = f"{_DOOR}/entities?type={name}&limit=1&orderBy=modifiedAt;desc&options=sysAttrs"
    few = counted["entityCount"] <= _SORTED_MOST
    found = platform().ask("GET", newest, list[dict[str, Any]]) if few else []
    return TypeHeld(
        name=listed["typeName"],
        entities=counted["entityCount"],
        attributes=tuple(listed["attributeNames"]),
        modified_at=datetime.fromisoformat(found[0]["modifiedAt"]) if found else None,
    )
