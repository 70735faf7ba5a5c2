"""What became of entities, written as JSON in the form that somebody asks for.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.6 to 4.5.9 and 4.5.19.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import SCOPE, Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.representation.names import NULL
from beffroi.exchange.representation.values import MEMBERS
from beffroi.exchange.representation.writing import Form, Style, instance_writer
from beffroi.exchange.temporal.instance_ids import instance_id
from beffroi.exchange.temporal.model import (
    Aggregation,
    Evolution,
    Figures,
    Instance,
    KnownEntity,
    TimeProperty,
)

_SCOPE_MEMBER: Final = "scope"
_NONE: Final[Mapping[Iri, AttributeKind]] = {}
_NULLS: Final[dict[AttributeKind, Json]] = {
    AttributeKind.LANGUAGE_PROPERTY: {"@none": NULL},
    AttributeKind.LIST_RELATIONSHIP: [NULL],
}


class Shape(StrEnum):
    """How instances are written."""

    NORMALIZED = "normalized"
    VALUES = "temporalValues"
    AGGREGATED = "aggregatedValues"


class TemporalForm(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to see of what became of entities, and how.

    Attributes:
        members: Which members of entities, in which languages, with or without what the hub knows
            of their times.
        property: The time that values are written with.
        aggregation: Which figures, where the shape has them.
    """

    shape: Shape
    members: Form
    property: TimeProperty = TimeProperty.OBSERVED_AT
    aggregation: Aggregation | None = None


class EvolutionWriting:
    """Writes what became of entities, without their "@context"."""

    def __init__(self, context: Context, form: TemporalForm) -> None:
        self._context = context
        self._form = form
        self._values_shown = form.shape is Shape.VALUES
        style = Style.SIMPLIFIED if self._values_shown else Style.NORMALIZED
        self._write = instance_writer(context, replace(form.members, style=style))

    def written(
        self, evolution: Evolution, emptied: Mapping[Iri, AttributeKind] = _NONE
    ) -> dict[str, Json]:
        """Write one; nothing is left of it where the form shows none of its members.

        Args:
            evolution: What to write.
            emptied: Attributes whose instances the answer could not hold.
        """
        result = self._head(evolution.entity)
        attributes: dict[Iri, Json] = {}
        if self._form.shape is Shape.AGGREGATED:
            attributes = self._aggregated(evolution.figures)
        else:
            write = self._values if self._values_shown else self._instances
            for iri, instances in _by_attribute(evolution.instances).items():
                attributes[iri] = write(iri, instances)
        for iri, kind in emptied.items():
            attributes[iri] = self._group("", kind, []) if self._values_shown else []
        for iri, value in attributes.items():
            if self._shows(_SCOPE_MEMBER if iri == SCOPE else iri):
                result[self._context.compact(iri)] = value
        return result

    def _shows(self, name: str) -> bool:
        pick, omit = self._form.members.pick, self._form.members.omit
        return (pick is None or name in pick) and name not in omit

    def _head(self, entity: KnownEntity) -> dict[str, Json]:
        types = [self._context.compact(iri) for iri in entity.types]
        result: dict[str, Json] = {
            "id": entity.id,
            "type": types[0] if len(types) == 1 else types,
        }
        if self._form.members.sys_attrs:
            result["createdAt"] = written_instant(entity.created_at)
            result["modifiedAt"] = written_instant(entity.modified_at)
            if entity.deleted_at is not None:
                result["deletedAt"] = written_instant(entity.deleted_at)
        return {name: value for name, value in result.items() if self._shows(name)}

    def _instances(self, iri: Iri, instances: Sequence[Instance]) -> list[Json]:
        return [self._instance(iri, one) for one in instances]

    def _instance(self, iri: Iri, one: Instance) -> Json:
        result = self._write(iri, _ended(one) if one.ended else one.value)
        if one.ended and one.observed:
            result["observedAt"] = written_instant(one.at)
        result["instanceId"] = instance_id(one.written_at, one.number)
        if self._form.members.sys_attrs:
            result["createdAt"] = written_instant(one.written_at)
            result["modifiedAt"] = written_instant(one.changed_at or one.written_at)
        if one.ended:
            result["deletedAt"] = written_instant(one.written_at)
        return result

    def _values(self, iri: Iri, instances: Sequence[Instance]) -> Json:
        groups: dict[tuple[str, AttributeKind], list[Json]] = {}
        for one in instances:
            value = _ended(one) if one.ended else one.value
            pairs = groups.setdefault((one.dataset_id, value.kind), [])
            pairs.append([self._write(iri, value), written_instant(one.at)])
        written: list[Json] = []
        for (dataset_id, told), pairs in groups.items():
            written.append(self._group(dataset_id, told, pairs))
        return written[0] if len(written) == 1 else written

    def _group(self, dataset_id: str, told: AttributeKind, pairs: list[Json]) -> Json:
        kind = self._shown_kind(told)
        group: dict[str, Json] = {"type": kind.value}
        if dataset_id:
            group["datasetId"] = dataset_id
        group[MEMBERS[kind] + "s"] = pairs
        return group

    def _shown_kind(self, kind: AttributeKind) -> AttributeKind:
        form = self._form.members
        chosen = kind is AttributeKind.LANGUAGE_PROPERTY and form.languages
        return AttributeKind.PROPERTY if chosen or kind in form.as_properties else kind

    def _aggregated(self, figures: Sequence[Figures]) -> dict[Iri, Json]:
        methods = () if self._form.aggregation is None else self._form.aggregation.methods
        groups: dict[Iri, dict[tuple[str, str], dict[str, Json]]] = {}
        for one in figures:
            of_attribute = groups.setdefault(one.attribute, {})
            group = of_attribute.get((one.dataset_id, one.kind))
            if group is None:
                group = {"type": one.kind}
                if one.dataset_id:
                    group["datasetId"] = one.dataset_id
                group.update({method.value: [] for method in methods})
                of_attribute[one.dataset_id, one.kind] = group
            times = [written_instant(one.start), written_instant(one.end)]
            for method, figure in zip(methods, one.figures, strict=True):
                if figure is not None:
                    group[method.value].append([figure, *times])
        return {
            iri: next(iter(found.values())) if len(found) == 1 else list(found.values())
            for iri, found in groups.items()
        }


def _ended(one: Instance) -> Attribute:
    """Return an instance that says that its attribute was deleted."""
    kind = one.value.kind
    null = [] if one.attribute == SCOPE else _NULLS.get(kind, NULL)
    return Attribute(kind=kind, value=null, dataset_id=one.dataset_id)


def _by_attribute(instances: Iterable[Instance]) -> dict[Iri, list[Instance]]:
    found: dict[Iri, list[Instance]] = {}
    for one in instances:
        found.setdefault(one.attribute, []).append(one)
    return found
