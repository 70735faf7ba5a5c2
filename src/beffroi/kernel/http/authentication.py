"""Who asks: the session cookie of a browser or the bearer token of a program."""

from typing import Any

from litestar import Request
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from beffroi.kernel.errors import ForbiddenError, UnauthenticatedError
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret

SESSION_COOKIE = "__Host-beffroi"
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


async def current_actor(request: Request[Any, Any, Any], rights: NamedDependency[Rights]) -> Actor:
    """Return the one who asks.

    Raises:
        UnauthenticatedError: No proof, or one that no longer holds.
        ForbiddenError: A browser was sent here by a page of another site.
    """
    secret = presented_secret(request)
    actor = None if secret is None else await rights.who(secret)
    if actor is None:
        raise UnauthenticatedError("kernel.sign_in_needed")
    return actor


def presented_secret(request: Request[Any, Any, Any]) -> Secret | None:
    """Return the proof that came with a request.

    A cookie counts for a change only when the page that sends it is ours: browsers name the
    sending page's origin on every such request.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return Secret(token)
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie is None:
        return None
    if request.method in _WRITING:
        refuse_other_origin(request)
    return Secret(cookie)


def refuse_other_origin(request: Request[Any, Any, Any]) -> None:
    """Refuse a form that a page of another site sends."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise ForbiddenError("kernel.other_origin", origin=origin)


def session_cookie(secret: Secret, *, lifetime_s: int) -> Cookie:
    """Make the cookie that opens a session; an empty secret with 0 s ends it."""
    return Cookie(
        SESSION_COOKIE,
        path="/",
        value=secret.reveal(),
        max_age=lifetime_s,
        secure=True,
        httponly=True,
        samesite="lax",
    )
