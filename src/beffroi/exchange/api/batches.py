"""Many entities at once: each succeeds or fails alone.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.6.7 to 5.6.10 and 5.6.20.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from beffroi.exchange.api import forms
from beffroi.exchange.api.answers import (
    NO_CONTENT,
    Answer,
    answered,
    language_of,
    problem,
)
from beffroi.exchange.api.attributes import NO_OVERWRITE
from beffroi.exchange.api.documents import (
    PATCHES,
    Document,
    Documents,
    linked_context,
    refuse_link_beside_ld_json,
)
from beffroi.exchange.api.entities import LOCAL, VIA
from beffroi.exchange.api.media_types import PLAIN, sent_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.errors import (
    AlreadyExistsError,
    BadRequestDataError,
    ExchangeError,
    ResourceNotFoundError,
)
from beffroi.exchange.model import Entity, Json
from beffroi.exchange.representation.changing import Changed, WhyNot, appended, replaced
from beffroi.exchange.representation.json_reading import read_json
from beffroi.exchange.representation.merging import merged
from beffroi.exchange.representation.names import checked_id
from beffroi.exchange.representation.reading import read_entity, read_fragment, read_object
from beffroi.exchange.service import Exchange, Wish, deletion
from beffroi.kernel.clock import Clock
from beffroi.kernel.units import MIB

_BODY_MOST: Final = 48 * MIB
_ITEMS_MOST: Final = 20_000
_STYLES: Final = frozenset({"keyValues", "concise", "normalized", "simplified"})
_COMMON: Final = frozenset({LOCAL, VIA, "options", "format"})
_REPLACE, _UPDATE = "replace", "update"


class _Told(msgspec.Struct, eq=False):
    """What became of one item; filled in when its turn comes.

    Attributes:
        created: The entity was not there before.
    """

    entity_id: str
    wish: Wish | None = None
    error: ExchangeError | None = None
    created: bool = False


Read = Callable[[Document, _Told], Wish]


class BatchRoutes:
    """Answers requests for many entities."""

    def __init__(self, exchange: Exchange, documents: Documents, clock: Clock) -> None:
        self._exchange = exchange
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        verbs = {
            "create": self.create,
            "upsert": self.upsert,
            "update": self.update,
            "merge": self.merge,
            "delete": self.delete,
        }
        return [
            Route("POST", f"entityOperations/{name}", verb, _COMMON, _BODY_MOST)
            for name, verb in verbs.items()
        ]

    async def create(self, request: Request) -> Answer:
        """Add entities."""
        forms.read_options(request, _STYLES)
        now = self._clock.now()

        def read(document: Document, told: _Told) -> Wish:
            entity = read_entity(document.content, document.context, now)

            def decide(held: Entity | None) -> Entity:
                if held is not None:
                    raise AlreadyExistsError("exchange.entity_exists", id=entity.id)
                told.created = True
                return entity

            return Wish(entity.id, decide)

        return await self._carried_out(request, read, PLAIN)

    async def upsert(self, request: Request) -> Answer:
        """Add entities, or put them in the place of those that are there, or update these."""
        options = forms.read_options(request, _STYLES | {_REPLACE, _UPDATE})
        if options >= {_REPLACE, _UPDATE}:
            raise BadRequestDataError("exchange.options_exclude", options="replace, update")
        now = self._clock.now()

        def read(document: Document, told: _Told) -> Wish:
            entity = read_entity(document.content, document.context, now)
            fragment = (
                read_fragment(document.content, document.context, address=entity.id)
                if _UPDATE in options
                else None
            )

            def decide(held: Entity | None) -> Entity:
                told.created = held is None
                if held is None:
                    return entity
                if fragment is None:
                    return replaced(held, entity, now)
                return appended(held, fragment, now, overwrite=True).entity

            return Wish(entity.id, decide)

        return await self._carried_out(request, read, PLAIN)

    async def update(self, request: Request) -> Answer:
        """Add attributes to entities."""
        options = forms.read_options(request, _STYLES | {NO_OVERWRITE})
        overwrite = NO_OVERWRITE not in options
        now = self._clock.now()

        def change(entity: Entity, document: Document) -> Changed:
            fragment = read_fragment(document.content, document.context, address=entity.id)
            return appended(entity, fragment, now, overwrite=overwrite)

        return await self._changed(request, change, PLAIN)

    async def merge(self, request: Request) -> Answer:
        """Merge fragments into entities."""
        forms.read_options(request, _STYLES)
        now = self._clock.now()

        def change(entity: Entity, document: Document) -> Changed:
            fragment = read_fragment(document.content, document.context, address=entity.id)
            return merged(entity, fragment, now)

        return await self._changed(request, change, PATCHES)

    async def delete(self, request: Request) -> Answer:
        """Delete entities by their ids."""
        forms.read_options(request, frozenset())
        sent_type(request)
        told = []
        for item in _items(read_json(request.body)):
            one = _Told(str(item)[:200])
            try:
                one.wish = deletion(checked_id(item))
            except ExchangeError as error:
                one.error = error
            told.append(one)
        await self._settle(request, told)
        return _result(request, told)

    async def _changed(
        self,
        request: Request,
        change: Callable[[Entity, Document], Changed],
        known: Sequence[str],
    ) -> Answer:
        def read(document: Document, told: _Told) -> Wish:
            content = read_object(document.content)
            told.entity_id = entity_id = checked_id(content.get("id", content.get("@id")))
            read_fragment(content, document.context, address=entity_id)

            def decide(held: Entity | None) -> Entity:
                if held is None:
                    raise ResourceNotFoundError("exchange.entity_unknown", id=entity_id)
                changed = change(held, document)
                told.error = _left(changed, entity_id)
                return changed.entity

            return Wish(entity_id, decide)

        return await self._carried_out(request, read, known)

    async def _carried_out(self, request: Request, read: Read, known: Sequence[str]) -> Answer:
        media_type = sent_type(request, known)
        link = linked_context(request)
        refuse_link_beside_ld_json(media_type, link)
        told, shared = [], None
        for item in _items(read_json(request.body)):
            one = _Told(_named(item))
            try:
                if shared is not None and _is_bare(item):
                    document = Document(item, shared)
                else:
                    document = await self._documents.named(request, media_type, item, link)
                    if _is_bare(item):
                        shared = document.context
                one.wish = read(document, one)
            except ExchangeError as error:
                one.error = error
            told.append(one)
        await self._settle(request, told)
        return _result(request, told)

    async def _settle(self, request: Request, told: Sequence[_Told]) -> None:
        wished = [one for one in told if one.wish is not None]
        wishes = [one.wish for one in wished if one.wish is not None]
        outcomes = await self._exchange.carry_out(request.actor, request.tenant, wishes)
        for one, outcome in zip(wished, outcomes, strict=True):
            one.error = outcome or one.error
            # A wish holds on to what it tells: without this, only the collector could let go.
            one.wish = None


def _items(content: Json) -> list[Any]:
    if not isinstance(content, list):
        raise BadRequestDataError("exchange.batch_not_a_list")
    if not content or None in content:
        raise BadRequestDataError("exchange.batch_empty")
    if len(content) > _ITEMS_MOST:
        raise BadRequestDataError("exchange.batch_too_long", most=_ITEMS_MOST)
    return content


def _is_bare(item: Json) -> bool:
    """Tell whether an item gets its names from the request alone."""
    return isinstance(item, dict) and "@context" not in item


def _named(item: Json) -> str:
    given = item.get("id", item.get("@id")) if isinstance(item, dict) else None
    return given if isinstance(given, str) else ""


def _left(changed: Changed, entity_id: str) -> ExchangeError | None:
    names = [one.iri for one in changed.not_updated if one.reason is WhyNot.ALREADY_THERE]
    if not names:
        return None
    return BadRequestDataError("exchange.attributes_left", entity=entity_id, names=", ".join(names))


def _result(request: Request, told: Sequence[_Told]) -> Answer:
    """Tell what became of a batch: 201, 204, or 207 with what failed."""
    failed = [one for one in told if one.error is not None]
    if failed:
        language = language_of(request.header(b"accept-language"))
        content = {
            "success": [one.entity_id for one in told if one.error is None],
            "errors": [
                {"entityId": one.entity_id, "error": problem(one.error, language)}
                for one in failed
                if one.error is not None
            ],
        }
        return answered(content, status=HTTPStatus.MULTI_STATUS)
    new = [one.entity_id for one in told if one.created]
    return answered(new, status=HTTPStatus.CREATED) if new else NO_CONTENT
