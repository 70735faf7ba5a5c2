"""Commands on feeds and on what the exchange holds: parse, call one verb, show."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import structs
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from beffroi.exchange.feeds.declared import Feed, SourceKind
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.mistakes import FeedsInvalidError
from beffroi.exchange.feeds.pacing import Pace
from beffroi.exchange.feeds.sending import Tally
from beffroi.exchange.feeds.sending import send as send_feed
from beffroi.exchange.feeds.spool import Spool
from beffroi.exchange.feeds.trying import gather_all
from beffroi.exchange.flows.cli import COMMANDS as FLOW_COMMANDS
from beffroi.exchange.governance import cli as governance_cli
from beffroi.exchange.loading import load_declarations
from beffroi.exchange.model import Json
from beffroi.exchange.models.cli import COMMANDS as MODEL_COMMANDS
from beffroi.exchange.mqtt.cli import COMMANDS as MQTT_COMMANDS
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.uplinks.cli import try_message
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    told_language,
)

_FILE = Annotated[Path, typer.Argument(help="feeds.yaml, which declares feeds.", exists=True)]
_FEED = Annotated[str, typer.Option("--feed", help="Only this feed.")]

group = typer.Typer(
    name="exchange",
    help="The territory's facts: try feeds, send them, see what there is.",
    no_args_is_help=True,
)
for _name, _command in {**FLOW_COMMANDS, **MODEL_COMMANDS, **MQTT_COMMANDS}.items():
    group.command(_name)(_command)

group.command("register")(governance_cli.register)
group.add_typer(governance_cli.subject_group)


@group.command("try")
def try_feeds(
    file: _FILE,
    feed: _FEED = "",
    rows: Annotated[
        int, typer.Option("--rows", min=0, max=1000, help="How many entities to show per feed.")
    ] = 3,
    message: Annotated[
        Path | None,
        typer.Option("--message", help="A message of a device: show its entity.", exists=True),
    ] = None,
    uplink: Annotated[
        str, typer.Option("--uplink", help="Whose message it is, or the topic it was sent to.")
    ] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """Read the files of feeds, show their first entities and every mistake; change nothing."""
    if message is not None:
        try_message(file, message, uplink)
        return
    with _gathered(file, feed, shown_most=rows) as gathered:
        if as_json:
            show_json([_as_json(one) for one in gathered])
        else:
            for one in gathered:
                _show_tried(one)
            if not feed:
                _show_untried(file)
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
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="Replay: so many times as fast as it was.")
    ] = 0.0,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Replay: the first row's time becomes now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send the files of feeds, or the source of one; sent again, only news change anything."""
    with _gathered(file, feed, kinds=(SourceKind.FILE,)) as gathered:
        refused = sum(one.refused for one in gathered)
        found = [finding for one in gathered for finding in one.mistakes]
        if refused and not skip_bad:
            raise FeedsInvalidError(found, refused)
        for finding in found:
            typer.echo(finding.told(told_language()), err=True)
        begins = SystemClock().now() if from_now else None
        pace = Pace(speed or 1.0, begins) if speed or from_now else None
        tallies = _sent(gathered, pace)
    if as_json:
        show_json({name: structs.asdict(tally) for name, tally in tallies.items()})
    else:
        _show_sent(tallies)
    if any(tally.refused for tally in tallies.values()):
        raise typer.Exit(1)


@contextmanager
def _gathered(
    file: Path, name: str, shown_most: int = 0, kinds: Collection[SourceKind] = tuple(SourceKind)
) -> Iterator[list[Gathered]]:
    """Read the feeds of a file; what they hold is gone once this is left.

    Args:
        file: The file.
        name: Of one feed; nothing: of all whose sources are of these kinds.
        shown_most: How many entities to show of each.
        kinds: Of sources.
    """
    declared = load_declarations(file).feeds
    if name and name not in declared:
        raise InvalidInputError("exchange.feed_unknown", name=name, known=", ".join(declared))
    with ExitStack() as spools:
        gathered = [
            Gathered(one, spools.enter_context(Spool()), shown_most)
            for one in declared.values()
            if one.name == name or (not name and one.kind in kinds)
        ]
        gather_all(gathered, file.parent)
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


def _show_untried(file: Path) -> None:
    """Tell what a file declares well beside its feeds, and how that is tried."""
    declared = load_declarations(file)
    for section in ("uplinks", "brokers", "connectors", "register", "policies", "models"):
        if names := ", ".join(getattr(declared, section)):
            typer.echo(sentence(told_language(), f"exchange.feeds.untried.{section}", names=names))


def _shortened(value: Json) -> Json:
    """Shorten the coordinates of lines and areas, so that the rest of an entity is seen."""
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    nested = isinstance(value, list) and any(isinstance(one, list) for one in value)
    return excerpt(value) if nested else value


def _counts(feed: Feed, **counts: int) -> dict[str, object]:
    return {"feed": feed.name, "file": feed.place, **counts}


def _sent(gathered: list[Gathered], pace: Pace | None) -> dict[str, Tally]:
    asked = platform()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with bar:
        spools = {one.feed.name: one.spool for one in gathered}
        tasks = {name: bar.add_task(name, total=one.rows) for name, one in spools.items()}
        if pace is not None:
            return pace.send(spools, asked, lambda name, rows: bar.advance(tasks[name], rows))
        return {
            name: send_feed(spool, asked, partial(bar.advance, tasks[name]))
            for name, spool in spools.items()
        }


def _show_sent(tallies: Mapping[str, Tally]) -> None:
    language = told_language()
    for name, tally in tallies.items():
        for row in tally.refused:
            typer.echo(f"{name}:{row.line}  {row.id}: {row.why}")
        told = {
            "feed": name,
            "created": tally.created,
            "updated": tally.updated,
            "late": tally.late,
            "known": tally.known,
            "refused": len(tally.refused),
        }
        typer.echo(sentence(language, "exchange.feeds.sent", **told))
