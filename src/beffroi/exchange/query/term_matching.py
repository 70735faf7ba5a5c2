"""Decides whether an entity meets a condition of the query language."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.query.terms import (
    EQUALITIES,
    EVERY_LANGUAGE,
    INSTANTS,
    Member,
    Path,
    Term,
)
from beffroi.exchange.query.value_matching import (
    ValueTest,
    equality_test,
    instant_test,
    texts_test,
    value_test,
)

Test = Callable[[Entity], bool]
AttributeTest = Callable[[Attribute], bool]
_PROPERTY: Final = AttributeKind.PROPERTY
_LANGUAGES: Final = AttributeKind.LANGUAGE_PROPERTY
_RELATIONSHIPS: Final = frozenset({AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP})
_FIELDS: Final[Mapping[Member, str]] = {
    Member.CREATED_AT: "created_at",
    Member.MODIFIED_AT: "modified_at",
    Member.EXPIRES_AT: "expires_at",
    Member.OBSERVED_AT: "observed_at",
    Member.UNIT_CODE: "unit_code",
    Member.DATASET_ID: "dataset_id",
}


class _Absent:
    """Stands where a value has no such part; JSON's null is a value."""


ABSENT: Final = _Absent()


def term_test(term: Term) -> Test:
    """Decide on entities by a condition that makes no hops."""
    test = _entity_member_test(term) if not term.path.names else _path_test(term)
    return (lambda entity: not test(entity)) if term.absent else test


def leads_to_test(relationship: Iri, ids: frozenset[str]) -> Test:
    """Decide whether a relationship leads to one of some entities."""
    among = equality_test(tuple(ids)) if ids else None

    def test(entity: Entity) -> bool:
        return among is not None and any(
            one.kind in _RELATIONSHIPS and among(one.value)
            for one in entity.attributes.get(relationship, ())
        )

    return test


def value_at(value: Json, trail: tuple[str, ...]) -> Json:
    """Give a part of a compound value; ``ABSENT`` where there is none."""
    for part in trail:
        if type(value) is dict:
            value = value.get(part, ABSENT)
        elif type(value) is list and part.isdecimal() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return ABSENT
    return value


def texts_of(languages: Mapping[str, Json], trail: tuple[str, ...]) -> list[str]:
    """Give the texts in a language, or in all of them without one or with "*"."""
    if not trail or trail == (EVERY_LANGUAGE,):
        found = list(languages.values())
    else:
        tag = trail[0].lower()
        found = [text for key, text in languages.items() if key.lower() == tag]
        if len(trail) > 1:
            return []
    return [text for one in found for text in (one if isinstance(one, list) else [one])]


def member_of(source: Entity | Attribute, member: Member | None) -> Json:
    """Give what an entity or an attribute says of itself; ``ABSENT`` where it does not."""
    return (getattr(source, _FIELDS[member]) if member else None) or ABSENT


def _entity_member_test(term: Term) -> Test:
    member = term.path.member
    field = _FIELDS[member or Member.CREATED_AT]
    if term.operator is None:
        return lambda entity: getattr(entity, field) is not None
    test = instant_test(term.operator, term.operand)

    def compared(entity: Entity) -> bool:
        instant = getattr(entity, field)
        return instant is not None and test(instant)

    return compared


def _path_test(term: Term) -> Test:
    first, *inner = term.path.names
    if term.operator is None and not inner and not term.path.trail and term.path.member is None:
        return lambda entity: first in entity.attributes
    test = _attribute_test(term)
    for name in reversed(inner):
        test = _through(name, test)

    def found(entity: Entity) -> bool:
        for one in entity.attributes.get(first, ()):  # noqa: SIM110 - half the time of any()
            if test(one):
                return True
        return False

    return found


def _through(name: Iri, test: AttributeTest) -> AttributeTest:
    return lambda attribute: any(map(test, attribute.members.get(name, ())))


def _attribute_test(term: Term) -> AttributeTest:
    path, operator = term.path, term.operator
    if path.member is not None:
        return _member_test(path.member, term)
    if operator is None:
        return _presence_test(path)
    test, texts = value_test(operator, term.operand), texts_test(operator, term.operand)
    if path.trail:
        return _part_test(path.trail, test, texts)
    relates = operator in EQUALITIES

    def compared(attribute: Attribute) -> bool:
        kind = attribute.kind
        if kind is _PROPERTY:
            return test(attribute.value)
        if kind is _LANGUAGES:
            return texts(texts_of(attribute.value, ()))
        return (relates or kind not in _RELATIONSHIPS) and test(attribute.value)

    return compared


def _presence_test(path: Path) -> AttributeTest:
    trail = path.trail
    if not trail:
        return lambda _: True

    def present(attribute: Attribute) -> bool:
        if attribute.kind is _LANGUAGES:
            return bool(texts_of(attribute.value, trail))
        return value_at(attribute.value, trail) is not ABSENT

    return present


def _part_test(
    trail: tuple[str, ...], test: ValueTest, texts: Callable[[list[str]], bool]
) -> AttributeTest:
    def compared(attribute: Attribute) -> bool:
        if attribute.kind is _LANGUAGES:
            found = texts_of(attribute.value, trail)
            return bool(found) and texts(found)
        part = value_at(attribute.value, trail)
        return part is not ABSENT and test(part)

    return compared


def _member_test(member: Member, term: Term) -> AttributeTest:
    field, operator = _FIELDS[member], term.operator
    if operator is None:
        return lambda attribute: bool(getattr(attribute, field))
    test: Callable[[datetime], bool] | ValueTest = (
        instant_test(operator, term.operand)
        if member in INSTANTS
        else value_test(operator, term.operand)
    )

    def compared(attribute: Attribute) -> bool:
        told = getattr(attribute, field)
        return bool(told) and test(told)

    return compared
