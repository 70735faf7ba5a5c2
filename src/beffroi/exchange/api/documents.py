"""Bodies and the @context that gives their names a meaning.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.7, 6.3.4 and 6.3.5.
"""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.api.answers import JSON, LD_JSON, Answer, Header, answered
from beffroi.exchange.api.media_types import MERGE_PATCH_JSON, PLAIN, sent_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.json_reading import read_json

PATCHES: Final = (JSON, LD_JSON, MERGE_PATCH_JSON)
_LINK: Final = re.compile(r'<([^>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\s*=\s*(?:"[^"]*"|[^;,"\s]+))*)')
_REL: Final = re.compile(r';\s*rel\s*=\s*"?http://www\.w3\.org/ns/json-ld#context"?\s*(?:;|$)')


class Document(msgspec.Struct, frozen=True):
    """What a body says."""

    content: Json
    context: Context


class Documents:
    """Reads bodies with the names that come along."""

    def __init__(self, contexts: Contexts) -> None:
        self._contexts = contexts

    async def context(self, request: Request) -> Context:
        """Return the names of a request without a body: those of its Link header."""
        return await self._contexts.resolved(request.tenant, linked_context(request))

    async def link(self, request: Request, context: Context) -> Header:
        """Return the Link header that names the @context of an answer.

        One that came spelt out gets an address for it.
        """
        url = context.link or await self._contexts.implicit(request.tenant, context.source)
        told = f'<{url}>; rel="http://www.w3.org/ns/json-ld#context"; type="{LD_JSON}"'
        return b"link", told.encode()

    async def read(self, request: Request, known: Sequence[str] = PLAIN) -> Document:
        """Read a body that is one document.

        Raises:
            BareStatusError: It is of another media type.
            InvalidRequestError: It is no JSON.
            BadRequestDataError: Its @context is missing, or there are two, or it is none.
            LdContextNotAvailableError: Its @context cannot be had.
        """
        media_type = sent_type(request, known)
        content = read_json(request.body)
        link = linked_context(request)
        refuse_link_beside_ld_json(media_type, link)
        return await self.named(request, media_type, content, link)

    async def plain_answer(
        self, request: Request, content: Json, media_type: str, context: Context
    ) -> Answer:
        """Answer a document with its @context: in it, or linked beside it."""
        if media_type != LD_JSON:
            return answered(content, media_type, headers=[await self.link(request, context)])
        for one in content if isinstance(content, list) else [content]:
            one["@context"] = context.source
        return answered(content, media_type)

    async def named(
        self, request: Request, media_type: str, content: Json, link: str | None
    ) -> Document:
        """Join a document to its names.

        Raises:
            BadRequestDataError: Its @context is missing, or there are two, or it is none.
            LdContextNotAvailableError: Its @context cannot be had.
        """
        own = content.get("@context") if isinstance(content, dict) else None
        has_own = isinstance(content, dict) and "@context" in content
        if media_type == LD_JSON:
            if isinstance(content, dict) and own in (None, [], ""):
                raise BadRequestDataError("exchange.context_missing")
            return Document(content, await self._contexts.resolved(request.tenant, own))
        if has_own and media_type == JSON:
            raise BadRequestDataError("exchange.context_not_in_json")
        if has_own and link is not None:
            raise BadRequestDataError("exchange.context_twice")
        given = own if has_own else link
        return Document(content, await self._contexts.resolved(request.tenant, given))


def linked_context(request: Request) -> str | None:
    """Return the @context that the Link header names.

    Raises:
        BadRequestDataError: It names several.
    """
    header = request.headers.get(b"link")
    if header is None:
        return None
    found = [link[1] for link in _LINK.finditer(header.decode("latin-1")) if _REL.search(link[2])]
    if len(found) > 1:
        raise BadRequestDataError("exchange.context_twice")
    return found[0] if found else None


def refuse_link_beside_ld_json(media_type: str, link: str | None) -> None:
    """Refuse a Link to a @context where the body has to have its own."""
    if media_type == LD_JSON and link is not None:
        raise BadRequestDataError("exchange.context_linked_twice", link=link)
