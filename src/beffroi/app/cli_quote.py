"""The command that answers a tender: parse, price, show."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from beffroi.app.placement import PlannedPlacement
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import JsonOption, show_json, show_table, told_language
from beffroi.kernel.processes.workers import Told
from beffroi.kernel.telling import told_euros
from beffroi.ledger.accounts_file import load_accounts
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import told_price
from beffroi.ledger.model import Accounts
from beffroi.ledger.quotes.documents import QuoteFiles, QuoteRequest, TemplateFill
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import Needs
from beffroi.ledger.quotes.needs_file import load_needs
from beffroi.ledger.quotes.process import QuoteDocumentsProcess
from beffroi.ledger.quotes.service import priced
from beffroi.ledger.quotes.wording import (
    designation_of,
    part_title,
    quantity_of,
    quote_word,
    told_change,
    told_placement,
    unit_of,
)


def quote(
    needs: Annotated[Path, typer.Argument(help="needs.yaml: what the buyer asks for.")],
    plan: Annotated[
        list[Path], typer.Option("--plan", help="plan.yaml, or exports of the inventory.")
    ],
    accounts: Annotated[Path, typer.Option("--accounts", help="accounts.yaml: what costs what.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the offer, the note, the price list.")
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option("--template", help="The buyer's own workbook, to fill; needs --out."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Price a tender's needs; end with 1 when N+1 does not hold or a price is missing."""
    if template is not None and out is None:
        raise InvalidInputError("ledger.quote_out_needed", file=template.name)
    made = _priced(load_needs(needs), load_accounts(accounts), plan)
    files = None if out is None else _written(made, out, template)
    if as_json:
        show_json(made)
    else:
        _show(made, files, out, told_language())
    fill = None if files is None else files.template
    if not made.placement.joined.holds or (fill is not None and not fill.complete):
        raise typer.Exit(1)


def _priced(needs: Needs, accounts: Accounts, plan: list[Path]) -> Quote:
    office = PlannedPlacement(PlannerProcess(), plan)
    with _progress() as bar:
        return asyncio.run(priced(needs, accounts, office, _told_by(bar), SystemClock()))


def _written(made: Quote, out: Path, template: Path | None) -> QuoteFiles:
    out.mkdir(parents=True, exist_ok=True)
    request = QuoteRequest(
        quote=made,
        folder=str(out),
        language=told_language(),
        template="" if template is None else str(template.absolute()),
    )
    with _progress() as bar:
        return asyncio.run(QuoteDocumentsProcess().make(request, _told_by(bar)))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _told_by(bar: Progress) -> Told:
    task = bar.add_task("", total=1.0)
    return lambda now: bar.update(task, completed=now.share, description=now.doing)


def _show(made: Quote, files: QuoteFiles | None, out: Path | None, language: Language) -> None:
    _show_prices(made, language)
    _show_costs(made, language)
    _show_placement(made, language)
    for warning in made.warnings:
        typer.echo(f"! {explained(warning, language)}")
    if files is not None and out is not None:
        for name in files.files:
            typer.echo(str(out / name))
        if files.template is not None:
            _show_template(files.template, language)


def _show_prices(made: Quote, language: Language) -> None:
    titles = ("number", "designation", "unit", "quantity", "unit_price", "amount")
    show_table(
        [quote_word(language, f"heads.{title}") for title in titles],
        [
            (
                line.number,
                designation_of(line, language),
                unit_of(line, language),
                quantity_of(line, language),
                told_price(line.unit_price_eur, language),
                "" if line.quantity is None else told_euros(line.amount_eur, language),
            )
            for line in made.lines
        ],
    )
    totals, market = made.totals, made.needs.market
    values = {"months": market.duration_months, "percent": f"{made.needs.terms.vat_percent:f}"}
    for key, eur in (
        ("month", totals.month.net_eur),
        ("year", totals.year.net_eur),
        ("once", totals.once.net_eur),
        ("duration", totals.duration.net_eur),
        ("gross", totals.duration.gross_eur),
    ):
        _tell(quote_word(language, f"totals.{key}", **values), eur, language)


def _show_costs(made: Quote, language: Language) -> None:
    for part in made.costs.full:
        _tell(part_title(part, language), part.yearly_eur, language)
        typer.echo(f"    {explained(part.explanation, language)}")
    _tell(quote_word(language, "decision.floor"), made.costs.floor_eur, language)
    _tell(quote_word(language, "decision.full"), made.costs.full_eur, language)
    _tell(quote_word(language, "decision.offered"), made.totals.year.net_eur, language)
    change = made.change
    if change is not None:
        _tell(quote_word(language, "plots.present"), change.present_eur, language)
        if change.percent is not None:
            typer.echo(told_change(change, language))
    titles = ("body", "before", "after", "relief")
    show_table(
        [quote_word(language, f"heads.{title}") for title in titles],
        [
            (
                one.title,
                *(
                    told_euros(eur, language)
                    for eur in (one.before_eur, one.after_eur, one.relief_eur)
                ),
            )
            for one in made.relief.bodies
        ],
    )


def _show_placement(made: Quote, language: Language) -> None:
    typer.echo(told_placement(made.placement, language))


def _show_template(fill: TemplateFill, language: Language) -> None:
    key = "complete" if fill.complete else "incomplete"
    values = {"file": fill.file, "filled": len(fill.filled), "left": len(fill.left)}
    typer.echo(quote_word(language, f"template.{key}", **values))
    for cell in fill.left:
        why = quote_word(language, f"template.why.{cell.why}")
        typer.echo(f"  {cell.sheet}!{cell.cell}  {cell.designation}: {why}")
    for designation in fill.unused:
        typer.echo(f"  {quote_word(language, 'template.unused', designation=designation)}")


def _tell(title: str, eur: Decimal, language: Language) -> None:
    typer.echo(f"{title}: {told_euros(eur, language)}")
