"""@contexts: added, listed, served, deleted, loaded again.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.13, 6.29 and 6.30.
"""

from collections.abc import Sequence
from typing import Final

from beffroi.exchange.api.answers import JSON, NO_CONTENT, Answer, answered, created
from beffroi.exchange.api.media_types import PLAIN, accepted_type, sent_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.contexts.model import ContextKind, KeptContext
from beffroi.exchange.contexts.service import CONTEXTS_PATH, Contexts
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.json_reading import read_json
from beffroi.kernel.units import MIB

_FLAGS: Final = {"true": True, "false": False}
_BODY_MOST: Final = MIB


class ContextRoutes:
    """Answers requests for @contexts."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        details, reload = frozenset({"details"}), frozenset({"reload"})
        return (
            Route("POST", "jsonldContexts", self.add, body_most=_BODY_MOST),
            Route("GET", "jsonldContexts", self.list, details | {"kind"}),
            Route("GET", "jsonldContexts/*", self.serve, details),
            Route("DELETE", "jsonldContexts/*", self.delete, reload),
        )

    async def add(self, request: Request) -> Answer:
        """Host a @context."""
        sent_type(request, PLAIN)
        document = read_json(request.body)
        kept = await self._contexts.add(request.actor, request.tenant, document)
        return created(f"{CONTEXTS_PATH}/{kept.id}")

    async def list(self, request: Request) -> Answer:
        """List the addresses of @contexts, or what is known of each."""
        media_type = accepted_type(request)
        details = _flag(request, "details")
        found = await self._contexts.listed(request.tenant, _kinds(request))
        shown = [self._details(one) if details else self._contexts.url(one) for one in found]
        return answered(shown, media_type)

    async def serve(self, request: Request) -> Answer:
        """Return a @context, or what is known of it."""
        media_type = accepted_type(request)
        details = _flag(request, "details")
        found = await self._contexts.served(request.tenant, request.parts[0])
        if details:
            return answered(self._details(found.kept), JSON)
        return answered(found.content, media_type)

    async def delete(self, request: Request) -> Answer:
        """Delete a @context, or load it again."""
        act = self._contexts.reload if _flag(request, "reload") else self._contexts.delete
        await act(request.actor, request.tenant, request.parts[0])
        return NO_CONTENT

    def _details(self, kept: KeptContext) -> Json:
        told = {
            "URL": self._contexts.url(kept),
            "localId": kept.id,
            "kind": kept.kind,
            "createdAt": written_instant(kept.created_at),
            "numberOfHits": kept.hits,
        }
        if kept.last_used_at is not None:
            told["lastUsage"] = written_instant(kept.last_used_at)
        return told


def _kinds(request: Request) -> Sequence[ContextKind]:
    given = request.parameters.get("kind")
    if given is None:
        return tuple(ContextKind)
    if given not in set(ContextKind):
        raise BadRequestDataError(
            "exchange.context_kind_unknown", found=given[:80], known=", ".join(ContextKind)
        )
    return (ContextKind(given),)


def _flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false; here the wrong one is data, not syntax."""
    given = request.parameters.get(name, "false")
    if given not in _FLAGS:
        raise BadRequestDataError("exchange.not_a_flag", name=name, found=given[:80])
    return _FLAGS[given]
