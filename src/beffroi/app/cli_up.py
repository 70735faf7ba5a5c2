"""The command that runs the platform."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from beffroi.app.running import running_platform, sign_in_link
from beffroi.app.settings import Settings, chosen_data_folder, loaded_settings
from beffroi.app.wiring import Platform
from beffroi.hosting.model import ApplicationState
from beffroi.hosting.service import HostedApplication
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.command_line import told_language
from beffroi.kernel.operations.model import OperationState
from beffroi.kernel.places import Places
from beffroi.kernel.rights.model import PLATFORM

_LOOK_PERIOD_S = 0.25
_STYLES = {
    ApplicationState.SERVING: "green",
    ApplicationState.FROZEN: "cyan",
    ApplicationState.ASLEEP: "blue",
    ApplicationState.STARTING: "yellow",
    ApplicationState.STOPPED: "dim",
    ApplicationState.FAILED: "red",
}


def up(
    file: Annotated[
        Path | None,
        typer.Argument(help="The territory file to apply first; absent: the one that holds."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder; absent: /var/lib/beffroi for root, else your own."),
    ] = None,
) -> None:
    """Run the platform here: engines, applications, console. Ctrl-C stops all of it."""
    folder = data or chosen_data_folder(os.environ)
    settings = loaded_settings(folder, os.environ)
    folder = Places.of(folder).data
    _log_to_file(folder, settings.log_level)
    with suppress(asyncio.CancelledError):
        asyncio.run(_run(folder, settings, file))


async def _run(folder: Path, settings: Settings, file: Path | None) -> None:
    language = told_language()
    console = Console(highlight=False, soft_wrap=True)
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    console.print(sentence(language, "app.up.starting", data=folder), markup=False)
    async with running_platform(folder, settings, os.environ, file) as platform:
        try:
            link = await sign_in_link(platform)
            address = platform.services.delivery.console_url()
            console.print(sentence(language, "app.up.console", address=address), markup=False)
            console.print(sentence(language, "app.up.link", link=link), markup=False)
            await _show_until_settled(platform, console, language)
            console.print(sentence(language, "app.up.ready"), markup=False)
            await asyncio.Event().wait()
        finally:
            console.print(sentence(language, "app.up.stopping"), markup=False)


async def _show_until_settled(platform: Platform, console: Console, language: Language) -> None:
    """Show the applications while they are built and started, then one line for each."""
    applications = await platform.services.hosting.applications(PLATFORM)
    with Live(console=console, transient=True, auto_refresh=console.is_terminal) as live:
        while True:
            steps = await _steps(platform)
            applications = await platform.services.hosting.applications(PLATFORM)
            live.update(_table(applications, steps, language))
            if not steps and all(_is_settled(one) for one in applications):
                break
            await asyncio.sleep(_LOOK_PERIOD_S)
    for one in applications:
        console.print(_line(one, language))


async def _steps(platform: Platform) -> dict[str, str]:
    found = await platform.services.operations.newest(PLATFORM)
    return {one.subject: one.step for one in found if one.state is OperationState.RUNNING}


def _is_settled(application: HostedApplication) -> bool:
    return application.state is not ApplicationState.STARTING


def _table(
    applications: Sequence[HostedApplication], steps: dict[str, str], language: Language
) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in applications:
        under_way = one.name in steps
        sign = Spinner("dots") if under_way else Text("●", _STYLES[one.state])
        table.add_row(sign, one.name, steps.get(one.name) or _state(one, language))
    return table


def _line(application: HostedApplication, language: Language) -> Text:
    style = _STYLES[application.state]
    line = Text.assemble(
        ("● ", style),
        f"{application.url}/  {application.name}  {application.organisation}  ",
        (_state(application, language), style),
    )
    if application.state is ApplicationState.FAILED and application.newest is not None:
        line.append(f"\n    {application.newest.reason}", "red")
    return line


def _state(application: HostedApplication, language: Language) -> str:
    return sentence(language, f"hosting.states.{application.state}")


def _log_to_file(folder: Path, level: str) -> None:
    path = folder / "logs" / "beffroi.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    for chatty in ("httpx", "httpcore", "psycopg.pool", "acme", "litestar"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
