"""Attributes read from JSON: normalized, concise or simplified, whole or in part.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2 to 4.5.5, 4.5.17 and 5.5.4.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from msgspec import UNSET

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.geometries import is_geometry
from beffroi.exchange.representation.instants import read_instant, written_instant
from beffroi.exchange.representation.names import (
    CORE,
    NULL,
    PROOF,
    RESERVED,
    attribute_iri,
    checked_dataset,
    checked_uri,
    type_iris,
)
from beffroi.exchange.representation.plain_reading import plain_attribute, plain_fragment
from beffroi.exchange.representation.values import (
    GEOGRAPHIC,
    KINDS,
    MEMBERS,
    is_deletion,
    kind_of,
    read_value,
    refuse_fields,
)

DEEPEST = 10
"""How many attributes may stand in one another."""

SEALED = {CORE + "entityIdSealed": "entityIdSealed", CORE + "entityTypeSealed": "entityTypeSealed"}

_VALUES = frozenset(MEMBERS.values())
_TELLING = RESERVED.difference({"id", "type", "scope"}) | {"@context"}
"""Members that an attribute has and a compound value has not."""


class AttributeReader:
    """Reads the attributes of one request.

    Attributes:
        context: Where names get their meaning from.
        now: When whole attributes come to be; None reads fragments, which may delete.
        over_time: Whether an attribute may have several instances of one data set, as in history.
    """

    __slots__ = ("context", "now", "over_time")

    def __init__(self, context: Context, now: datetime | None, *, over_time: bool = False) -> None:
        self.context = context
        self.now = now
        self.over_time = over_time

    def attributes(self, iri: Iri, name: str, document: Json) -> tuple[Attribute, ...]:
        """Read the whole instances of one attribute."""
        if self.now is not None:
            plain = plain_attribute(iri, document, self.now)
            if plain is not None:
                return (plain,)
        return tuple([one.attribute() for one in self._instances(iri, name, document, 1)])

    def fragments(self, iri: Iri, name: str, document: Json) -> tuple[AttributeFragment, ...]:
        """Read the instances of one attribute, whole or in part."""
        plain = plain_fragment(iri, name, document)
        if plain is not None:
            return (plain,)
        return tuple([one.fragment() for one in self._instances(iri, name, document, 1)])

    def own_fragment(self, iri: Iri, name: str, document: dict[str, Json]) -> AttributeFragment:
        """Read one instance that is known to be no bare value, save for a geometry."""
        plain = plain_fragment(iri, name, document)
        if plain is not None:
            return plain
        instance = _Instance(self, iri, name, 1)
        if is_geometry(document):
            instance.take_bare(document)
        else:
            instance.take_reified(document)
        return instance.fragment()

    def _instances(self, iri: Iri, name: str, document: Json, depth: int) -> list["_Instance"]:
        if depth > DEEPEST:
            raise BadRequestDataError("exchange.nested_too_deep", name=name, deepest=DEEPEST)
        if type(document) is list and any(map(_is_reified, document)):
            instances = [self._instance(iri, name, one, depth) for one in document]
        elif type(document) is dict and _is_dataset_map(document):
            instances = [
                self._instance(iri, name, one, depth, checked_dataset(dataset_id, name))
                for dataset_id, one in document["dataset"].items()
            ]
        else:
            return [self._instance(iri, name, document, depth)]
        if self.over_time and depth == 1:
            return instances
        seen = set()
        for one in instances:
            if one.dataset_id in seen:
                told = one.dataset_id or "@none"
                raise BadRequestDataError("exchange.dataset_twice", name=name, dataset=told)
            seen.add(one.dataset_id)
        return instances

    def _instance(
        self, iri: Iri, name: str, document: Json, depth: int, dataset_id: str = ""
    ) -> "_Instance":
        instance = _Instance(self, iri, name, depth)
        instance.dataset_id = dataset_id
        if _is_reified(document):
            instance.take_reified(document)
        else:
            instance.take_bare(document)
        return instance

    def members(self, iri: Iri, name: str, document: Json, depth: int) -> tuple[Any, ...]:
        """Read an attribute of an attribute, whole or in part as its attribute is."""
        instances = self._instances(iri, name, document, depth)
        if self.now is None:
            return tuple([one.fragment() for one in instances])
        return tuple([one.attribute() for one in instances])


class _Instance:
    """One instance while it is being read."""

    __slots__ = (
        *("reader", "iri", "name", "depth", "kind", "told", "member", "raw", "value"),
        *("dataset_id", "fields", "inner"),
    )

    def __init__(self, reader: AttributeReader, iri: Iri, name: str, depth: int) -> None:
        self.reader = reader
        self.iri = iri
        self.name = name
        self.depth = depth
        self.kind: AttributeKind | None = None
        self.told = False
        self.member = ""
        self.raw: Json = None
        self.value: Json = UNSET
        self.dataset_id = ""
        self.fields: dict[str, Any] = {}
        self.inner: dict[Iri, tuple[Any, ...]] = {}

    def take_bare(self, document: Json) -> None:
        """Take a value that stands for its attribute."""
        self.member, self.raw = "value", document
        self._read_value()

    def take_reified(self, document: dict[str, Json]) -> None:
        """Take the members of an attribute."""
        for key, value in document.items():
            take = self.TAKERS.get(key)
            if take is None:
                self._take_member(key, value)
            else:
                take(self, key, value)
        self._read_value()
        if self.fields and self.kind is not None:
            refuse_fields(self.kind, self.fields, self.name)
        if self.iri == PROOF and not isinstance(self.value, dict) and self.reader.now is not None:
            raise BadRequestDataError("exchange.not_a_proof", name=self.name)

    def attribute(self) -> Attribute:
        """Give the whole instance, new as of now."""
        if self.value is UNSET:
            self._refuse_absence()
        return Attribute(
            kind=self.kind or AttributeKind.PROPERTY,
            value=self.value,
            dataset_id=self.dataset_id,
            created_at=self.reader.now,
            modified_at=self.reader.now,
            members=self.inner,
            **self.fields,
        )

    def fragment(self) -> AttributeFragment:
        """Give the part that the request tells."""
        deletes = bool(self.member) and self.value is UNSET
        return AttributeFragment(
            name=self.name,
            kind=self.kind,
            told=self.told,
            deletes=deletes,
            value=self.value,
            raw=self.raw if self.member and not deletes else UNSET,
            dataset_id=self.dataset_id,
            fields=self.fields,
            members=self.inner,
        )

    def _read_value(self) -> None:
        if not self.member:
            return
        expected = MEMBERS[self.kind] if self.kind is not None else self.member
        if self.member != expected:
            raise BadRequestDataError(
                "exchange.member_not_of_kind",
                name=self.name,
                member=self.member,
                kind=self.kind,
                expected=expected,
            )
        if is_deletion(self.raw) and (self.raw == NULL or self.member == "languageMap"):
            self._refuse_null(self.name)
            return
        if self.kind is None:
            self.kind = kind_of(self.member, self.raw)
        if self.iri in GEOGRAPHIC and self.kind is not AttributeKind.GEO_PROPERTY:
            raise BadRequestDataError("exchange.geometry_needed", name=self.name)
        reader = self.reader
        self.value = read_value(
            self.kind, self.raw, self.name, reader.context, nulls=reader.now is None
        )

    def _refuse_absence(self) -> None:
        member = MEMBERS[self.kind] if self.kind is not None else "value"
        raise BadRequestDataError("exchange.value_missing", name=self.name, member=member)

    def _refuse_null(self, name: str) -> None:
        if self.reader.now is not None:
            raise BadRequestDataError("exchange.null_not_here", name=name)

    def _take_member(self, key: str, value: Json) -> None:
        name = f"{self.name}.{key}"
        if key in RESERVED or key[:1] == "@":
            raise BadRequestDataError("exchange.member_reserved", name=excerpt(name))
        reader = self.reader
        iri = attribute_iri(key, reader.context)
        if iri in self.inner:
            raise BadRequestDataError("exchange.name_twice", name=excerpt(name), iri=excerpt(iri))
        self.inner[iri] = reader.members(iri, name, value, self.depth + 1)

    def _take_type(self, _key: str, value: Json) -> None:
        kind = KINDS.get(value) if isinstance(value, str) else None
        if kind is None:
            raise BadRequestDataError(
                "exchange.kind_unknown",
                name=self.name,
                found=excerpt(value),
                known=", ".join(AttributeKind),
            )
        self.kind, self.told = kind, True

    def _take_value(self, key: str, value: Json) -> None:
        if self.member:
            raise BadRequestDataError(
                "exchange.two_values", name=self.name, first=self.member, second=key
            )
        self.member, self.raw = key, value

    def _take_dataset(self, _key: str, value: Json) -> None:
        self.dataset_id = checked_dataset(value, self.name)

    def _take_observed_at(self, key: str, value: Json) -> None:
        name = f"{self.name}.{key}"
        if value == NULL:
            self._refuse_null(name)
            self.fields.update(observed_at=None, observed_as="")
            return
        instant = read_instant(value, name)
        self.fields["observed_at"] = instant
        if self.reader.now is None:
            self.fields["observed_as"] = ""
        if written_instant(instant) != value:
            self.fields["observed_as"] = value

    def _take_expires_at(self, key: str, value: Json) -> None:
        name = f"{self.name}.{key}"
        if value == NULL:
            self._refuse_null(name)
            self.fields["expires_at"] = None
            return
        self.fields["expires_at"] = read_instant(value, name)

    def _take_unit(self, key: str, value: Json) -> None:
        self.fields["unit_code"] = self._text(key, value)

    def _take_value_type(self, key: str, value: Json) -> None:
        text = self._text(key, value)
        self.fields["value_type"] = self.reader.context.expand(text) if text else ""

    def _take_object_type(self, key: str, value: Json) -> None:
        if value == NULL:
            self._refuse_null(f"{self.name}.{key}")
            self.fields["object_type"] = ()
            return
        self.fields["object_type"] = type_iris(value, self.reader.context)

    def _text(self, key: str, value: Json) -> str:
        name = f"{self.name}.{key}"
        if value == NULL:
            self._refuse_null(name)
            return ""
        if not isinstance(value, str) or not value:
            raise BadRequestDataError("exchange.not_text", name=name, found=excerpt(value))
        return value

    def _take_sealed(self, key: str, value: Json) -> None:
        name = f"{self.name}.{key}"
        if self.iri != PROOF:
            raise BadRequestDataError("exchange.member_reserved", name=name)
        if key == "entityIdSealed":
            sealed = checked_uri(value, name)
        else:
            sealed = self.reader.context.expand(self._text(key, value))
        kind = AttributeKind.PROPERTY
        if self.reader.now is None:
            self.inner[CORE + key] = (AttributeFragment(name=name, kind=kind, value=sealed),)
        else:
            self.inner[CORE + key] = (Attribute(kind=kind, value=sealed),)

    def _skip(self, _key: str, _value: Json) -> None:
        """Leave what only the hub writes."""

    TAKERS: ClassVar[dict[str, Callable[["_Instance", str, Json], None]]] = {
        "type": _take_type,
        "@type": _take_type,
        "datasetId": _take_dataset,
        "observedAt": _take_observed_at,
        "expiresAt": _take_expires_at,
        "unitCode": _take_unit,
        "valueType": _take_value_type,
        "objectType": _take_object_type,
        "entityIdSealed": _take_sealed,
        "entityTypeSealed": _take_sealed,
        **dict.fromkeys(("createdAt", "modifiedAt", "deletedAt", "instanceId"), _skip),
        **dict.fromkeys(_VALUES, _take_value),
    }


def _is_reified(document: Json) -> bool:
    if type(document) is not dict:
        return False
    told = document.get("type", document.get("@type"))
    if isinstance(told, str) and told in KINDS:
        return True
    if not _TELLING.isdisjoint(document):
        return True
    return told is None and any(
        type(one) is dict and isinstance(one.get("type"), str) and one["type"] in KINDS
        for one in document.values()
    )


def _is_dataset_map(document: dict[str, Json]) -> bool:
    return (
        len(document) == 1
        and isinstance(document.get("dataset"), dict)
        and bool(document["dataset"])
    )
