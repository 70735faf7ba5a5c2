"""The attributes of one entity: added, changed, replaced, deleted."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from beffroi.exchange.api import forms
from beffroi.exchange.api.answers import NO_CONTENT, Answer, answered, language_of
from beffroi.exchange.api.documents import PATCHES, Documents
from beffroi.exchange.api.entities import LOCAL, VIA
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.api.type_gate import Change, gated
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.representation.changing import (
    SCOPE,
    Changed,
    appended,
    attribute_deleted,
    attribute_patched,
    attribute_replaced,
    scopes_deleted,
    updated,
)
from beffroi.exchange.representation.names import attribute_iri, checked_dataset, checked_id
from beffroi.exchange.representation.reading import read_attribute, read_fragment
from beffroi.exchange.service import Exchange
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.clock import Clock

NO_OVERWRITE: Final = "noOverwrite"
_STYLES: Final = frozenset({"keyValues", "concise", "normalized", "simplified"})
_COMMON: Final = frozenset({LOCAL, VIA, "type"})


class AttributeRoutes:
    """Answers requests for attributes of one entity."""

    def __init__(self, exchange: Exchange, documents: Documents, clock: Clock) -> None:
        self._exchange = exchange
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        told = _COMMON | {"options", "format"}
        deleting = _COMMON | {"datasetId", "deleteAll"}
        return (
            Route("POST", "entities/*/attrs", self.append, told),
            Route("PATCH", "entities/*/attrs", self.update, told),
            Route("PATCH", "entities/*/attrs/*", self.patch, told),
            Route("PUT", "entities/*/attrs/*", self.replace, told),
            Route("DELETE", "entities/*/attrs/*", self.delete, deleting),
        )

    async def append(self, request: Request) -> Answer:
        """Add attributes."""
        options = forms.read_options(request, _STYLES | {NO_OVERWRITE})
        overwrite = NO_OVERWRITE not in options
        entity_id = checked_id(request.parts[0])
        document = await self._documents.read(request)
        fragment = read_fragment(document.content, document.context, address=entity_id)
        now = self._clock.now()
        changed = await self._changed(
            request,
            document.context,
            lambda entity: appended(entity, fragment, now, overwrite=overwrite),
        )
        return _told(changed, request)

    async def update(self, request: Request) -> Answer:
        """Replace attributes, and add those that are not there."""
        forms.read_options(request, _STYLES)
        entity_id = checked_id(request.parts[0])
        document = await self._documents.read(request, PATCHES)
        fragment = read_fragment(document.content, document.context, address=entity_id)
        now = self._clock.now()
        changed = await self._changed(
            request, document.context, lambda entity: updated(entity, fragment, now)
        )
        return _told(changed, request)

    async def patch(self, request: Request) -> Answer:
        """Change parts of one attribute."""
        name = request.parts[1]
        checked_id(request.parts[0])
        document = await self._documents.read(request, PATCHES)
        iri, fragments = read_attribute(name, document.content, document.context)
        now = self._clock.now()
        await self._changed(
            request,
            document.context,
            lambda entity: attribute_patched(entity, iri, fragments, now),
        )
        return NO_CONTENT

    async def replace(self, request: Request) -> Answer:
        """Put an attribute in the place of one."""
        name = request.parts[1]
        checked_id(request.parts[0])
        document = await self._documents.read(request)
        iri, fragments = read_attribute(name, document.content, document.context)
        now = self._clock.now()
        await self._changed(
            request,
            document.context,
            lambda entity: attribute_replaced(entity, iri, fragments, now),
        )
        return NO_CONTENT

    async def delete(self, request: Request) -> Answer:
        """Delete an instance of an attribute, or all of them."""
        name = request.parts[1]
        checked_id(request.parts[0])
        every = request.flag("deleteAll")
        dataset_id = checked_dataset(request.parameters.get("datasetId", "@none"), name)
        context = await self._documents.context(request)
        now = self._clock.now()
        if name == SCOPE:
            await self._changed(request, context, lambda entity: scopes_deleted(entity, now))
            return NO_CONTENT
        iri = attribute_iri(name, context)
        await self._changed(
            request,
            context,
            lambda entity: attribute_deleted(entity, iri, dataset_id, now, every=every),
        )
        return NO_CONTENT

    async def _changed(self, request: Request, context: Context, change: Change) -> Changed:
        entity_id = checked_id(request.parts[0])
        wanted = gated(request, context, change)
        return await self._exchange.change(request.actor, request.tenant, entity_id, wanted)


def _told(changed: Changed, request: Request) -> Answer:
    """Answer nothing where all was done, and else what was and what was not."""
    if not changed.not_updated:
        return NO_CONTENT
    language = language_of(request.header(b"accept-language"))
    return answered(update_result(changed, language), status=HTTPStatus.MULTI_STATUS)


def update_result(changed: Changed, language: Language) -> dict[str, list[object]]:
    """Return the standard's UpdateResult, names in full."""
    return {
        "updated": list(changed.updated),
        "notUpdated": [
            {
                "attributeName": one.iri,
                "reason": sentence(language, f"exchange.not_updated.{one.reason}"),
            }
            for one in changed.not_updated
        ],
    }
