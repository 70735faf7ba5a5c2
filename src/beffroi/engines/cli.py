"""Commands on engines: parse, call one verb, show."""

from typing import Annotated
from urllib.parse import quote

import typer

from beffroi.engines.log_readers import LogReader
from beffroi.engines.model import EngineStatus
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    follow_operation,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.operations.model import Operation
from beffroi.kernel.units import told_bytes

_COLUMNS = ("engine", "state", "version", "address", "memory")
_READER_COLUMNS = ("reader", "behind", "since", "holds")


def engines(*, as_json: JsonOption = False) -> None:
    """List the engines and how they are."""
    found = platform().ask("GET", "/api/engines", list[EngineStatus])
    if as_json:
        show_json(found)
        return
    language = told_language()
    show_table(
        [sentence(language, f"engines.columns.{title}") for title in _COLUMNS],
        [
            (
                one.name,
                sentence(language, f"engines.states.{one.state}"),
                one.version,
                one.address,
                told_bytes(one.memory_bytes),
            )
            for one in found
        ],
    )


def restart_engine(
    name: Annotated[str, typer.Argument(help="The engine.")], *, as_json: JsonOption = False
) -> None:
    """Restart an engine; applications keep running."""
    started = platform().ask("POST", f"/api/engines/{name}/restart", Operation)
    follow_operation(started, as_json=as_json)


def log_readers(*, as_json: JsonOption = False) -> None:
    """List who reads the log, what each has still to read, and who holds it."""
    found = _readers()
    if as_json:
        show_json(found)
        return
    language = told_language()
    show_table(
        [sentence(language, f"engines.columns.{title}") for title in _READER_COLUMNS],
        [
            (
                one.name,
                str(one.behind),
                f"{one.unread_since:%Y-%m-%d %H:%M}" if one.unread_since else "",
                sentence(language, "engines.log.holds") if one.holds else "",
            )
            for one in found
        ],
    )


def let_go_reader(
    name: Annotated[str, typer.Argument(help="The reader, as log-readers lists it.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Let go of a reader of the log that will not come back; it loses what it has not read."""
    if not yes:
        behind = next((one.behind for one in _readers() if one.name == name), 0)
        asked = sentence(told_language(), "engines.log.sure", reader=name, behind=behind)
        typer.confirm(asked, abort=True)
    path = f"/api/log-readers/{quote(name, safe='')}/let-go"
    follow_operation(platform().ask("POST", path, Operation), as_json=as_json)


def _readers() -> list[LogReader]:
    return platform().ask("GET", "/api/log-readers", list[LogReader])
