"""Whether an entity fits a JSON Schema, and where it does not."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import jsonschema_rs
import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.models.library import shipped_model, terms_of
from beffroi.kernel.errors import InvalidInputError

UNFIT_MOST: Final = 20
_FOUND_MOST: Final = 80
_Kind = AttributeKind


class Unfit(msgspec.Struct, frozen=True):
    """Where an entity does not fit.

    Attributes:
        pointer: A JSON Pointer into the entity in simplified form.
        found: What is there, shortened; "" where it is missing.
        expected: What should be, as short as can be: ``number``, ``<= 1``, ``open | closed``.
    """

    pointer: str
    found: str
    expected: str

    @property
    def missing(self) -> bool:
        """Tell whether nothing is there."""
        return not self.found

    @property
    def told(self) -> str:
        """Say it in symbols."""
        return f"{self.pointer}: {self.found or '—'} ({self.expected})"


class Model:
    """A schema that is ready to judge entities.

    Args:
        name: Of the model, or of the file of the schema.
        schema: A JSON Schema; references may only lead inside it.
        terms: What its names stand for, where it has a @context.

    Raises:
        InvalidInputError: It is no JSON Schema.
    """

    def __init__(self, name: str, schema: Mapping[str, Any], terms: Mapping[str, Iri]) -> None:
        self.name = name
        self.schema = schema
        self._names = {iri: term for term, iri in terms.items() if not iri.startswith("@")}
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema),
                validate_formats=True,
                ignore_unknown_formats=True,
                retriever=_nowhere,
                pattern_options=jsonschema_rs.RegexOptions(),
            )
        except (ValueError, jsonschema_rs.ValidationError) as error:
            raise InvalidInputError(
                "exchange.model_schema_unusable", name=name, reason=_first_line(error)
            ) from error

    @property
    def required(self) -> Sequence[str]:
        """Return the names of attributes that each entity has to have."""
        return [one for one in self.schema.get("required", ()) if one not in {"id", "type"}]

    @property
    def properties(self) -> Mapping[str, Any]:
        """Return the schemas of attributes by name."""
        found = self.schema.get("properties", {})
        return found if isinstance(found, dict) else {}

    def short(self, iri: Iri) -> str:
        """Return what the model calls an attribute."""
        return self._names.get(iri) or CORE.compact(iri)

    def simplified(self, entity: Entity) -> dict[str, Json]:
        """Write an entity with the names of the model, in simplified form."""
        types = [CORE.compact(iri) for iri in entity.types]
        named: dict[str, Json] = {"id": entity.id, "type": types[0] if len(types) == 1 else types}
        for iri, instances in entity.attributes.items():
            one = next((one for one in instances if not one.dataset_id), instances[0])
            named[self.short(iri)] = _bare(one)
        return named

    def fits(self, entity: Entity) -> bool:
        """Tell whether an entity fits; what it is of several types, one is enough of."""
        return self._validator.is_valid(self._judged(entity))

    def unfit(self, entity: Entity) -> Sequence[Unfit]:
        """Return where an entity does not fit, 20 at most."""
        return self.unfit_document(self._judged(entity))

    def unfit_document(self, document: Mapping[str, Json]) -> Sequence[Unfit]:
        """Return where an entity in simplified form does not fit, 20 at most."""
        found: list[Unfit] = []
        for error in self._validator.iter_errors(document):
            found.append(_unfit(error))
            if len(found) == UNFIT_MOST:
                break
        return found

    def _judged(self, entity: Entity) -> dict[str, Json]:
        document = self.simplified(entity)
        wanted = self.properties.get("type", {}).get("enum", ())
        if isinstance(document["type"], list):
            held = [one for one in document["type"] if one in wanted]
            document["type"] = held[0] if held else document["type"][0]
        return document


@cache
def shipped(name: str) -> Model | None:
    """Return a Smart Data Model by its name, ready to judge."""
    found = shipped_model(name)
    return None if found is None else Model(name, found.schema, terms_of(found.domain))


def _bare(attribute: Attribute) -> Json:
    value = attribute.value
    if attribute.kind is _Kind.LANGUAGE_PROPERTY and isinstance(value, dict):
        return next(iter(value.values()), "")
    if attribute.kind is _Kind.VOCAB_PROPERTY:
        return (
            [CORE.compact(one) for one in value] if isinstance(value, list) else CORE.compact(value)
        )
    if isinstance(value, dict) and "@value" in value:
        return value["@value"]
    return value


def _unfit(error: jsonschema_rs.ValidationError) -> Unfit:
    path = [str(one).replace("~", "~0").replace("/", "~1") for one in error.instance_path]
    kind = error.kind
    told = kind.as_dict()
    if kind.name == "required":
        return Unfit("/" + "/".join([*path, str(told["property"])]), "", "required")
    found = msgspec.json.encode(error.instance).decode("utf-8", "replace")
    shortened = found if len(found) <= _FOUND_MOST else found[: _FOUND_MOST - 1] + "…"
    return Unfit("/" + "/".join(path), shortened, _expected(kind.name, told))


def _expected(kind: str, told: Mapping[str, Any]) -> str:
    match kind:
        case "type":
            return " | ".join(_listed(told["types"]))
        case "enum":
            return " | ".join(_listed(told["options"]))
        case "minimum":
            return f">= {told['limit']}"
        case "maximum":
            return f"<= {told['limit']}"
        case _:
            values = [str(value) for value in told.values()]
            return f"{kind} {' '.join(values)}".strip()[:_FOUND_MOST]


def _listed(given: object) -> Iterator[str]:
    ones = given if isinstance(given, list | tuple) else [given]
    return (str(one) for one in ones)


def _nowhere(uri: str) -> Json:
    raise ValueError(f"{uri} lies outside the schema")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
