"""What an attribute of each kind may hold, and under which member JSON has it.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.2, 4.5.3, 4.5.18, 4.5.20 to 4.5.24, 5.2.32 and 5.5.4.
"""

import re
from collections.abc import Callable, Mapping

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import AttributeKind, Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.geometries import checked_geometry, is_geometry
from beffroi.exchange.representation.names import CORE, DEFAULT_DATASET, NULL, checked_uri

MEMBERS: dict[AttributeKind, str] = {
    AttributeKind.PROPERTY: "value",
    AttributeKind.GEO_PROPERTY: "value",
    AttributeKind.LANGUAGE_PROPERTY: "languageMap",
    AttributeKind.VOCAB_PROPERTY: "vocab",
    AttributeKind.JSON_PROPERTY: "json",
    AttributeKind.LIST_PROPERTY: "valueList",
    AttributeKind.RELATIONSHIP: "object",
    AttributeKind.LIST_RELATIONSHIP: "objectList",
}
KINDS: dict[str, AttributeKind] = {
    name: kind for kind in AttributeKind for name in (kind.value, CORE + kind.value)
}
GEOGRAPHIC = frozenset({CORE + "location", CORE + "observationSpace", CORE + "operationSpace"})
"""Attributes that are GeoProperties wherever they stand."""

OF_RELATIONSHIPS = frozenset({AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP})

_WITH_UNIT = frozenset({AttributeKind.PROPERTY, AttributeKind.LIST_PROPERTY})
_LANG_STRING = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString"
_KIND_OF_MEMBER = {
    "value": AttributeKind.PROPERTY,
    "languageMap": AttributeKind.LANGUAGE_PROPERTY,
    "vocab": AttributeKind.VOCAB_PROPERTY,
    "json": AttributeKind.JSON_PROPERTY,
    "valueList": AttributeKind.LIST_PROPERTY,
    "object": AttributeKind.RELATIONSHIP,
    "objectList": AttributeKind.LIST_RELATIONSHIP,
}
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")


def kind_of(member: str, raw: Json) -> AttributeKind:
    """Tell the kind that the member of a value tells, where no type is given."""
    kind = _KIND_OF_MEMBER[member]
    if kind is AttributeKind.PROPERTY and is_geometry(raw):
        return AttributeKind.GEO_PROPERTY
    return kind


def is_deletion(raw: Json) -> bool:
    """Tell whether a value asks to delete what has it (an NGSI-LD Null)."""
    return raw in (NULL, {DEFAULT_DATASET: NULL})


def read_value(kind: AttributeKind, raw: Json, name: str, context: Context, *, nulls: bool) -> Json:
    """Read the value of an attribute; terms of a vocabulary become IRIs.

    Args:
        kind: What the attribute says of its entity.
        raw: What JSON has as its value.
        name: The path of the attribute, for messages.
        context: Where terms get their meaning from.
        nulls: Whether NGSI-LD Null may stand inside, as in a merge.

    Raises:
        BadRequestDataError: The kind cannot hold it.
    """
    if raw is None:
        raise BadRequestDataError("exchange.json_null", name=name)
    return _READERS[kind](raw, name, context, nulls)


def refuse_fields(kind: AttributeKind, fields: Mapping[str, Json], name: str) -> None:
    """Refuse fields of the model that an attribute of a kind has not got.

    Raises:
        BadRequestDataError: One of them says something.
    """
    wrong = ""
    if fields.get("unit_code") and kind not in _WITH_UNIT:
        wrong = "unitCode"
    elif fields.get("object_type") and kind not in OF_RELATIONSHIPS:
        wrong = "objectType"
    elif fields.get("value_type") and kind in OF_RELATIONSHIPS:
        wrong = "valueType"
    if wrong:
        raise BadRequestDataError(
            "exchange.member_not_of_kind",
            name=name,
            member=wrong,
            kind=kind,
            expected=MEMBERS[kind],
        )
    value_type = fields.get("value_type") or _LANG_STRING
    if kind is AttributeKind.LANGUAGE_PROPERTY and value_type != _LANG_STRING:
        raise BadRequestDataError("exchange.not_lang_string", name=name, found=excerpt(value_type))


def refuse_nulls(kind: AttributeKind, value: Json, name: str) -> None:
    """Refuse an NGSI-LD Null inside of a value that something will keep."""
    if kind is AttributeKind.PROPERTY or kind is AttributeKind.LANGUAGE_PROPERTY:
        _check_inside(value, name, nulls=False)


def _check_inside(value: Json, name: str, *, nulls: bool) -> None:
    if type(value) is str:
        if value == NULL and not nulls:
            raise BadRequestDataError("exchange.null_not_here", name=name)
    elif type(value) is dict:
        for key, one in value.items():
            if one is None or not isinstance(one, int | float):
                _check_inside(one, f"{name}[{excerpt(key)}]", nulls=nulls)
    elif type(value) is list:
        for one in value:
            if one is None or not isinstance(one, int | float):
                _check_inside(one, name, nulls=nulls)
    elif value is None:
        raise BadRequestDataError("exchange.json_null", name=name)


def _read_compound(raw: Json, name: str, _context: Context, nulls: bool) -> Json:  # noqa: FBT001
    _check_inside(raw, name, nulls=nulls)
    return raw


def _read_geometry(raw: Json, name: str, _context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    return checked_geometry(raw, name)


def _read_languages(raw: Json, name: str, _context: Context, nulls: bool) -> Json:  # noqa: FBT001
    if not isinstance(raw, dict) or not raw:
        raise BadRequestDataError("exchange.not_languages", name=name, found=excerpt(raw))
    for language, text in raw.items():
        texts = text if isinstance(text, list) else [text]
        if language != DEFAULT_DATASET and not _LANGUAGE.fullmatch(language):
            raise BadRequestDataError("exchange.not_a_language", name=name, found=excerpt(language))
        if not texts or not all(isinstance(one, str) for one in texts):
            raise BadRequestDataError("exchange.not_languages", name=name, found=excerpt(text))
        if NULL in texts and not nulls:
            raise BadRequestDataError("exchange.null_not_here", name=name)
    return raw


def _read_vocabulary(raw: Json, name: str, context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    terms = raw if isinstance(raw, list) else [raw]
    if not terms or not all(isinstance(term, str) and term and term != NULL for term in terms):
        raise BadRequestDataError("exchange.not_vocabulary", name=name, found=excerpt(raw))
    expanded = [context.expand(term) for term in terms]
    return expanded if isinstance(raw, list) else expanded[0]


def _read_json(raw: Json, name: str, _context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    if not isinstance(raw, dict | list):
        raise BadRequestDataError("exchange.not_json", name=name, found=excerpt(raw))
    return raw


def _read_list(raw: Json, name: str, _context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    if not isinstance(raw, list):
        raise BadRequestDataError(
            "exchange.not_a_list", name=name, member="valueList", found=excerpt(raw)
        )
    _check_inside(raw, name, nulls=False)
    return raw


def _read_object(raw: Json, name: str, _context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    if isinstance(raw, list) and raw:
        return [checked_uri(one, name) for one in raw]
    return checked_uri(raw, name)


def _read_objects(raw: Json, name: str, _context: Context, _nulls: bool) -> Json:  # noqa: FBT001
    if not isinstance(raw, list):
        raise BadRequestDataError(
            "exchange.not_a_list", name=name, member="objectList", found=excerpt(raw)
        )
    return [
        checked_uri(
            one["object"] if isinstance(one, dict) and len(one) == 1 and "object" in one else one,
            name,
        )
        for one in raw
    ]


_READERS: dict[AttributeKind, Callable[[Json, str, Context, bool], Json]] = {
    AttributeKind.PROPERTY: _read_compound,
    AttributeKind.GEO_PROPERTY: _read_geometry,
    AttributeKind.LANGUAGE_PROPERTY: _read_languages,
    AttributeKind.VOCAB_PROPERTY: _read_vocabulary,
    AttributeKind.JSON_PROPERTY: _read_json,
    AttributeKind.LIST_PROPERTY: _read_list,
    AttributeKind.RELATIONSHIP: _read_object,
    AttributeKind.LIST_RELATIONSHIP: _read_objects,
}
