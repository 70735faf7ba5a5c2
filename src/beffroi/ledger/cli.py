"""Commands on the ledger: parse, call one verb, show."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from beffroi.kernel.catalogue import sentence
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.result_folder import folder_for_results
from beffroi.kernel.telling import told_euros
from beffroi.ledger.accounts_file import AccountsChange, load_accounts
from beffroi.ledger.accounts_rules import without_account
from beffroi.ledger.allocation_service import MOST_YEARS
from beffroi.ledger.answers import FIRST_YEAR, LAST_YEAR
from beffroi.ledger.corrections import AskedCorrection, CorrectionBearer
from beffroi.ledger.documents.explaining import explained, use_note
from beffroi.ledger.documents.figures import told_price, told_unit, told_units
from beffroi.ledger.documents.model import DocumentKind, Documents, DocumentsRequest
from beffroi.ledger.drivers.documents_process import DocumentsProcess
from beffroi.ledger.key_simulation import KeyTrial
from beffroi.ledger.model import (
    Accounts,
    Statement,
)
from beffroi.ledger.months import PARIS, month_named
from beffroi.ledger.statement_files import statements_of_files, unit_costs_of_files
from beffroi.ledger.statement_service import AppliedAccounts
from beffroi.ledger.statements import LineDifference
from beffroi.ledger.unit_costs import UnitCostTable

Month = Annotated[str, typer.Option("--month", help="Which month, such as 2026-10.")]
Number = Annotated[str, typer.Argument(help="The statement's number.")]


def statement(
    accounts: Annotated[
        Path | None, typer.Argument(help="accounts.yaml; without it the platform is asked.")
    ] = None,
    usage: Annotated[
        Path | None, typer.Argument(help="What was used, as CSV; needed with accounts.yaml.")
    ] = None,
    month: Month = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the documents of these statements.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Make the statements of a month, from files or as the platform would now."""
    day = month_named(month)
    if accounts is None:
        path = f"/api/months/{day.isoformat()}/draft"
        drafts = platform().ask("GET", path, tuple[Statement, ...])
    elif usage is None:
        raise InvalidInputError("ledger.usage_file_needed", accounts=accounts)
    else:
        drafts = statements_of_files(accounts, usage, day)
    if out is not None and accounts is not None:
        _write_statements(load_accounts(accounts), drafts, out)
    _show(drafts, as_json=as_json)


def issue(
    month: Annotated[str, typer.Argument(help="Which month, such as 2026-10.")],
    *,
    without_last_reading: Annotated[
        bool,
        typer.Option(
            "--without-last-reading", help="Even though no meter was read since the month ended."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Issue the statements of a month for all bodies: numbered, and never changed again."""
    query = "?without_last_reading=true" if without_last_reading else ""
    path = f"/api/months/{month_named(month).isoformat()}/issue{query}"
    _show(platform().ask("POST", path, tuple[Statement, ...]), as_json=as_json)


def statements(
    body: Annotated[str, typer.Option("--body", help="Whose; all bodies when absent.")] = "",
    *,
    as_json: JsonOption = False,
) -> None:
    """List issued statements, the newest first."""
    query = f"?of={body}" if body else ""
    _show(platform().ask("GET", f"/api/statements{query}", tuple[Statement, ...]), as_json=as_json)


def explain_statement(number: Number, *, as_json: JsonOption = False) -> None:
    """Explain a statement line by line, and tell whether its records give it again."""
    found = platform().ask("GET", f"/api/statements/{number}", Statement)
    path = f"/api/statements/{number}/replay"
    differences = platform().ask("GET", path, tuple[LineDifference, ...])
    if as_json:
        show_json({"statement": found, "differences": differences})
        return
    language = told_language()
    for line in found.lines:
        amount = told_euros(line.amount_eur, language)
        typer.echo(f"{line.number:3d}  {line.title}  {amount}")
        typer.echo(f"     {explained(line.explanation, language)}")
    key = "differs" if differences else "gives_again"
    typer.echo(sentence(language, f"ledger.told.{key}", count=len(differences)))
    if differences:
        raise typer.Exit(1)


def correct_statement(  # noqa: PLR0913 - each is an option of the command
    number: Number,
    line: Annotated[int, typer.Argument(min=1, help="The line's number.")],
    amount: Annotated[str, typer.Argument(help="Euros to add; -12.50 takes them off.")],
    reason: Annotated[str, typer.Argument(help="Why, as the body will read it.")],
    borne_by: Annotated[
        CorrectionBearer,
        typer.Option("--borne-by", help="Who bears it, of a body that shares costs."),
    ] = CorrectionBearer.OTHERS,
    *,
    insist: Annotated[
        bool,
        typer.Option("--insist", help="Though it repeats another or exceeds what the line has."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Put a line right on the body's next statement; what was issued stays as it is."""
    wanted = {
        "line": line,
        "amount_eur": _decimal(amount),
        "reason": reason,
        "borne_by": borne_by,
        "insist": insist,
    }
    path = f"/api/statements/{number}/corrections"
    asked = platform().ask("POST", path, AskedCorrection, wanted)
    if as_json:
        show_json(asked)
        return
    language = told_language()
    told = told_euros(asked.amount_eur, language)
    typer.echo(sentence(language, "ledger.told.corrected", body=asked.body, amount=told))


def apply_accounts(
    file: Annotated[Path, typer.Argument(help="The file accounts.yaml.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would change; change nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a file the accounts that the next statements are made with."""
    missing = without_account(load_accounts(file))
    body = {"file": str(file.absolute())}
    if dry_run:
        path = "/api/price-book/difference"
        changes = platform().ask("POST", path, tuple[AccountsChange, ...], body)
    else:
        changes = platform().ask("POST", "/api/price-book", AppliedAccounts, body).changes
    if as_json:
        show_json(changes)
        return
    language = told_language()
    if missing:
        names = ", ".join(missing)
        typer.echo(sentence(language, "ledger.told.without_account", names=names), err=True)
    for one in changes:
        fields = ", ".join(f"{field.path}: {field.before} → {field.after}" for field in one.fields)
        kind = sentence(language, f"ledger.change_kinds.{one.kind}")
        typer.echo(f"{kind}  {one.section} {one.name}  {fields}".rstrip())
    if not changes:
        typer.echo(sentence(language, "territory.changes.none"))


def unit_costs(
    year: Annotated[
        int, typer.Argument(min=FIRST_YEAR, max=LAST_YEAR, help="The year of the budget.")
    ],
    accounts: Annotated[
        Path | None,
        typer.Option("--accounts", help="accounts.yaml; without it the platform is asked."),
    ] = None,
    usage: Annotated[
        Path | None,
        typer.Option("--usage", help="What was used in the year before, as CSV; with --accounts."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the table, PDF and CSV; with --accounts."),
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell the unit costs of a year and what each body is expected to pay back (CGCT D5211-16)."""
    if accounts is None:
        if usage is not None or out is not None:
            raise InvalidInputError("ledger.accounts_file_needed")
        table = platform().ask("GET", f"/api/unit-costs/{year}", UnitCostTable)
    elif usage is None:
        raise InvalidInputError("ledger.unit_cost_usage_needed", accounts=accounts, year=year)
    else:
        today = SystemClock().now().astimezone(PARIS).date()
        table = unit_costs_of_files(accounts, usage, year, today)
        if out is not None:
            _write_unit_costs(load_accounts(accounts), table, out)
    if as_json:
        show_json(table)
        return
    _show_unit_costs(table)


def simulate_keys(
    cost: Annotated[
        list[str], typer.Option("--cost", help="COST=KEY: a cost centre and the key to try for it.")
    ],
    years: Annotated[
        int, typer.Option("--years", min=1, max=MOST_YEARS, help="Steps that lead to the new keys.")
    ] = 1,
    *,
    as_json: JsonOption = False,
) -> None:
    """Tell who would win and who would lose by other keys over the months issued last."""
    chosen = {}
    for one in cost:
        name, apart, key = one.partition("=")
        if not apart:
            raise InvalidInputError("ledger.not_a_cost_and_key", found=one)
        chosen[name] = key
    wanted = {"keys": chosen, "years": years}
    trial = platform().ask("POST", "/api/key-simulations", KeyTrial, wanted)
    if as_json:
        show_json(trial)
        return
    language = told_language()
    titles = ("body", "before", "after", "change")
    steps = trial.steps if years > 1 else ()
    show_table(
        [
            *(sentence(language, f"ledger.columns.{title}") for title in titles),
            "",
            *(sentence(language, "ledger.pages.year_number", number=one.number) for one in steps),
        ],
        [
            (
                one.title,
                *(
                    told_euros(eur, language)
                    for eur in (one.before_eur, one.after_eur, one.change_eur)
                ),
                sentence(language, f"ledger.outcomes.{one.outcome}"),
                *(told_euros(step.amounts_eur[one.body], language) for step in steps),
            )
            for one in trial.simulation.effects
        ],
    )


def _show_unit_costs(table: UnitCostTable) -> None:
    language = told_language()
    years = {"year": table.year, "before": table.year - 1}
    heads = ("service", "unit", "last_accounts", "budget", "forecast", "unit_cost")
    rows = [
        (
            one.title,
            told_unit(one.unit, language),
            told_euros(one.last_accounts_eur, language),
            told_euros(one.budget_eur, language),
            told_units(one.forecast_units, one.unit, language),
            told_price(one.unit_cost_eur, language),
            *(told_euros(refund.refund_eur, language) for refund in one.refunds),
        )
        for one in table.services
    ]
    together = sentence(language, "ledger.told.together")
    sums = (table.last_accounts_eur, table.budget_eur)
    told = (told_euros(eur, language) for eur in sums)
    refunds = (told_euros(one.refund_eur, language) for one in table.bodies)
    titles = [
        sentence(language, f"ledger.documents.unit_costs.heads.{head}", **years) for head in heads
    ]
    show_table(
        [*titles, *(one.title for one in table.bodies)],
        [*rows, (together, "", *told, "", "", *refunds)],
    )
    typer.echo(use_note(table, language))


def _show(found: Sequence[Statement], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = ("number", "month", "body", "lines", "net")
    rows = [
        (
            one.number or sentence(language, "ledger.told.draft"),
            f"{one.month:%Y-%m}",
            one.body.title,
            str(len(one.lines)),
            told_euros(one.net_eur, language),
        )
        for one in found
    ]
    total = sum((one.net_eur for one in found), Decimal(0))
    rows.append(
        ("", "", sentence(language, "ledger.told.together"), "", told_euros(total, language))
    )
    show_table([sentence(language, f"ledger.columns.{title}") for title in titles], rows)


def _write_statements(accounts: Accounts, drafts: Sequence[Statement], folder: Path) -> None:
    _write_documents(
        DocumentsRequest(
            kinds=(DocumentKind.STATEMENTS, DocumentKind.FOCUS),
            accounts=accounts,
            statements=tuple(drafts),
            folder=str(folder),
            language=told_language(),
        )
    )


def _write_unit_costs(accounts: Accounts, table: UnitCostTable, folder: Path) -> None:
    _write_documents(
        DocumentsRequest(
            kinds=(DocumentKind.UNIT_COSTS,),
            accounts=accounts,
            statements=(),
            folder=str(folder),
            language=told_language(),
            unit_costs=table,
        )
    )


def _write_documents(request: DocumentsRequest) -> None:
    folder = folder_for_results(Path(request.folder))
    console = Console(stderr=True)
    with Progress(TextColumn("{task.description}"), BarColumn(), console=console) as bar:
        task = bar.add_task("", total=1.0)
        made: Documents = asyncio.run(
            DocumentsProcess().make(
                request,
                lambda now: bar.update(task, completed=now.share, description=now.doing),
            )
        )
    for one in made.files:
        typer.echo(str(folder / one.name), err=True)


def _decimal(text: str) -> Decimal:
    try:
        return msgspec.convert(text.replace(",", "."), Decimal)
    except msgspec.ValidationError as error:
        raise InvalidInputError("ledger.not_an_amount", found=text) from error


COMMANDS: Mapping[str, Callable[..., Any]] = {
    "statement": statement,
    "issue": issue,
    "statements": statements,
    "explain-statement": explain_statement,
    "correct-statement": correct_statement,
    "apply-accounts": apply_accounts,
    "unit-costs": unit_costs,
    "simulate-keys": simulate_keys,
}
