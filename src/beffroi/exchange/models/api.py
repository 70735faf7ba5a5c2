"""Types, models and quality over HTTP: parse, call one verb, answer."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, PathParameter

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.models.catalogue import TypeSummary
from beffroi.exchange.models.library import ShippedModel, shipped_models
from beffroi.exchange.models.service import Models, TypeQuality, Validation
from beffroi.exchange.representation.names import checked_name
from beffroi.kernel.http.api import api_router
from beffroi.kernel.rights.model import Actor

TypeName = Annotated[str, PathParameter(max_length=3_000, description="Short, or an IRI.")]


class ModelAnswer(msgspec.Struct, frozen=True):
    """A model that the platform brings.

    Attributes:
        page: Where it is explained.
    """

    name: str
    domain: str
    version: str
    required: tuple[str, ...]
    attributes: tuple[str, ...]
    page: str


@get("/exchange/types", summary="Explain the types of entities that there are")
async def list_types(
    actor: NamedDependency[Actor],
    models: NamedDependency[Models],
    tenant: FromQuery[str] = "",
) -> Sequence[TypeSummary]:
    """Answer what the last survey saw, and what is declared."""
    return await models.catalogue(actor, tenant)


@get("/exchange/types/{type_name:str}/quality", summary="Explain the quality of a type")
async def show_quality(
    type_name: TypeName,
    actor: NamedDependency[Actor],
    models: NamedDependency[Models],
    tenant: FromQuery[str] = "",
) -> TypeQuality:
    """Answer components, their course, and the entities that lower them."""
    return await models.quality(actor, tenant, CORE.expand(checked_name(type_name)))


@get("/exchange/types/{type_name:str}/validation", summary="Validate the entities of a type")
async def validate_type(
    type_name: TypeName,
    actor: NamedDependency[Actor],
    models: NamedDependency[Models],
    tenant: FromQuery[str] = "",
    model: FromQuery[str] = "",
    after: FromQuery[int] = 0,
) -> Validation:
    """Answer which of 10,000 entities at most do not fit their model, and where."""
    iri = CORE.expand(checked_name(type_name))
    return await models.validated(actor, tenant, iri, model, after)


@get("/exchange/models", summary="List the models that the platform brings", sync_to_thread=True)
def list_models() -> Sequence[ModelAnswer]:
    """Answer the Smart Data Models by name."""
    return [_answer(one) for one in shipped_models()]


def router() -> Router:
    """Return every route of models."""
    return api_router("models", list_types, show_quality, validate_type, list_models)


def _answer(held: ShippedModel) -> ModelAnswer:
    required = held.schema["required"]
    return ModelAnswer(
        name=held.name,
        domain=held.domain,
        version=held.version,
        required=tuple(required),
        attributes=tuple(held.schema["properties"]),
        page=held.page,
    )
