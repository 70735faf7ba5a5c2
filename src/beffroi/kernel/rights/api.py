"""Accounts and tokens over HTTP."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter

from beffroi.kernel.http.api import Name, api_router
from beffroi.kernel.ids import SLUG_PATTERN
from beffroi.kernel.rights.model import Account, Actor, Role
from beffroi.kernel.rights.service import Proof, Rights


class ShownAccount(msgspec.Struct, frozen=True):
    """An account without its password's hash."""

    name: str
    title: str
    role: Role
    organisation: str
    has_password: bool


class AccountWanted(msgspec.Struct, frozen=True):
    """What an account is to be."""

    role: Role
    organisation: Annotated[str, msgspec.Meta(max_length=40)] = ""
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""


class IssuedSecret(msgspec.Struct, frozen=True):
    """A new proof; its secret is shown this once."""

    secret: str
    expires_at: datetime


class TokenWanted(msgspec.Struct, frozen=True):
    """What a token is for."""

    label: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class ShownToken(msgspec.Struct, frozen=True):
    """A token without its secret."""

    id: str
    label: str
    created_at: datetime
    expires_at: datetime


@get("/me", summary="Tell who asks")
async def who_am_i(actor: NamedDependency[Actor]) -> Actor:
    """Answer the asker."""
    return actor


@get("/accounts", summary="List accounts")
async def list_accounts(
    rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> Sequence[ShownAccount]:
    """Answer those that the asker may manage."""
    return [_shown(account) for account in await rights.accounts(actor)]


@put("/accounts/{name:str}", summary="Create an account or change its role")
async def put_account(
    name: Annotated[str, PathParameter(pattern=SLUG_PATTERN, max_length=40)],
    data: JSONBody[AccountWanted],
    rights: NamedDependency[Rights],
    actor: NamedDependency[Actor],
) -> ShownAccount:
    """Answer the account."""
    return _shown(await rights.put_account(actor, name, data.role, data.organisation, data.title))


@delete("/accounts/{name:str}", summary="Remove an account")
async def remove_account(
    name: Name, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> None:
    """End its sessions and tokens too."""
    await rights.remove_account(actor, name)


@post("/accounts/{name:str}/link", summary="Make a one-time sign-in link")
async def issue_link(
    name: Name, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> IssuedSecret:
    """Answer its secret, good for one hour."""
    return _issued(await rights.issue_link(actor, name))


@get("/tokens", summary="List one's own tokens")
async def list_tokens(
    rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> Sequence[ShownToken]:
    """Answer them without their secrets."""
    return [
        ShownToken(one.digest, one.label, one.created_at, one.expires_at)
        for one in await rights.tokens(actor)
    ]


@post("/tokens", summary="Make a token")
async def issue_token(
    data: JSONBody[TokenWanted], rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> IssuedSecret:
    """Answer its secret, good for a year."""
    return _issued(await rights.issue_token(actor, data.label))


@delete("/tokens/{token:str}", summary="Withdraw a token")
async def withdraw_token(
    token: Name, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> None:
    """End it at once."""
    await rights.withdraw(actor, token)


def router() -> Router:
    """Return the routes of rights."""
    return api_router(
        "rights",
        who_am_i,
        list_accounts,
        put_account,
        remove_account,
        issue_link,
        list_tokens,
        issue_token,
        withdraw_token,
    )


def _shown(account: Account) -> ShownAccount:
    return ShownAccount(
        account.name,
        account.title,
        account.role,
        account.organisation,
        has_password=account.password_hash != "",
    )


def _issued(proof: Proof) -> IssuedSecret:
    return IssuedSecret(proof.secret.reveal(), proof.credential.expires_at)
