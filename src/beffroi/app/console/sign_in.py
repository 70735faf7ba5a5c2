"""Signing in and out, and choosing one's password."""

from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, FromQuery
from litestar.response import Redirect, Template

from beffroi.app.console.language import language_cookie
from beffroi.app.console.own_paths import own_path
from beffroi.app.console.security import UNKEPT
from beffroi.app.console.shell import PageRequest, Shell
from beffroi.kernel.errors import BeffroiError, InvalidInputError, UnauthenticatedError
from beffroi.kernel.http.authentication import (
    presented_secret,
    refuse_other_origin,
    session_cookie,
)
from beffroi.kernel.rights.model import Account, Actor
from beffroi.kernel.rights.service import PASSWORD_MIN_LENGTH, Proof, Rights
from beffroi.kernel.secrets import Secret


class SignIn(msgspec.Struct, frozen=True):
    """Who signs in, and where they wanted to go."""

    name: str = ""
    password: str = ""
    next: str = "/"


class ChosenPassword(msgspec.Struct, frozen=True):
    """A password, written twice."""

    password: str = ""
    repeated: str = ""


SignInForm = Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)]
PasswordForm = Annotated[ChosenPassword, Body(media_type=RequestEncodingType.URL_ENCODED)]


@get("/sign-in")
async def show_sign_in(visitor: NamedDependency[Shell], next: FromQuery[str] = "/") -> Template:  # noqa: A002, ARG001
    """Ask for a name and a password."""
    return _sign_in_page(SignIn(next=own_path(next)))


@post("/sign-in", status_code=200)
async def sign_in(
    data: SignInForm,
    request: PageRequest,
    visitor: NamedDependency[Shell],  # noqa: ARG001 - surrounds the page
    rights: NamedDependency[Rights],
) -> Response[bytes] | Redirect:
    """Open a session."""
    refuse_other_origin(request)
    try:
        account, proof = await rights.sign_in_by_password(data.name.strip(), Secret(data.password))
    except BeffroiError as error:
        return _sign_in_page(data, error)
    return _signed_in(request, account, proof, own_path(data.next))


@get("/sign-in/{secret:str}")
async def show_link(secret: FromPath[str], visitor: NamedDependency[Shell]) -> Template:  # noqa: ARG001
    """Ask for a confirmation: programs that preview links must not use this one up."""
    return Template("console/sign_in_link.html", context={"secret": secret}, headers=dict(UNKEPT))


@post("/sign-in/{secret:str}", status_code=200)
async def sign_in_by_link(
    secret: FromPath[str],
    request: PageRequest,
    visitor: NamedDependency[Shell],
    rights: NamedDependency[Rights],
) -> Response[bytes] | Redirect:
    """Use up a one-time link and open a session."""
    refuse_other_origin(request)
    try:
        account, proof = await rights.sign_in_by_link(Secret(secret))
    except UnauthenticatedError as error:
        return _sign_in_page(SignIn(), error)
    if account.password_hash:
        return _signed_in(request, account, proof, "/")
    # Nobody has chosen for a new account yet: the browser's language becomes its own.
    await rights.set_language(account.actor, visitor.language)
    return Redirect("/password", status_code=303, cookies=[_opening(proof)])


@post("/sign-out")
async def sign_out(request: PageRequest, rights: NamedDependency[Rights]) -> Redirect:
    """Close the session."""
    refuse_other_origin(request)
    secret = presented_secret(request)
    if secret is not None:
        await rights.sign_out(secret)
    ended = session_cookie(Secret(""), lifetime_s=0)
    return Redirect("/sign-in", status_code=303, cookies=[ended])


@get("/password")
async def show_password(actor: NamedDependency[Actor], rights: NamedDependency[Rights]) -> Template:
    """Ask for a new password."""
    return await _password_page(actor, rights)


@post("/password", status_code=200)
async def choose_password(
    data: PasswordForm, actor: NamedDependency[Actor], rights: NamedDependency[Rights]
) -> Response[bytes] | Redirect:
    """Set one's own password."""
    if data.password != data.repeated:
        return await _password_page(actor, rights, InvalidInputError("app.passwords_differ"))
    try:
        await rights.set_password(actor, Secret(data.password))
    except InvalidInputError as error:
        return await _password_page(actor, rights, error)
    return Redirect("/", status_code=303)


def _sign_in_page(given: SignIn, error: BeffroiError | None = None) -> Template:
    return Template(
        "console/sign_in.html",
        context={"given": given, "error": error},
        status_code=200 if error is None else error.status,
    )


async def _password_page(
    actor: Actor, rights: Rights, error: BeffroiError | None = None
) -> Template:
    return Template(
        "console/password.html",
        context={
            "error": error,
            "least": PASSWORD_MIN_LENGTH,
            "first": not await rights.has_password(actor),
        },
        status_code=200 if error is None else error.status,
    )


def _signed_in(request: PageRequest, account: Account, proof: Proof, path: str) -> Redirect:
    """Lead on with a session, in the account's language where the browser keeps none."""
    cookies = [_opening(proof)]
    if "language" not in request.cookies:
        cookies.append(language_cookie(account.language))
    return Redirect(path, status_code=303, cookies=cookies)


def _opening(proof: Proof) -> Cookie:
    lifetime = proof.credential.expires_at - proof.credential.created_at
    return session_cookie(proof.secret, lifetime_s=int(lifetime.total_seconds()))
