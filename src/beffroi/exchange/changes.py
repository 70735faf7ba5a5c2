"""What a write changed of an entity, attribute by attribute; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from sys import float_info
from typing import Final

import msgspec
from msgspec.structs import replace

from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri

_LARGEST: Final = float_info.max
_NUMBERS: Final = frozenset({int, float})


class ChangeKind(StrEnum):
    """What happened to an instance of an attribute."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class AttributeChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What happened to an instance of an attribute.

    Attributes:
        instance: As it is now; the last that it was, where it was deleted.
        before: As it was, where it was updated.
    """

    kind: ChangeKind
    attribute: Iri
    instance: Attribute
    before: Attribute | None = None


def attribute_changes(before: Entity | None, after: Entity | None) -> Iterator[AttributeChange]:
    """Tell which instances differ between two states of an entity; nothing is no entity."""
    old = {} if before is None else before.attributes
    new = {} if after is None else after.attributes
    if not old:
        yield from _created(new)
        return
    for name, instances in new.items():
        earlier = old.get(name, ())
        if earlier is instances:
            continue
        if len(instances) != 1 or len(earlier) != 1:
            yield from _of_several(name, earlier, instances)
            continue
        # As it is with most attributes.
        was, one = earlier[0], instances[0]
        if was.dataset_id != one.dataset_id:
            yield from _of_several(name, earlier, instances)
        elif was != one:
            yield AttributeChange(kind=ChangeKind.UPDATED, attribute=name, instance=one, before=was)
    if not old.keys() <= new.keys():
        for name in old.keys() - new.keys():
            yield from _deleted(name, old[name])


def _of_several(
    name: Iri, earlier: Sequence[Attribute], instances: Sequence[Attribute]
) -> Iterator[AttributeChange]:
    held = {one.dataset_id: one for one in earlier}
    for one in instances:
        was = held.pop(one.dataset_id, None)
        if was is None:
            yield AttributeChange(kind=ChangeKind.CREATED, attribute=name, instance=one)
        elif was != one:
            yield AttributeChange(kind=ChangeKind.UPDATED, attribute=name, instance=one, before=was)
    yield from _deleted(name, held.values())


def number_of(instance: Attribute) -> float | None:
    """Return the value of a Property that is a number, as far as floats go."""
    value = instance.value
    if type(value) not in _NUMBERS or instance.kind is not AttributeKind.PROPERTY:
        return None
    return float(value) if -_LARGEST <= value <= _LARGEST else None


def _created(attributes: Mapping[Iri, tuple[Attribute, ...]]) -> Iterator[AttributeChange]:
    for name, instances in attributes.items():
        for one in instances:
            yield AttributeChange(kind=ChangeKind.CREATED, attribute=name, instance=one)


def timeless(instance: Attribute) -> Attribute:
    """Return an instance without when it was made and changed."""
    return replace(instance, created_at=None, modified_at=None)


def _deleted(name: Iri, gone: Iterable[Attribute]) -> Iterator[AttributeChange]:
    for one in gone:
        yield AttributeChange(kind=ChangeKind.DELETED, attribute=name, instance=one)
