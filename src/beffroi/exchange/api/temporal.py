"""History: shown, asked, told later, corrected, deleted.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.6.11 to 5.6.16, 5.7.3, 5.7.4, 6.3.10 and 6.18 to 6.24.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from msgspec.structs import replace

from beffroi.exchange.api import paging
from beffroi.exchange.api.answers import LD_JSON, NO_CONTENT, Answer, Header, answered, created
from beffroi.exchange.api.documents import PATCHES, Documents
from beffroi.exchange.api.door import DOOR_PATH
from beffroi.exchange.api.media_types import accepted_type
from beffroi.exchange.api.query_document import form_parameters
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.api.temporal_asking import (
    FORM_PARAMETERS,
    AskedHistory,
    read_asked,
    split_document,
)
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.model import Json
from beffroi.exchange.query.inquiry import Asked, read_inquiry
from beffroi.exchange.query.ordering import OrderAsked
from beffroi.exchange.query.parameters import asked_of, asked_of_body
from beffroi.exchange.representation.names import checked_dataset, checked_id
from beffroi.exchange.temporal.documents import attribute_or_scope, read_correction, read_record
from beffroi.exchange.temporal.instance_ids import read_instance_id
from beffroi.exchange.temporal.model import Evolutions
from beffroi.exchange.temporal.paging import content_range
from beffroi.exchange.temporal.questions import read_question
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.temporal.writing import EvolutionWriting
from beffroi.kernel.clock import Clock

_COMMON: Final = frozenset({"local", "via"})
_SELECTING: Final = frozenset(
    {
        *("id", "type", "idPattern", "q", "scopeQ", "csf", "expandValues", "orderBy"),
        *("geometry", "georel", "coordinates", "geoproperty"),
    }
)
_QUERYING: Final = frozenset({*_COMMON, *_SELECTING, *FORM_PARAMETERS, *paging.PARAMETERS})
_ENTITIES: Final = "temporal/entities"
_CONTENT_RANGE: Final = b"content-range"


class TemporalRoutes:
    """Answers requests for history."""

    def __init__(
        self, history: History, recorder: Recorder, documents: Documents, clock: Clock
    ) -> None:
        self._history = history
        self._recorder = recorder
        self._documents = documents
        self._clock = clock

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        one, several = f"{_ENTITIES}/*", frozenset({*_COMMON, *paging.PARAMETERS})
        deleting = _COMMON | {"datasetId", "deleteAll"}
        return (
            Route("GET", _ENTITIES, self.query, _QUERYING, is_open=True),
            Route("POST", _ENTITIES, self.record, _COMMON),
            Route("GET", one, self.show, _COMMON | FORM_PARAMETERS, is_open=True),
            Route("DELETE", one, self.delete, _COMMON),
            Route("POST", f"{one}/attrs", self.add, _COMMON),
            Route("DELETE", f"{one}/attrs/*", self.delete_attribute, deleting),
            Route("PATCH", f"{one}/attrs/*/*", self.correct, _COMMON),
            Route("DELETE", f"{one}/attrs/*/*", self.delete_instance, _COMMON),
            Route(
                "POST",
                "temporal/entityOperations/query",
                self.query_by_document,
                several | {"options", "format"},
            ),
        )

    async def show(self, request: Request) -> Answer:
        """Return what became of an entity."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        entity_id = checked_id(request.parts[0])
        inquiry = read_inquiry(asked_of(request.parameters), context)
        asked = read_asked(request, inquiry)
        found = await self._history.evolution(
            request.actor, request.tenant, entity_id, asked.selection
        )
        contents = _written(found, asked, context)
        if not contents:
            raise ResourceNotFoundError("exchange.nothing_left", entity=entity_id)
        return await self._answer(request, media_type, context, contents[0], _range(found))

    async def query(self, request: Request) -> Answer:
        """Return what became of a page of entities."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        return await self._page(request, media_type, context, asked_of(request.parameters))

    async def query_by_document(self, request: Request) -> Answer:
        """Return what became of a page of entities that a document asks for."""
        media_type = accepted_type(request)
        document = await self._documents.read(request)
        content, told = split_document(document.content)
        asked = asked_of_body(content, request.parameters)
        whole = replace(request, parameters={**form_parameters(content), **request.parameters})
        return await self._page(whole, media_type, document.context, asked, told)

    async def record(self, request: Request) -> Answer:
        """Add to the history of an entity, which may be unknown."""
        document = await self._documents.read(request)
        record = read_record(document.content, document.context, self._clock.now())
        if await self._recorder.record(request.actor, request.tenant, record):
            return created(f"{DOOR_PATH}/{_ENTITIES}/{quote(record.id, safe=':')}")
        return NO_CONTENT

    async def add(self, request: Request) -> Answer:
        """Add to the history of an entity."""
        entity_id = checked_id(request.parts[0])
        document = await self._documents.read(request)
        record = read_record(
            document.content, document.context, self._clock.now(), address=entity_id
        )
        await self._recorder.add(request.actor, request.tenant, record)
        return NO_CONTENT

    async def delete(self, request: Request) -> Answer:
        """Delete the history of an entity."""
        await self._recorder.delete(request.actor, (request.tenant, checked_id(request.parts[0])))
        return NO_CONTENT

    async def delete_attribute(self, request: Request) -> Answer:
        """Delete the history of an attribute, of one data set or of all."""
        key = request.tenant, checked_id(request.parts[0])
        context = await self._documents.context(request)
        iri = attribute_or_scope(request.parts[1], context)
        dataset_id: str | None = None
        if not request.flag("deleteAll"):
            dataset_id = checked_dataset(request.parameters.get("datasetId", "@none"), iri)
        await self._recorder.delete_attribute(request.actor, key, iri, dataset_id)
        return NO_CONTENT

    async def correct(self, request: Request) -> Answer:
        """Change a part of an instance."""
        key = request.tenant, checked_id(request.parts[0])
        instance = read_instance_id(request.parts[2])
        document = await self._documents.read(request, PATCHES)
        iri, part = read_correction(request.parts[1], document.content, document.context)
        await self._recorder.correct(request.actor, key, iri, instance, part)
        return NO_CONTENT

    async def delete_instance(self, request: Request) -> Answer:
        """Delete an instance."""
        key = request.tenant, checked_id(request.parts[0])
        context = await self._documents.context(request)
        iri = attribute_or_scope(request.parts[1], context)
        instance = read_instance_id(request.parts[2])
        await self._recorder.delete_instance(request.actor, key, iri, instance)
        return NO_CONTENT

    async def _page(
        self,
        request: Request,
        media_type: str,
        context: Context,
        entities: Asked,
        told: Mapping[str, Json] | None = None,
    ) -> Answer:
        window = paging.read_window(request)
        question = read_question(entities, context)
        inquiry = read_inquiry(replace(entities, order=OrderAsked(by="")), context)
        asked = read_asked(request, inquiry, told, times_needed=True)
        found = await self._history.evolutions(
            request.actor, request.tenant, question, asked.selection, window
        )
        headers = paging.paging_headers(
            request, window, media_type, count=found.count, more=found.more
        )
        contents = _written(found, asked, context)
        return await self._answer(
            request, media_type, context, contents, [*headers, *_range(found)]
        )

    async def _answer(
        self,
        request: Request,
        media_type: str,
        context: Context,
        content: Json,
        headers: Sequence[Header],
    ) -> Answer:
        told = list(headers)
        if media_type == LD_JSON:
            for one in content if isinstance(content, list) else [content]:
                one["@context"] = context.source
        else:
            told.append(await self._documents.link(request, context))
        partial = any(name == _CONTENT_RANGE for name, _ in told)
        status = HTTPStatus.PARTIAL_CONTENT if partial else HTTPStatus.OK
        return answered(content, media_type, status=status, headers=told)


def _written(found: Evolutions, asked: AskedHistory, context: Context) -> list[dict[str, Json]]:
    """Write what became of entities, less those of which nothing is left."""
    writing = EvolutionWriting(context, asked.form)
    emptied = {} if found.cut is None else found.cut.emptied
    contents = [writing.written(one, emptied.get(one.entity.id, {})) for one in found.found]
    return [one for one in contents if one]


def _range(found: Evolutions) -> list[Header]:
    if found.cut is None:
        return []
    return [(_CONTENT_RANGE, content_range(found.cut).encode())]
