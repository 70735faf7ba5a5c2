"""What is declared of types, made ready to judge by."""

import logging
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Iri
from beffroi.exchange.models.conformity import Model, shipped
from beffroi.exchange.models.declared import Bounds, Mode
from beffroi.exchange.models.library import shipped_model, shipped_names, terms_of
from beffroi.exchange.models.store import GroupKey, HeldModel
from beffroi.exchange.models.tally import Rules
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.shape import nearest

_logger = logging.getLogger(__name__)


def model_of(name: str, schema: bytes | None) -> Model | None:
    """Return the model that a declaration names, or that it brings.

    Raises:
        InvalidInputError: There is no model of that name, or the schema is none.
    """
    if schema is not None:
        return _own(name, schema)
    if not name:
        return None
    found = shipped(name)
    if found is None:
        near = nearest(name, shipped_names())
        raise InvalidInputError("exchange.model_unknown", name=name, nearest=near)
    return found


def type_of(name: str) -> Iri:
    """Return the IRI of a type that a declaration names, short or in full."""
    return CORE.expand(name)


def rules_by_group(held: Iterable[HeldModel]) -> Mapping[GroupKey, Rules]:
    """Return what to judge by, for each tenant, organisation and type.

    What is of no use any more, such as a model that was shipped once, judges nothing.
    """
    made = {}
    for one in held:
        try:
            rules = rules_of(one)
        except InvalidInputError as error:
            _logger.warning("model type=%s organisation=%s %s", one.type, one.organisation, error)
        else:
            made[one.tenant, one.organisation, type_of(one.type)] = rules
    return made


def rules_of(held: HeldModel) -> Rules:
    """Return what to judge the entities of a type by.

    The name of an attribute stands for what the @context of the model says, and for what it is
    without one.
    """
    declared = held.declared
    model = model_of(declared.model or str(declared.schema or ""), held.schema)
    terms = _terms(declared.model)
    wanted = declared.expected or (() if model is None else model.required)
    bounds: dict[Iri, Bounds] = {}
    for name, limits in [*_stated(model), *declared.bounds.items()]:
        bounds |= dict.fromkeys(_iris(name, terms), limits)
    return Rules(
        model=model,
        expected=tuple(_iris(name, terms) for name in wanted),
        bounds=bounds,
        period_s=declared.period_s,
        refuses=declared.mode is Mode.REFUSE,
    )


def suggested(type_iri: Iri) -> str:
    """Return the name of the shipped model that a type is called like; "" where there is none."""
    name = CORE.compact(type_iri)
    return name if shipped_model(name) is not None else ""


@lru_cache(maxsize=512)
def _own(name: str, schema: bytes) -> Model:
    try:
        read = msgspec.json.decode(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInputError(
            "exchange.model_schema_unusable", name=name, reason=error
        ) from error
    if not isinstance(read, dict):
        raise InvalidInputError("exchange.model_schema_unusable", name=name, reason=type(read))
    return Model(name, read, {})


def _terms(name: str) -> Mapping[str, Iri]:
    found = shipped_model(name) if name else None
    return {} if found is None else terms_of(found.domain)


def _stated(model: Model | None) -> Iterable[tuple[str, Bounds]]:
    if model is None:
        return
    for name, schema in model.properties.items():
        limits = _limits(schema)
        if limits is not None:
            yield name, limits


def _limits(schema: Any) -> Bounds | None:  # noqa: ANN401 - any JSON
    if not isinstance(schema, dict) or not {"minimum", "maximum"} & schema.keys():
        return None
    return Bounds(minimum=schema.get("minimum"), maximum=schema.get("maximum"))


def _iris(name: str, terms: Mapping[str, Iri]) -> frozenset[Iri]:
    return frozenset({CORE.expand(name), terms.get(name) or CORE.expand(name)})
