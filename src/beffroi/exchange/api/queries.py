"""Entities asked for by what they are: GET and POST queries, and the purge.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.7.2, 5.6.21, 6.4.3 and 6.23.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import msgspec

from beffroi.exchange.api import forms, paging
from beffroi.exchange.api.answers import NO_CONTENT, Answer, answered, language_of, problem
from beffroi.exchange.api.documents import Documents
from beffroi.exchange.api.entities import LOCAL, VIA
from beffroi.exchange.api.entities_written import EntityWriting
from beffroi.exchange.api.linked import JOINING, linked_entities
from beffroi.exchange.api.media_types import GEOGRAPHIC, accepted_type
from beffroi.exchange.api.query_document import form_parameters
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.asking.question import Question
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.conditions import Find
from beffroi.exchange.query.inquiry import Inquiry, having_any
from beffroi.exchange.query.logic import ANYTHING, all_of
from beffroi.exchange.query.parameters import inquiry_of, inquiry_of_body
from beffroi.exchange.representation.changing import attributes_kept
from beffroi.exchange.representation.names import attribute_iri
from beffroi.exchange.service import Exchange, Wish, deletion
from beffroi.kernel.clock import Clock

_SELECTING: Final = frozenset(
    {
        *("id", "type", "idPattern", "attrs", "q", "scopeQ", "csf", "expandValues"),
        *("geometry", "georel", "coordinates", "geoproperty"),
    }
)
_ORDERING: Final = frozenset({"orderBy", "orderFrom", "orderGeometry", "collation"})
_QUERYING: Final = frozenset(
    {*_SELECTING, *_ORDERING, *forms.PARAMETERS, *paging.PARAMETERS, *JOINING, LOCAL, VIA}
)
_PURGING: Final = frozenset({*_SELECTING, LOCAL, VIA, "keep", "drop"})
_EVERY_ENTITY_HAS: Final = frozenset(
    {"id", "type", "scope", "createdAt", "modifiedAt", "expiresAt"}
)


class QueryRoutes:
    """Answers requests for entities by what they are."""

    def __init__(self, exchange: Exchange, documents: Documents, clock: Clock) -> None:
        self._exchange = exchange
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        return (
            Route("GET", "entities", self.query, _QUERYING, is_open=True),
            Route("DELETE", "entities", self.purge, _PURGING),
            Route(
                "POST",
                "entityOperations/query",
                self.query_by_document,
                frozenset({*paging.PARAMETERS, *JOINING, LOCAL, VIA, "options", "format"}),
            ),
        )

    async def query(self, request: Request) -> Answer:
        """Return a page of entities."""
        media_type = accepted_type(request, GEOGRAPHIC)
        context = await self._documents.context(request)
        inquiry = inquiry_of(request.parameters, context)
        return await self._answer(request, media_type, context, inquiry)

    async def query_by_document(self, request: Request) -> Answer:
        """Return a page of entities that a document asks for."""
        media_type = accepted_type(request, GEOGRAPHIC)
        document = await self._documents.read(request)
        inquiry = inquiry_of_body(document.content, document.context, request.parameters)
        told = {**form_parameters(document.content), **request.parameters}
        asked = msgspec.structs.replace(request, parameters=told)
        return await self._answer(asked, media_type, document.context, inquiry)

    async def purge(self, request: Request) -> Answer:
        """Delete entities, or attributes of them."""
        keep, drop = request.listed("keep"), request.listed("drop")
        if keep and drop:
            raise BadRequestDataError("exchange.keep_beside_drop")
        context = await self._documents.context(request)
        question = inquiry_of(request.parameters, context).question()
        kept = frozenset(attribute_iri(one, context) for one in keep) or None
        dropped = frozenset(attribute_iri(one, context) for one in drop)
        ids = await self._exchange.ids(request.actor, request.tenant, question, own=True)
        now = self._clock.now()

        def shrinking(entity_id: str) -> Wish:
            def decide(held: Entity | None) -> Entity | None:
                return held and attributes_kept(held, now, keep=kept, drop=dropped)

            return Wish(entity_id, decide)

        wishes = [shrinking(one) if keep or drop else deletion(one) for one in ids]
        outcomes = await self._exchange.carry_out(request.actor, request.tenant, wishes)
        language = language_of(request.header(b"accept-language"))
        errors = [
            {"entityId": entity_id, "error": problem(outcome, language)}
            for entity_id, outcome in zip(ids, outcomes, strict=True)
            if outcome is not None
        ]
        if not errors:
            return NO_CONTENT
        done = [one for one, outcome in zip(ids, outcomes, strict=True) if outcome is None]
        return answered({"success": done, "errors": errors}, status=HTTPStatus.MULTI_STATUS)

    async def _answer(
        self, request: Request, media_type: str, context: Context, inquiry: Inquiry
    ) -> Answer:
        form = forms.read_form(request, inquiry)
        window = paging.read_window(request)
        named = context, await self._documents.link(request, context)
        writing = EntityWriting(request, media_type, named, form)
        question = all_of([await inquiry.followed(self._finder(request)), _shown(inquiry)])
        ranked = msgspec.structs.replace(question, rank=inquiry.rank)
        page = await self._exchange.page(request.actor, request.tenant, ranked, window)
        headers = paging.paging_headers(
            request, window, media_type, count=page.count, more=page.more
        )
        asked = inquiry, form
        linked = await linked_entities(self._exchange, request, page.entities, context, asked)
        return writing.several(page.entities, linked, headers)

    def _finder(self, request: Request) -> Find:
        async def find(question: Question) -> frozenset[str]:
            return frozenset(await self._exchange.ids(request.actor, request.tenant, question))

        return find


def _shown(inquiry: Inquiry) -> Question:
    """Ask for entities that something is left of, once members are picked."""
    if inquiry.pick is None or inquiry.pick.names & _EVERY_ENTITY_HAS:
        return ANYTHING
    return having_any(inquiry.pick.picked)
