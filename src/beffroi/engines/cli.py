"""Commands on engines: parse, call one verb, show."""

from typing import Annotated

import typer

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
