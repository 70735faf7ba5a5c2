"""Commands on the platform as a whole, on its territory and its people."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from beffroi.app.settings import chosen_data_folder, database_url, loaded_settings
from beffroi.engines.doctor import Verdict, examine
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.operations.model import Operation
from beffroi.kernel.places import Places
from beffroi.kernel.rights.api import (
    AccountWanted,
    IssuedSecret,
    ShownAccount,
    ShownToken,
    TokenWanted,
)
from beffroi.kernel.rights.model import Role
from beffroi.territory.api import TerritoryFileNamed
from beffroi.territory.cli import rendered_difference
from beffroi.territory.difference import Change
from beffroi.territory.schema import json_schema
from beffroi.territory.service import Applied

TerritoryFile = Annotated[Path, typer.Argument(help="The territory file.", exists=True)]


def doctor(*, as_json: JsonOption = False) -> None:
    """Tell what this machine offers and lacks, with the remedies."""
    language = told_language()
    places = Places.of(chosen_data_folder(os.environ))
    settings = loaded_settings(places.data, os.environ)
    joins = database_url(settings, os.environ) is not None
    found = asyncio.run(examine(places.data, joins_database=joins))
    if as_json:
        show_json(
            [
                {
                    "verdict": one.verdict,
                    "found": one.told(language),
                    "remedy": one.remedy(language),
                }
                for one in found
            ]
        )
    else:
        for one in found:
            verdict = sentence(language, f"engines.doctor.{one.verdict}")
            typer.echo(f"{verdict:>8}  {one.told(language)}")
            if one.remedy_key:
                typer.echo(f"{'':>8}  → {one.remedy(language)}")
    if any(one.verdict is Verdict.MISSING for one in found):
        raise typer.Exit(1)


def operations(
    operation: Annotated[str | None, typer.Argument(help="One operation, to show whole.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """List what was done: who, what, when, how it ended."""
    if operation is not None:
        show_json(platform().ask("GET", f"/api/operations/{operation}", Operation))
        return
    found = platform().ask("GET", "/api/operations", list[Operation])
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = ("operation", "date", "verb", "subject", "actor", "state")
    show_table(
        [sentence(language, f"app.columns.{title}") for title in titles],
        [
            (
                one.id,
                f"{one.started_at:%Y-%m-%d %H:%M:%S}",
                one.verb,
                one.subject,
                one.actor,
                sentence(language, f"kernel.states.{one.state}"),
            )
            for one in found
        ],
    )


def authority() -> None:
    """Print the local authority's certificate, for browsers that should trust it."""
    typer.echo(platform().text("/api/authority"))


def diff(file: TerritoryFile, *, as_json: JsonOption = False) -> None:
    """Tell what applying a territory file would change."""
    body = TerritoryFileNamed(str(file.absolute()))
    changes = platform().ask("POST", "/api/territory/difference", tuple[Change, ...], body)
    _show_changes(changes, as_json=as_json)


def apply(file: TerritoryFile, *, as_json: JsonOption = False) -> None:
    """Make a territory file the one that holds; the platform then moves towards it."""
    body = TerritoryFileNamed(str(file.absolute()))
    applied = platform().ask("POST", "/api/territory", Applied, body)
    _show_changes(applied.changes, as_json=as_json)


def schema() -> None:
    """Print the JSON Schema of territory files, for editors."""
    show_json(json_schema())


def accounts(*, as_json: JsonOption = False) -> None:
    """List the accounts that you may manage."""
    found = platform().ask("GET", "/api/accounts", list[ShownAccount])
    if as_json:
        show_json(found)
        return
    language = told_language()
    for one in found:
        role = sentence(language, f"kernel.roles.{one.role}")
        typer.echo(f"{one.name}  {role}  {one.organisation}")


def add_account(
    name: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.MEMBER,
    organisation: Annotated[str, typer.Option(help="Organisation it belongs to.")] = "",
    title: Annotated[str, typer.Option(help="Name that people read.")] = "",
) -> None:
    """Create an account, or change its role, and print its one-time sign-in link's secret."""
    body = AccountWanted(role, organisation, title)
    platform().ask("PUT", f"/api/accounts/{name}", ShownAccount, body)
    sign_in_link(name)


def remove_account(name: Annotated[str, typer.Argument(help="The account.")]) -> None:
    """Remove an account; its sessions and tokens end at once."""
    platform().ask("DELETE", f"/api/accounts/{name}", type(None))


def sign_in_link(
    name: Annotated[str, typer.Argument(help="The account.")] = "operator",
) -> None:
    """Print a one-time sign-in link, good for one hour."""
    issued = platform().ask("POST", f"/api/accounts/{name}/link", IssuedSecret)
    console = platform().text("/api/console-address")
    typer.echo(f"{console}sign-in/{issued.secret}")


def tokens(*, as_json: JsonOption = False) -> None:
    """List your tokens, without their secrets."""
    found = platform().ask("GET", "/api/tokens", list[ShownToken])
    if as_json:
        show_json(found)
        return
    for one in found:
        typer.echo(f"{one.id[:12]}  {one.label}  {one.expires_at:%Y-%m-%d}")


def add_token(label: Annotated[str, typer.Argument(help="What it is for.")]) -> None:
    """Make a token for a program and print it; it is shown this once."""
    typer.echo(platform().ask("POST", "/api/tokens", IssuedSecret, TokenWanted(label)).secret)


def withdraw_token(
    token: Annotated[str, typer.Argument(help="The beginning of its identifier.")],
) -> None:
    """End a token at once."""
    for one in platform().ask("GET", "/api/tokens", list[ShownToken]):
        if one.id.startswith(token):
            platform().ask("DELETE", f"/api/tokens/{one.id}", type(None))


def _show_changes(changes: tuple[Change, ...], *, as_json: bool) -> None:
    if as_json:
        show_json(msgspec.to_builtins(changes))
    else:
        typer.echo(rendered_difference(changes, told_language()))


PEOPLE_COMMANDS: Mapping[str, Callable[..., Any]] = {
    "accounts": accounts,
    "add-account": add_account,
    "remove-account": remove_account,
    "sign-in-link": sign_in_link,
    "tokens": tokens,
    "add-token": add_token,
    "withdraw-token": withdraw_token,
}
