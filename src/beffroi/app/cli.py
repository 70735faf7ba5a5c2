"""The command line: one program, every verb of the console."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from beffroi import __version__
from beffroi.app import cli_platform, cli_quote, cli_up
from beffroi.app.cli_connection import told_language
from beffroi.capacity import cli as capacity_cli
from beffroi.capacity import cli_foresight, cli_rebalance
from beffroi.delivery import cli as delivery_cli
from beffroi.engines import cli as engines_cli
from beffroi.exchange import cli as exchange_cli
from beffroi.hosting import cli as hosting_cli
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.http.client import RefusedError
from beffroi.ledger import cli as ledger_cli
from beffroi.territory import cli as territory_cli

_PLATFORM = "The platform"
_TERRITORY = "The territory"
_APPLICATIONS = "Applications"
_PAGES = "Stored pages"
_CAPACITY = "Capacity"
_EXCHANGE = "Exchange"
_LEDGER = "Costs and statements"
_PEOPLE = "People and programs"

program = typer.Typer(
    name="beffroi",
    help="The shared digital platform of a territory: its applications, hosted by itself.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(*, asked: bool) -> None:
    if asked:
        typer.echo(f"beffroi {__version__}")
        raise typer.Exit


@program.callback()
def options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _show_version(asked=value),
            is_eager=True,
            help="Show the version and leave.",
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    del version


program.command("up", rich_help_panel=_PLATFORM)(cli_up.up)
program.command("doctor", rich_help_panel=_PLATFORM)(cli_platform.doctor)
program.command("engines", rich_help_panel=_PLATFORM)(engines_cli.engines)
program.command("restart-engine", rich_help_panel=_PLATFORM)(engines_cli.restart_engine)
program.command("log-readers", rich_help_panel=_PLATFORM)(engines_cli.log_readers)
program.command("let-go-reader", rich_help_panel=_PLATFORM)(engines_cli.let_go_reader)
program.command("operations", rich_help_panel=_PLATFORM)(cli_platform.operations)
program.command("authority", rich_help_panel=_PLATFORM)(cli_platform.authority)
program.command("check", rich_help_panel=_TERRITORY)(territory_cli.check)
program.command("diff", rich_help_panel=_TERRITORY)(cli_platform.diff)
program.command("apply", rich_help_panel=_TERRITORY)(cli_platform.apply)
program.command("schema", rich_help_panel=_TERRITORY)(cli_platform.schema)
for _panel, _verbs in (
    (_APPLICATIONS, hosting_cli.COMMANDS),
    (_PAGES, delivery_cli.COMMANDS),
    (_CAPACITY, capacity_cli.COMMANDS),
    (_CAPACITY, cli_foresight.COMMANDS),
    (_CAPACITY, cli_rebalance.COMMANDS),
    (_LEDGER, ledger_cli.COMMANDS),
    (_LEDGER, {"quote": cli_quote.quote}),
    (_PEOPLE, cli_platform.PEOPLE_COMMANDS),
):
    for _name, _verb in _verbs.items():
        program.command(_name, rich_help_panel=_panel)(_verb)
program.add_typer(exchange_cli.group, rich_help_panel=_EXCHANGE)


def main() -> None:
    """Run a command; tell an error in one sentence and its remedy, and end with 1."""
    try:
        program()
    except BeffroiError as error:
        language = told_language()
        findings = error.findings(language)
        _tell(error.message(language), "" if findings else error.remedy(language), findings)
    except RefusedError as error:
        problem = error.problem
        remedy = "" if problem.findings else problem.remedy
        _tell(problem.detail, remedy, problem.findings)
    except httpx.TransportError:
        _tell(sentence(told_language(), "app.cli.unreachable"))
    except BrokenPipeError:
        sys.exit(141)


def _tell(message: str, remedy: str = "", findings: Sequence[Mapping[str, Any]] = ()) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for one in findings:
        place = f"{one['file']}:{one['line']}:{one['column']}"
        console.print(f"{place}  {one['message']}\n    {one['remedy']}", markup=False)
    console.print(f"beffroi: {message}", style="red", markup=False)
    if remedy:
        told = sentence(told_language(), "app.cli.remedy", remedy=remedy)
        console.print(told, markup=False)
    sys.exit(1)


if __name__ == "__main__":
    main()
