"""One entity: created, shown, replaced, merged, deleted."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from beffroi.exchange.api import forms
from beffroi.exchange.api.answers import NO_CONTENT, Answer, created
from beffroi.exchange.api.documents import PATCHES, Documents
from beffroi.exchange.api.door import DOOR_PATH
from beffroi.exchange.api.entities_written import EntityWriting
from beffroi.exchange.api.linked import JOINING, linked_entities
from beffroi.exchange.api.media_types import GEOGRAPHIC, accepted_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.api.type_gate import gated, refuse_other_types
from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.model import Entity
from beffroi.exchange.query.inquiry import read_inquiry
from beffroi.exchange.query.parameters import asked_of
from beffroi.exchange.representation.changing import Changed, replaced
from beffroi.exchange.representation.instants import read_instant
from beffroi.exchange.representation.merging import merged
from beffroi.exchange.representation.names import checked_id
from beffroi.exchange.representation.reading import read_entity, read_fragment
from beffroi.exchange.service import Exchange
from beffroi.kernel.clock import Clock

LOCAL: Final = "local"
VIA: Final = "via"
_MERGE_OPTIONS: Final = frozenset({"keyValues", "concise", "normalized", "simplified"})
_SHOWING: Final = frozenset({*forms.PARAMETERS, *JOINING, LOCAL, VIA, "type"})
_MERGING: Final = frozenset({LOCAL, VIA, "options", "format", "lang", "observedAt", "type"})


class EntityRoutes:
    """Answers requests for one entity."""

    def __init__(self, exchange: Exchange, documents: Documents, clock: Clock) -> None:
        self._exchange = exchange
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        writing = frozenset({LOCAL, VIA, "options", "format", "type"})
        return (
            Route("POST", "entities", self.create, writing),
            Route("GET", "entities/*", self.show, _SHOWING, is_open=True),
            Route("PUT", "entities/*", self.replace, writing),
            Route("PATCH", "entities/*", self.merge, _MERGING),
            Route("DELETE", "entities/*", self.delete, frozenset({LOCAL, VIA, "type"})),
        )

    async def create(self, request: Request) -> Answer:
        """Add an entity."""
        forms.read_options(request, _MERGE_OPTIONS)
        document = await self._documents.read(request)
        entity = read_entity(document.content, document.context, self._clock.now())
        await self._exchange.create(request.actor, request.tenant, entity)
        return created(f"{DOOR_PATH}/entities/{quote(entity.id, safe=':')}")

    async def show(self, request: Request) -> Answer:
        """Return an entity in the form asked for."""
        media_type = accepted_type(request, GEOGRAPHIC)
        context = await self._documents.context(request)
        inquiry = read_inquiry(asked_of(request.parameters), context)
        form = forms.read_form(request, inquiry)
        named = context, await self._documents.link(request, context)
        writing = EntityWriting(request, media_type, named, form)
        entity = await self._exchange.entity(
            request.actor, request.tenant, checked_id(request.parts[0])
        )
        if not inquiry.selection.wanted(entity):
            raise ResourceNotFoundError("exchange.attributes_absent", entity=entity.id)
        asked = inquiry, form
        linked = await linked_entities(self._exchange, request, [entity], context, asked)
        if linked.flat:
            return writing.several([entity], linked)
        return writing.one(entity, linked.inline)

    async def replace(self, request: Request) -> Answer:
        """Put an entity in the place of one."""
        forms.read_options(request, _MERGE_OPTIONS)
        entity_id = checked_id(request.parts[0])
        document = await self._documents.read(request)
        now = self._clock.now()
        other = read_entity(document.content, document.context, now, address=entity_id)

        def change(entity: Entity) -> Changed:
            return Changed(entity=replaced(entity, other, now))

        await self._exchange.change(
            request.actor, request.tenant, entity_id, gated(request, document.context, change)
        )
        return NO_CONTENT

    async def merge(self, request: Request) -> Answer:
        """Merge a fragment into an entity."""
        forms.read_options(request, _MERGE_OPTIONS)
        entity_id = checked_id(request.parts[0])
        document = await self._documents.read(request, PATCHES)
        fragment = read_fragment(document.content, document.context, address=entity_id)
        now = self._clock.now()
        language = request.parameters.get("lang", "")
        told = request.parameters.get("observedAt")
        observed_at = None if told is None else read_instant(told, "observedAt")

        def change(entity: Entity) -> Changed:
            return merged(entity, fragment, now, language=language, observed_at=observed_at)

        await self._exchange.change(
            request.actor, request.tenant, entity_id, gated(request, document.context, change)
        )
        return NO_CONTENT

    async def delete(self, request: Request) -> Answer:
        """Delete an entity."""
        entity_id = checked_id(request.parts[0])
        refuse = refuse_other_types(request, await self._documents.context(request))
        await self._exchange.delete(request.actor, request.tenant, entity_id, refuse)
        return NO_CONTENT
