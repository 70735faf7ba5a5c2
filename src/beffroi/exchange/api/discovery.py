"""Which types and attributes there are.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.24 to 5.2.28 and 5.7.5 to 5.7.10.
"""

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from beffroi.exchange.api.answers import Answer
from beffroi.exchange.api.documents import Documents
from beffroi.exchange.api.entities import LOCAL, VIA
from beffroi.exchange.api.media_types import accepted_type
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.exchange.asking.inventory import TypeUse
from beffroi.exchange.asking.inventory_service import Inventory
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.model import Iri, Json
from beffroi.exchange.representation.names import checked_name

_COMMON: Final = frozenset({LOCAL, VIA})


class DiscoveryRoutes:
    """Answers requests for types and attributes."""

    def __init__(self, inventory: Inventory, documents: Documents) -> None:
        self._inventory = inventory
        self._documents = documents

    def routes(self) -> Sequence[Route]:
        """Return what is answered here."""
        listing = _COMMON | {"details"}
        return (
            Route("GET", "types", self.types, listing, is_open=True),
            Route("GET", "types/*", self.type, _COMMON, is_open=True),
            Route("GET", "attributes", self.attributes, listing, is_open=True),
            Route("GET", "attributes/*", self.attribute, _COMMON, is_open=True),
        )

    async def types(self, request: Request) -> Answer:
        """List types, with their attributes where details are asked for."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        details = request.flag("details")
        if details:
            uses = await self._inventory.uses(request.actor, request.tenant)
            content: Json = [
                {
                    "id": iri,
                    "type": "EntityType",
                    "typeName": context.compact(iri),
                    "attributeNames": _compacted(context, [one.attribute for one in found]),
                }
                for iri, found in _by_type(uses).items()
            ]
            return await self._documents.plain_answer(request, content, media_type, context)
        types = await self._inventory.type_names(request.actor, request.tenant)
        names = _compacted(context, types)
        content = _list_of("EntityTypeList", "typeList", names)
        return await self._documents.plain_answer(request, content, media_type, context)

    async def type(self, request: Request) -> Answer:
        """Tell of one type."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        iri = context.expand(checked_name(request.parts[0]))
        uses = await self._inventory.uses(request.actor, request.tenant, type_iri=iri)
        if not uses:
            raise ResourceNotFoundError("exchange.type_unused", name=request.parts[0])
        content = {
            "id": iri,
            "type": "EntityTypeInfo",
            "typeName": context.compact(iri),
            "entityCount": uses[0].entities,
            "attributeDetails": [
                {
                    "id": one.attribute,
                    "type": "Attribute",
                    "attributeName": context.compact(one.attribute),
                    "attributeTypes": list(one.kinds),
                }
                for one in uses
                if one.attribute
            ],
        }
        return await self._documents.plain_answer(request, content, media_type, context)

    async def attributes(self, request: Request) -> Answer:
        """List attributes, with the types that have them where details are asked for."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        details = request.flag("details")
        uses = await self._inventory.uses(request.actor, request.tenant)
        types: dict[Iri, list[Iri]] = {}
        for one in uses:
            if one.attribute:
                types.setdefault(one.attribute, []).append(one.type)
        if details:
            content: Json = [
                {
                    "id": iri,
                    "type": "Attribute",
                    "attributeName": context.compact(iri),
                    "typeNames": _compacted(context, found),
                }
                for iri, found in sorted(types.items())
            ]
            return await self._documents.plain_answer(request, content, media_type, context)
        names = _compacted(context, sorted(types))
        content = _list_of("AttributeList", "attributeList", names)
        return await self._documents.plain_answer(request, content, media_type, context)

    async def attribute(self, request: Request) -> Answer:
        """Tell of one attribute."""
        media_type = accepted_type(request)
        context = await self._documents.context(request)
        iri = context.expand(checked_name(request.parts[0]))
        uses = await self._inventory.uses(request.actor, request.tenant, attribute=iri)
        if not uses:
            raise ResourceNotFoundError("exchange.attribute_unused", name=request.parts[0])
        count = await self._inventory.attribute_count(request.actor, request.tenant, iri)
        content = {
            "id": iri,
            "type": "Attribute",
            "attributeName": context.compact(iri),
            "attributeCount": count,
            "attributeTypes": sorted({kind for one in uses for kind in one.kinds}),
            "typeNames": _compacted(context, [one.type for one in uses]),
        }
        return await self._documents.plain_answer(request, content, media_type, context)


def _by_type(uses: Sequence[TypeUse]) -> dict[Iri, list[TypeUse]]:
    found: dict[Iri, list[TypeUse]] = {}
    for one in uses:
        kept = found.setdefault(one.type, [])
        if one.attribute:
            kept.append(one)
    return found


def _compacted(context: Context, names: Sequence[Iri]) -> list[str]:
    return [context.compact(one) for one in names]


def _list_of(kind: str, member: str, names: Sequence[str]) -> Json:
    return {"id": f"urn:ngsi-ld:{kind}:{uuid4()}", "type": kind, member: names}
