"""Entities written as JSON, in the form that somebody asks for.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2 to 4.5.5, 4.5.16, 4.5.17, 4.15, 4.21 and 6.3.11.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.attribute_reading import SEALED
from beffroi.exchange.representation.geometries import is_geometry
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.languages import chosen_language
from beffroi.exchange.representation.names import CORE, DEFAULT_DATASET, PROOF
from beffroi.exchange.representation.values import MEMBERS, OF_RELATIONSHIPS

LOCATION = CORE + "location"

Linked = Callable[[Iri, str], Json]
"""Gives the written entity that a relationship of that name leads to, or None to leave it out."""

_Kind = AttributeKind
_TYPED_BY_VALUE = frozenset({_Kind.PROPERTY, _Kind.GEO_PROPERTY})
_BARE_IF_SIMPLIFIED = frozenset(
    {
        *(_Kind.PROPERTY, _Kind.GEO_PROPERTY, _Kind.RELATIONSHIP),
        *(_Kind.LIST_PROPERTY, _Kind.LIST_RELATIONSHIP),
    }
)


class Style(StrEnum):
    """How much of an attribute is written."""

    NORMALIZED = "normalized"
    CONCISE = "concise"
    SIMPLIFIED = "simplified"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to see of entities, and how.

    Attributes:
        sys_attrs: Whether to tell when things came, changed and end.
        languages: As ``read_languages`` gives them; none keeps every text of LanguageProperties.
        pick: Names of attributes, and "id", "type", "scope"; None is every member.
        omit: Members to leave out, named as in ``pick``.
        dataset_ids: Instances to show, "" being the default one; None is all of them.
        as_properties: Kinds that the asker is too old to know, written as Properties.
    """

    style: Style = Style.NORMALIZED
    sys_attrs: bool = False
    languages: tuple[str, ...] = ()
    pick: frozenset[str] | None = None
    omit: frozenset[str] = frozenset()
    dataset_ids: frozenset[str] | None = None
    as_properties: frozenset[AttributeKind] = frozenset()


def written(
    entity: Entity, context: Context, form: Form, linked: Linked | None = None
) -> dict[str, Json]:
    """Write an entity, without its "@context".

    Args:
        entity: What to write.
        context: Which names to write it with.
        form: What to write of it, and how.
        linked: Gives entities to write into the relationships that lead to them.
    """
    shows = _shown(form)
    result: dict[str, Json] = {}
    if shows("id"):
        result["id"] = entity.id
    if shows("type"):
        result["type"] = _one_or_all([context.compact(iri) for iri in entity.types])
    if entity.scopes and shows("scope"):
        result["scope"] = _one_or_all(list(entity.scopes))
    if form.sys_attrs:
        _write_system(result, entity)
        result = {name: value for name, value in result.items() if shows(name)}
    writer = _Writer(context, form, linked)
    for iri, instances in entity.attributes.items():
        if shows(iri):
            value = writer.instances(iri, instances)
            if value is not None:
                result[context.compact(iri)] = value
    return result


def written_feature(
    entity: Entity,
    context: Context,
    form: Form,
    geometry_property: Iri = LOCATION,
    linked: Linked | None = None,
) -> dict[str, Json]:
    """Write an entity as a GeoJSON Feature, without its "@context".

    Args:
        entity: What to write.
        context: Which names to write it with.
        form: What to write of it, and how.
        geometry_property: The attribute whose value is the geometry of the Feature; its default
            instance, or the first of those that the form shows.
        linked: Gives entities to write into the relationships that lead to them.
    """
    properties = written(entity, context, form, linked)
    result = {"id": properties.pop("id")} if "id" in properties else {}
    result["type"] = "Feature"
    result["geometry"] = _geometry(entity.attributes.get(geometry_property, ()), form)
    result["properties"] = properties
    return result


def instance_writer(context: Context, form: Form) -> Callable[[Iri, Attribute], Json]:
    """Return what writes one instance of an attribute at a time."""
    return _Writer(context, form, None).one


def _geometry(instances: tuple[Attribute, ...], form: Form) -> Json:
    wanted = form.dataset_ids or {""}
    for one in instances:
        if one.kind is _Kind.GEO_PROPERTY and one.dataset_id in wanted:
            return one.value
    return None


def _shown(form: Form) -> Callable[[str], bool]:
    pick, omit = form.pick, form.omit
    if pick is None:
        return lambda name: name not in omit
    return lambda name: name in pick and name not in omit


def _write_system(result: dict[str, Json], source: Entity | Attribute) -> None:
    if source.created_at is not None:
        result["createdAt"] = written_instant(source.created_at)
    if source.modified_at is not None:
        result["modifiedAt"] = written_instant(source.modified_at)
    if source.expires_at is not None:
        result["expiresAt"] = written_instant(source.expires_at)


def _one_or_all(values: list[str]) -> Json:
    return values[0] if len(values) == 1 else values


class _Writer:
    """Writes the attributes of one entity."""

    __slots__ = ("_context", "_form", "_linked", "_write")

    def __init__(self, context: Context, form: Form, linked: Linked | None) -> None:
        self._context = context
        self._form = form
        self._linked = linked
        styles: Mapping[Style, Callable[[Iri, Attribute], Json]] = {
            Style.NORMALIZED: self._normalized,
            Style.CONCISE: self._concise,
            Style.SIMPLIFIED: self._simplified,
        }
        self._write = styles[form.style]

    def instances(self, iri: Iri, instances: tuple[Attribute, ...]) -> Json:
        """Write the instances of one attribute; None where the form shows none of them."""
        wanted = self._form.dataset_ids
        if wanted is not None:
            instances = tuple([one for one in instances if one.dataset_id in wanted])
        if len(instances) == 1:
            return self._write(iri, instances[0])
        if not instances:
            return None
        if self._form.style is Style.SIMPLIFIED:
            return {
                "dataset": {
                    one.dataset_id or DEFAULT_DATASET: self._simplified(iri, one)
                    for one in instances
                }
            }
        return [self._write(iri, one) for one in instances]

    def one(self, iri: Iri, attribute: Attribute) -> Json:
        """Write one instance."""
        return self._write(iri, attribute)

    def _normalized(self, iri: Iri, attribute: Attribute) -> Json:
        kind, member, value, language = self._value(attribute)
        result: dict[str, Json] = {"type": kind.value, member: value}
        if kind is _Kind.LIST_RELATIONSHIP:
            result[member] = [{"object": one} for one in value]
        if language:
            result["lang"] = language
        self._write_fields(result, iri, attribute)
        return result

    def _concise(self, iri: Iri, attribute: Attribute) -> Json:
        kind, member, value, language = self._value(attribute)
        result: dict[str, Json] = {member: value}
        if kind in _TYPED_BY_VALUE and is_geometry(value) is not (kind is _Kind.GEO_PROPERTY):
            result = {"type": kind.value, member: value}
        if language:
            result["lang"] = language
        self._write_fields(result, iri, attribute)
        if len(result) == 1 and member == "value" and _can_stand_bare(kind, value):
            return value
        return result

    def _simplified(self, iri: Iri, attribute: Attribute) -> Json:
        kind, member, value, _ = self._value(attribute)
        if kind not in _BARE_IF_SIMPLIFIED:
            return {member: value}
        if self._linked is not None and kind in OF_RELATIONSHIPS:
            ids = value if isinstance(value, list) else [value]
            found = [self._linked(iri, one) or one for one in ids]
            return found if isinstance(value, list) else found[0]
        return value

    def _value(self, attribute: Attribute) -> tuple[AttributeKind, str, Json, str]:
        """Give the kind, the member, the value and its language, as the form has them."""
        kind, value = attribute.kind, attribute.value
        if kind is _Kind.LANGUAGE_PROPERTY and self._form.languages:
            language = chosen_language(value, self._form.languages)
            return _Kind.PROPERTY, "value", value[language], language
        if kind is _Kind.VOCAB_PROPERTY:
            value = self._compacted(value)
        if kind in self._form.as_properties:
            return _Kind.PROPERTY, "value", value, ""
        return kind, MEMBERS[kind], value, ""

    def _compacted(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._context.compact(one) for one in value]
        return self._context.compact(value)

    def _write_fields(self, result: dict[str, Json], iri: Iri, attribute: Attribute) -> None:
        if attribute.dataset_id:
            result["datasetId"] = attribute.dataset_id
        if attribute.observed_at is not None:
            result["observedAt"] = attribute.observed_as or written_instant(attribute.observed_at)
        if attribute.unit_code:
            result["unitCode"] = attribute.unit_code
        if attribute.value_type:
            result["valueType"] = self._context.compact(attribute.value_type)
        if attribute.object_type:
            types = [self._context.compact(one) for one in attribute.object_type]
            result["objectType"] = _one_or_all(types)
        if self._form.sys_attrs:
            _write_system(result, attribute)
        if self._linked is not None and attribute.kind in OF_RELATIONSHIPS:
            self._write_linked(result, iri, attribute)
        if attribute.members:
            self._write_members(result, iri, attribute)

    def _write_members(self, result: dict[str, Json], iri: Iri, attribute: Attribute) -> None:
        for inner, instances in attribute.members.items():
            if iri == PROOF and inner in SEALED:
                sealed = instances[0].value
                is_type = SEALED[inner] == "entityTypeSealed"
                result[SEALED[inner]] = self._context.compact(sealed) if is_type else sealed
                continue
            written_inner = [self._write(inner, one) for one in instances]
            result[self._context.compact(inner)] = (
                written_inner[0] if len(written_inner) == 1 else written_inner
            )

    def _write_linked(self, result: dict[str, Json], iri: Iri, attribute: Attribute) -> None:
        if self._linked is None:
            return
        ids = attribute.value if isinstance(attribute.value, list) else [attribute.value]
        found = [entity for one in ids if (entity := self._linked(iri, one)) is not None]
        if not found:
            return
        if attribute.kind is _Kind.LIST_RELATIONSHIP:
            result["entityList"] = found
        else:
            result["entity"] = found if isinstance(attribute.value, list) else found[0]


def _can_stand_bare(kind: AttributeKind, value: Json) -> bool:
    """Tell whether a bare value reads as the same attribute again."""
    if kind is _Kind.GEO_PROPERTY:
        return True
    if isinstance(value, list):
        return not any(isinstance(one, dict) for one in value)
    return not isinstance(value, dict)
