"""What the commands of every domain share: the platform they ask, how they show its answers."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.client import ApiClient
from beffroi.kernel.operations.model import Operation, OperationState

JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
_WIDTH_OF_FILES = 240
_connections: list[Callable[[], ApiClient]] = []


def set_connection(connect: Callable[[], ApiClient]) -> None:
    """Say how commands reach the platform; the application does it once."""
    _connections[:] = [connect]


def platform() -> ApiClient:
    """Return the platform that commands ask."""
    return _connections[0]()


def told_language() -> Language:
    """Return the language of the command line: ``BEFFROI_LANGUAGE``, else the locale's."""
    for name in ("BEFFROI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        wanted = os.environ.get(name, "")[:2].lower()
        if wanted in set(Language):
            return Language(wanted)
    return Language.EN


def show_json(value: object) -> None:
    """Print a value as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their titles."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    Console(highlight=False, width=width).print(table)


def follow_operation(operation: Operation, *, as_json: bool) -> None:
    """Show an operation until it ends; end the command with 1 when it failed."""
    language = told_language()
    if as_json:
        ended = platform().finish(operation, lambda _: None)
        show_json(ended)
    else:
        console = Console(highlight=False, soft_wrap=True)
        with console.status(operation.subject) as status:
            ended = platform().finish(operation, lambda now: _show_step(status, now))
        state = sentence(language, f"kernel.states.{ended.state}")
        console.print(f"{ended.subject}: {state}. {ended.outcome}", markup=False)
    if ended.state is not OperationState.SUCCEEDED:
        raise typer.Exit(1)


def _show_step(status: Status, operation: Operation) -> None:
    status.update(f"{operation.subject}: {operation.step}")
