"""Who asks: proofs looked up once in a while, not at every request."""

import asyncio
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

from beffroi.kernel.errors import ForbiddenError, UnauthenticatedError
from beffroi.kernel.http.authentication import SESSION_COOKIE
from beffroi.kernel.rights.model import Actor
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.secrets import Secret

_KEPT_S: Final = 5.0
_KEPT_MOST: Final = 10_000
_READING: Final = frozenset({"GET", "HEAD"})
_PURPOSE_LENGTH: Final = 200


class Askers:
    """Accounts by the proofs that they present; a withdrawn one holds for 5 s at most."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights
        self._kept: dict[str, tuple[float, Actor]] = {}

    async def who(
        self, method: str, headers: Mapping[bytes, bytes], stranger: Actor | None = None
    ) -> Actor:
        """Return the one who asks.

        Args:
            method: Of the request.
            headers: Of the request.
            stranger: Whoever presents no proof; nothing: nobody may.

        Raises:
            UnauthenticatedError: No proof, or one that no longer holds.
            ForbiddenError: A browser was sent here by a page of another site.
        """
        proof = _presented(method, headers)
        if not proof:
            if stranger is not None:
                return stranger
            raise UnauthenticatedError("kernel.sign_in_needed")
        return await self.of_proof(proof)

    async def of_proof(self, proof: str) -> Actor:
        """Return whom a token or a session stands for.

        Raises:
            UnauthenticatedError: It holds no longer, or never did.
        """
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(proof)
        if kept is not None and now < kept[0]:
            return kept[1]
        actor = await self._rights.who(Secret(proof))
        if actor is None:
            self._kept.pop(proof, None)
            raise UnauthenticatedError("kernel.sign_in_needed")
        if len(self._kept) >= _KEPT_MOST:
            self._kept.clear()
        self._kept[proof] = (now + _KEPT_S, actor)
        return actor


def purpose_told(header: bytes) -> str:
    """Return what a header says that a request is for; in UTF-8, as most programs write it."""
    try:
        told = header.decode()
    except UnicodeDecodeError:
        told = header.decode("latin-1")
    return told.replace("\0", "")[:_PURPOSE_LENGTH]


def _presented(method: str, headers: Mapping[bytes, bytes]) -> str:
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    try:
        cookies = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    cookie = cookies.get(SESSION_COOKIE)
    if cookie is None:
        return ""
    if method not in _READING:
        _refuse_other_origin(headers)
    return cookie.value


def _refuse_other_origin(headers: Mapping[bytes, bytes]) -> None:
    origin = headers.get(b"origin", b"").decode("latin-1")
    if origin and origin.partition("://")[2] != headers.get(b"host", b"").decode("latin-1"):
        raise ForbiddenError("kernel.other_origin", origin=origin)
