"""Commands on declarations and flows: parse, call one verb, show."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

import typer

from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.flows.api import FlowAnswer, RefusedAnswer, SentAgain
from beffroi.exchange.flows.model import ChangeKind, DeclarationChange
from beffroi.exchange.flows.planning import planned_flows
from beffroi.exchange.loading import load_declarations
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.units import told_duration

_API: Final = "/api/exchange"
_SIGNS: Final = {ChangeKind.ADDED: "+", ChangeKind.CHANGED: "~", ChangeKind.ENDED: "-"}
_Organisation = Annotated[
    str, typer.Option("--organisation", help="Whose, where it is not your own.")
]
_Name = Annotated[str, typer.Argument(help="Key of the flow.")]


def apply(
    file: Annotated[Path, typer.Argument(help="The file that declares flows.", exists=True)],
    organisation: _Organisation = "",
    *,
    dry: Annotated[bool, typer.Option("--diff", help="Show the changes; make none.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Have the platform run what a file declares; show what that adds, changes and ends."""
    declared = load_declarations(file)
    companions = {name for one in planned_flows(declared) for name in one.companions}
    companions |= {str(one.schema) for one in declared.models.values() if one.schema}
    given = GivenDeclarations(
        source=file.name,
        declared=declared,
        files={name: (file.parent / name).read_bytes() for name in sorted(companions)},
        organisation=organisation,
    )
    path = f"{_API}/declarations/difference" if dry else f"{_API}/declarations"
    changes = platform().ask("POST", path, list[DeclarationChange], given)
    if as_json:
        show_json(changes)
        return
    for line in _lines(changes):
        typer.echo(line)


def flows(
    name: Annotated[str, typer.Argument(help="Only this flow, with what it refused.")] = "",
    organisation: _Organisation = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """List flows: how much they carry, how late they are, what failed."""
    if name:
        path = _path(name, "", organisation)
        found = [platform().ask("GET", path, FlowAnswer)]
        refused = platform().ask("GET", _path(name, "/refused", organisation), list[RefusedAnswer])
    else:
        found, refused = platform().ask("GET", f"{_API}/flows", list[FlowAnswer]), []
    if as_json:
        show_json({"flow": found[0], "refused": refused} if name else found)
        return
    language = told_language()
    columns = ("name", "direction", "kind", "health", "carried", "refused", "lag", "error")
    titles = [sentence(language, f"exchange.flows.{one}") for one in columns]
    show_table(titles, [_row(one) for one in found])
    if name and (error := found[0].last_error) is not None and _is_told(found[0]):
        typer.echo(f"→ {error.remedy}")
    for item in refused:
        typer.echo(f"{item.at:%Y-%m-%d %H:%M:%S} UTC  {item.told}\n    {item.problem.message}")
        typer.echo(f"    → {item.problem.remedy}")


def pause(name: _Name, organisation: _Organisation = "") -> None:
    """Let a flow rest; where it came to is kept."""
    platform().ask("POST", _path(name, "/pause", organisation), type(None))
    _tell("paused", name)


def resume(name: _Name, organisation: _Organisation = "") -> None:
    """Let a flow go on from where it came to."""
    platform().ask("POST", _path(name, "/resume", organisation), type(None))
    _tell("resumed", name)


def remove(name: _Name, organisation: _Organisation = "") -> None:
    """End a flow with what is known of it."""
    platform().ask("DELETE", _path(name, "", organisation), type(None))
    _tell("removed", name)


def replay(
    name: _Name,
    since: Annotated[
        str, typer.Option("--since", help="A moment: 2026-11-22T08:00Z; what came after goes.")
    ] = "",
    organisation: _Organisation = "",
) -> None:
    """Send a flow's dead letters again, or all that the log has since a moment."""
    if since:
        body = {"since": _moment(since)}
        platform().ask("POST", _path(name, "/replay", organisation), type(None), body)
        _tell("replayed", name)
        return
    sent = platform().ask("POST", _path(name, "/send-again", organisation), SentAgain)
    typer.echo(sentence(told_language(), "exchange.flows.sent_again", count=sent.count))


def secret(
    name: Annotated[str, typer.Argument(help="As declarations name it.")],
    organisation: _Organisation = "",
) -> None:
    """Set a secret of flows to what standard input gives; flows that name it begin anew."""
    value = sys.stdin.read() if not sys.stdin.isatty() else typer.prompt(name, hide_input=True)
    body = {"value": value.rstrip("\n"), "organisation": organisation}
    platform().ask("PUT", f"{_API}/secrets/{quote(name, safe='')}", type(None), body)
    _tell("secret_set", name)


COMMANDS: Final[Mapping[str, Any]] = {
    "apply": apply,
    "flows": flows,
    "pause": pause,
    "resume": resume,
    "remove": remove,
    "replay": replay,
    "secret": secret,
}


def _tell(outcome: str, name: str) -> None:
    typer.echo(sentence(told_language(), f"exchange.flows.{outcome}", name=name))


def _moment(told: str) -> datetime:
    try:
        at = datetime.fromisoformat(told)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise InvalidInputError("exchange.flow_since_wrong", found=told)
    return at


def _is_told(flow: FlowAnswer) -> bool:
    return flow.failing_since is not None or flow.refused > 0


def _path(name: str, verb: str, organisation: str) -> str:
    query = "?" + urlencode({"organisation": organisation}) if organisation else ""
    return f"{_API}/flows/{quote(name, safe='')}{verb}{query}"


def _lines(changes: Sequence[DeclarationChange]) -> list[str]:
    language = told_language()
    if not changes:
        return [sentence(language, "exchange.flows.unchanged")]
    return [
        f"{_SIGNS[one.kind]} {sentence(language, f'exchange.flows.nouns.{one.noun}')} {one.name}"
        + (f" ({', '.join(one.fields)})" if one.fields else "")
        for one in changes
    ]


def _row(flow: FlowAnswer) -> tuple[str, ...]:
    language = told_language()
    error = flow.last_error
    return (
        flow.name,
        sentence(language, f"exchange.flows.directions.{flow.direction}"),
        sentence(language, f"exchange.flows.kinds.{flow.kind}"),
        sentence(language, f"exchange.flows.states.{flow.health}"),
        str(flow.carried),
        str(flow.refused),
        "" if flow.lag_s is None else told_duration(flow.lag_s),
        error.message if error is not None and _is_told(flow) else "",
    )
