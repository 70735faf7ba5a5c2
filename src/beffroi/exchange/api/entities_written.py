"""Entities in answers: the form, the representation and the @context together."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from beffroi.exchange.api.answers import GEO_JSON, LD_JSON, Answer, Header, answered
from beffroi.exchange.api.forms import geometry_property
from beffroi.exchange.api.linked import LinkedEntities
from beffroi.exchange.api.prefer import preferences
from beffroi.exchange.api.requests import Request
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError, ResourceNotFoundError
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Json
from beffroi.exchange.representation.writing import Form, Linked, written, written_feature

_PREFERENCE_APPLIED: Final = b"preference-applied"


class EntityWriting:
    """Writes answers to one request.

    Args:
        request: Which one.
        media_type: As it was negotiated.
        named: Whose names to write, and the header that tells so.
        form: What of each entity.
    """

    def __init__(
        self, request: Request, media_type: str, named: tuple[Context, Header], form: Form
    ) -> None:
        self._media_type = media_type
        context, self._link = named
        self._context = context
        self._form = form
        self._preferences = preferences(request)
        self._geometry = geometry_property(request, context)
        if media_type != GEO_JSON and "geometryProperty" in request.parameters:
            raise BadRequestDataError("exchange.geometry_property_not_here")

    def one(self, entity: Entity, linked: Linked | None = None) -> Answer:
        """Answer an entity."""
        if self._media_type == GEO_JSON:
            content = written_feature(entity, self._context, self._form, self._geometry, linked)
        else:
            content = written(entity, self._context, self._form, linked)
            if not content:
                raise ResourceNotFoundError("exchange.attributes_absent", entity=entity.id)
        return self._answer(content, [entity], ())

    def several(
        self, entities: Sequence[Entity], linked: LinkedEntities, headers: Sequence[Header] = ()
    ) -> Answer:
        """Answer entities, as a list or a FeatureCollection, and what was joined to them."""
        shown = [*((one, self._form) for one in entities), *linked.flat]
        told = [one for one, _ in shown]
        if self._media_type != GEO_JSON:
            found = [written(one, self._context, form, linked.inline) for one, form in shown]
            return self._answer(found, told, headers)
        features = [
            written_feature(one, self._context, form, self._geometry, linked.inline)
            for one, form in shown
        ]
        content = {"type": "FeatureCollection", "features": features}
        return self._answer(content, told, headers)

    def _answer(
        self, content: Json, entities: Sequence[Entity], headers: Sequence[Header]
    ) -> Answer:
        told = list(headers)
        if self._in_body():
            for one in content if isinstance(content, list) else [content]:
                one["@context"] = self._context.source
        else:
            told.append(self._link)
        status = HTTPStatus.OK
        if self._preferences.version:
            told.append((_PREFERENCE_APPLIED, f"ngsi-ld={self._preferences.version}".encode()))
            if any(_has(one, self._form.as_properties) for one in entities):
                status = HTTPStatus.NON_AUTHORITATIVE_INFORMATION
        return answered(content, self._media_type, status=status, headers=told)

    def _in_body(self) -> bool:
        if self._media_type == GEO_JSON:
            return self._preferences.context_in_body
        return self._media_type == LD_JSON


def _has(entity: Entity, kinds: frozenset[AttributeKind]) -> bool:
    return bool(kinds) and _any_of(entity.attributes, kinds)


def _any_of(attributes: dict[str, tuple[Attribute, ...]], kinds: frozenset[AttributeKind]) -> bool:
    return any(
        one.kind in kinds or _any_of(one.members, kinds)
        for instances in attributes.values()
        for one in instances
    )
