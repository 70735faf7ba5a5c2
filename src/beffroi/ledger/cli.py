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
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.telling import told_euros
from beffroi.ledger.accounts_file import AccountsChange, load_accounts
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.model import DocumentKind, Documents, DocumentsRequest
from beffroi.ledger.drivers.documents_process import DocumentsProcess
from beffroi.ledger.model import Accounts, Statement
from beffroi.ledger.months import month_named
from beffroi.ledger.statement_files import statements_of_files
from beffroi.ledger.statement_service import AppliedAccounts
from beffroi.ledger.statement_store import AskedCorrection
from beffroi.ledger.statements import LineDifference

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
        _write_documents(load_accounts(accounts), drafts, out)
    _show(drafts, as_json=as_json)


def issue(
    month: Annotated[str, typer.Argument(help="Which month, such as 2026-10.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Issue the statements of a month for all bodies: numbered, and never changed again."""
    path = f"/api/months/{month_named(month).isoformat()}/issue"
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


def correct_statement(
    number: Number,
    line: Annotated[int, typer.Argument(min=1, help="The line's number.")],
    amount: Annotated[str, typer.Argument(help="Euros to add; -12.50 takes them off.")],
    reason: Annotated[str, typer.Argument(help="Why, as the body will read it.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Put a line right on the body's next statement; what was issued stays as it is."""
    wanted = {"line": line, "amount_eur": _decimal(amount), "reason": reason}
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
    load_accounts(file)
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
    for one in changes:
        fields = ", ".join(f"{field.path}: {field.before} → {field.after}" for field in one.fields)
        kind = sentence(language, f"ledger.change_kinds.{one.kind}")
        typer.echo(f"{kind}  {one.section} {one.name}  {fields}".rstrip())
    if not changes:
        typer.echo(sentence(language, "territory.changes.none"))


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


def _write_documents(accounts: Accounts, drafts: Sequence[Statement], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    request = DocumentsRequest(
        kinds=(DocumentKind.STATEMENTS, DocumentKind.FOCUS),
        accounts=accounts,
        statements=tuple(drafts),
        folder=str(folder),
        language=told_language(),
    )
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
        typer.echo(str(folder / one.name))


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
}
