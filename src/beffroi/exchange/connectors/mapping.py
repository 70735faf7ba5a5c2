"""From an entity to a row in the receiver's words; pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET

from beffroi.exchange.connectors.declared import MappedField, Part
from beffroi.exchange.connectors.units import can_convert, converted
from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.names import attribute_iri

OF_ENTITIES: Final = frozenset({"id", "type", "observedAt", "modifiedAt"})
"""What an entity has that is no attribute."""
_SIDES: Final = {Part.LONGITUDE: 0, Part.LATITUDE: 1}
Row = dict[str, Json]


class RowRefusedError(DeclarationRefusedError):
    """An entity cannot be told as the mapping says."""


class _Field(msgspec.Struct, frozen=True):
    name: str
    declared: MappedField
    iri: Iri
    divisor: Iri


class RowMapping:
    """Turns entities into rows.

    Args:
        fields: By the receiver's names.
        context: Which attributes the names in them stand for.
        shorten: Writes a type as the receiver knows it.
    """

    def __init__(
        self, fields: Mapping[str, MappedField], context: Context, shorten: Callable[[Iri], str]
    ) -> None:
        self._shorten = shorten
        self._fields = [_field(name, one, context) for name, one in fields.items()]

    @property
    def names(self) -> tuple[str, ...]:
        """Return the receiver's names, in the order of the declaration."""
        return tuple(one.name for one in self._fields)

    def row(self, entity: Entity) -> Row:
        """Tell an entity; what it does not have is told as null.

        Raises:
            RowRefusedError: A value cannot be converted, or one that is required is missing.
        """
        row: Row = {}
        for field in self._fields:
            told = self._told(field, entity)
            if told is None and field.declared.required:
                raise _refused("exchange.connector_value_missing", field)
            row[field.name] = told
        return row

    def told_names(self, entity: Entity) -> tuple[Iri, ...]:
        """Tell which attributes of an entity a row tells of."""
        used = {one.iri for one in self._fields} | {one.divisor for one in self._fields}
        return tuple(sorted(used & entity.attributes.keys()))

    def observed_at(self, entity: Entity) -> datetime | None:
        """Tell when the newest of what the rows tell of was so."""
        used = {one.iri for one in self._fields}
        return _newest(
            one for iri in used & entity.attributes.keys() for one in entity.attributes[iri]
        )

    def _told(self, field: _Field, entity: Entity) -> Json:
        match field.declared.attribute:
            case "id":
                return entity.id
            case "type":
                return self._shorten(entity.types[0]) if entity.types else None
            case "observedAt":
                at = self.observed_at(entity)
                return None if at is None else written_instant(at)
            case "modifiedAt":
                return None if entity.modified_at is None else written_instant(entity.modified_at)
        instance = _instance(entity, field.iri, field.declared.dataset)
        return None if instance is None else self._part(field, instance, entity)

    def _part(self, field: _Field, instance: Attribute, entity: Entity) -> Json:
        match field.declared.part:
            case Part.VALUE:
                return self._value(field, instance, entity)
            case Part.OBSERVED_AT:
                at = instance.observed_at
                return None if at is None else written_instant(at)
            case Part.UNIT:
                return field.declared.unit or instance.unit_code or None
            case Part.LONGITUDE | Part.LATITUDE:
                return _side(field, instance)

    def _value(self, field: _Field, instance: Attribute, entity: Entity) -> Json:
        declared = field.declared
        value = _plain(instance, declared.language)
        counts = declared.unit or declared.divided_by or declared.digits is not UNSET
        if value is None or not counts:
            return value
        number = _number(field, value)
        if declared.unit:
            held = instance.unit_code or declared.unit_held
            if not can_convert(held, declared.unit):
                raise _refused(
                    "exchange.connector_unit", field, held=held or "?", wanted=declared.unit
                )
            number = converted(number, held, declared.unit)
        if declared.divided_by:
            number = _divided(field, number, entity)
        if declared.digits is not UNSET:
            number = round(number, declared.digits)
        return number


def _field(name: str, declared: MappedField, context: Context) -> _Field:
    special = declared.attribute in OF_ENTITIES
    iri = "" if special else attribute_iri(declared.attribute, context)
    divisor = attribute_iri(declared.divided_by, context) if declared.divided_by else ""
    return _Field(name, declared, iri, divisor)


def _instance(entity: Entity, iri: Iri, dataset: str) -> Attribute | None:
    instances = entity.attributes.get(iri, ())
    return next((one for one in instances if one.dataset_id == dataset), None)


def _newest(instances: Iterable[Attribute]) -> datetime | None:
    return max((one.observed_at for one in instances if one.observed_at), default=None)


def _plain(instance: Attribute, language: str) -> Json:
    """Return a value as people outside of linked data write it."""
    value = instance.value
    if instance.kind is AttributeKind.LANGUAGE_PROPERTY and isinstance(value, dict):
        if language in value:
            return value[language]
        return next(iter(value.values()), None)
    if isinstance(value, dict) and "@value" in value:
        return value["@value"]
    return value


def _number(field: _Field, value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused("exchange.connector_not_a_number", field, found=str(value)[:60])
    return value


def _divided(field: _Field, number: float, entity: Entity) -> float:
    instance = _instance(entity, field.divisor, field.declared.dataset)
    if instance is None:
        raise _refused("exchange.connector_value_missing", field)
    divisor = _number(field, _plain(instance, ""))
    if divisor == 0:
        raise _refused("exchange.connector_divided_by_zero", field)
    return number / divisor


def _side(field: _Field, instance: Attribute) -> Json:
    match instance.value:
        # A Property may hold an object that only looks like a geometry.
        case {"type": "Point", "coordinates": [int() | float(), int() | float(), *_] as place}:
            return place[_SIDES[field.declared.part]]
    raise _refused("exchange.connector_not_a_point", field)


def _refused(code: str, field: _Field, **values: object) -> RowRefusedError:
    return RowRefusedError(code, field=field.name, attribute=field.declared.attribute, **values)
