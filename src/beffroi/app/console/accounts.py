"""The page of accounts and tokens."""

from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Template

from beffroi.app.console.security import UNKEPT
from beffroi.app.console.shell import PageRequest, shell_of
from beffroi.delivery.service import DeliveryService
from beffroi.kernel.errors import BeffroiError, InvalidInputError
from beffroi.kernel.http.api import Name
from beffroi.kernel.ids import is_slug
from beffroi.kernel.rights.model import Actor, Permission, Role
from beffroi.kernel.rights.service import Proof, Rights
from beffroi.territory.model import Organisation

_TITLE_MAX_LENGTH = 200
_LABEL_MAX_LENGTH = 100


class WantedAccount(msgspec.Struct, frozen=True):
    """What an account is to be."""

    name: str = ""
    title: str = ""
    role: Role = Role.MEMBER
    organisation: str = ""


class WantedToken(msgspec.Struct, frozen=True):
    """What a token is for."""

    label: str = ""


AccountForm = Annotated[WantedAccount, Body(media_type=RequestEncodingType.URL_ENCODED)]
TokenForm = Annotated[WantedToken, Body(media_type=RequestEncodingType.URL_ENCODED)]


class AccountsPage:
    """The page as one actor sees it."""

    def __init__(self, request: PageRequest, rights: Rights, actor: Actor) -> None:
        self._shell = shell_of(request)
        self._rights = rights
        self._actor = actor

    async def shown(
        self,
        given: WantedAccount | None = None,
        error: BeffroiError | None = None,
        **issued: object,
    ) -> Template:
        """Return the page, with what was just issued: nobody can have it shown again."""
        context: dict[str, Any] = {
            "accounts": await self._rights.accounts(self._actor),
            "tokens": await self._rights.tokens(self._actor),
            "roles": self._roles(),
            "organisations": self._organisations(),
            "given": given or WantedAccount(organisation=self._actor.organisation),
            "error": error,
            "link": None,
            "token": None,
        }
        return Template(
            "console/accounts.html",
            context=context | issued,
            status_code=200 if error is None else error.status,
            headers=dict(UNKEPT) if issued else None,
        )

    def _roles(self) -> list[Role]:
        runs = self._actor.may(Permission.RUN_PLATFORM, "")
        return [role for role in Role if runs or role is not Role.OPERATOR]

    def _organisations(self) -> list[Organisation]:
        declared = self._shell.territory.organisations if self._shell.territory else {}
        return [one for one in declared.values() if self._actor.may(Permission.HOST, one.name)]


async def accounts_page(
    request: PageRequest, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> AccountsPage:
    """Provide the page to the handlers below."""
    return AccountsPage(request, rights, actor)


@get("/accounts")
async def show_accounts(page: NamedDependency[AccountsPage]) -> Template:
    """Show the accounts that the actor manages, and the actor's own tokens."""
    return await page.shown()


@post("/accounts", status_code=200)
async def put_account(
    data: AccountForm,
    page: NamedDependency[AccountsPage],
    rights: NamedDependency[Rights],
    actor: NamedDependency[Actor],
    delivery: NamedDependency[DeliveryService],
) -> Response[bytes]:
    """Create an account, or change its role, and make a link to sign in with."""
    try:
        if not is_slug(data.name):
            raise InvalidInputError("app.account_name_invalid", account=data.name)
        organisation = "" if data.role is Role.OPERATOR else data.organisation
        title = data.title.strip()[:_TITLE_MAX_LENGTH]
        await rights.put_account(actor, data.name, data.role, organisation, title)
        proof = await rights.issue_link(actor, data.name)
    except BeffroiError as error:
        return await page.shown(data, error)
    return await page.shown(link=_address(delivery, proof), link_of=data.name)


@post("/accounts/{name:str}/link", status_code=200)
async def issue_link(
    name: Name,
    page: NamedDependency[AccountsPage],
    rights: NamedDependency[Rights],
    actor: NamedDependency[Actor],
    delivery: NamedDependency[DeliveryService],
) -> Template:
    """Make a one-time link and show it, this once."""
    proof = await rights.issue_link(actor, name)
    return await page.shown(link=_address(delivery, proof), link_of=name)


@post("/accounts/{name:str}/remove")
async def remove_account(
    name: Name, rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> Redirect:
    """Remove an account, its sessions and its tokens."""
    await rights.remove_account(actor, name)
    return Redirect("/accounts", status_code=303)


@post("/tokens", status_code=200)
async def issue_token(
    data: TokenForm,
    page: NamedDependency[AccountsPage],
    rights: NamedDependency[Rights],
    actor: NamedDependency[Actor],
) -> Response[bytes]:
    """Make a token and show it, this once."""
    label = data.label.strip()[:_LABEL_MAX_LENGTH]
    if not label:
        return await page.shown(error=InvalidInputError("app.token_without_label"))
    proof = await rights.issue_token(actor, label)
    return await page.shown(token=proof.secret.reveal())


@post("/tokens/{token:str}/withdraw")
async def withdraw_token(
    token: FromPath[str], rights: NamedDependency[Rights], actor: NamedDependency[Actor]
) -> Redirect:
    """End a token at once."""
    await rights.withdraw(actor, token)
    return Redirect("/accounts", status_code=303)


def _address(delivery: DeliveryService, proof: Proof) -> str:
    return f"{delivery.console_url()}sign-in/{proof.secret.reveal()}"
