"""Whole instances of attributes made from what requests tell of them."""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Attribute, AttributeKind, Iri
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.values import MEMBERS, refuse_nulls

Instances = tuple[Attribute, ...]


def made(fragment: AttributeFragment, previous: Attribute | None, now: datetime) -> Attribute:
    """Make a whole instance that takes the place of another one.

    Args:
        fragment: What the request tells.
        previous: The instance that it replaces, whose date of birth it keeps.
        now: When that happens.

    Raises:
        BadRequestDataError: The fragment deletes, or does not tell all that an attribute has.
    """
    if fragment.deletes:
        raise BadRequestDataError("exchange.null_not_here", name=fragment.name)
    kind = fragment.kind or AttributeKind.PROPERTY
    if fragment.value is UNSET:
        raise BadRequestDataError(
            "exchange.value_missing", name=fragment.name, member=MEMBERS[kind]
        )
    refuse_nulls(kind, fragment.value, fragment.name)
    return Attribute(
        kind=kind,
        value=fragment.value,
        dataset_id=fragment.dataset_id,
        created_at=now if previous is None else previous.created_at,
        modified_at=now,
        members=_made_members(fragment, previous, now) if fragment.members else {},
        **fragment.fields,
    )


def instance_of(instances: Instances, dataset_id: str) -> Attribute | None:
    """Find the instance of a data set among those of one attribute."""
    for one in instances:
        if one.dataset_id == dataset_id:
            return one
    return None


def placed(instances: Instances, instance: Attribute) -> Instances:
    """Put an instance where the one of its data set stands, or else at the end."""
    for place, one in enumerate(instances):
        if one.dataset_id == instance.dataset_id:
            return (*instances[:place], instance, *instances[place + 1 :])
    return (*instances, instance)


def removed(instances: Instances, dataset_id: str) -> Instances:
    """Take the instance of a data set out."""
    return tuple(one for one in instances if one.dataset_id != dataset_id)


def restamped(attribute: Attribute, previous: Attribute | None, now: datetime) -> Attribute:
    """Date a whole instance as the successor of another one."""
    created_at = now if previous is None else previous.created_at
    if not attribute.members:
        return replace(attribute, created_at=created_at, modified_at=now)
    members = {
        iri: tuple(
            restamped(one, _previous_member(previous, iri, one.dataset_id), now)
            for one in instances
        )
        for iri, instances in attribute.members.items()
    }
    return replace(attribute, created_at=created_at, modified_at=now, members=members)


def _made_members(
    fragment: AttributeFragment, previous: Attribute | None, now: datetime
) -> dict[Iri, Instances]:
    return {
        iri: tuple(
            made(one, _previous_member(previous, iri, one.dataset_id), now) for one in instances
        )
        for iri, instances in fragment.members.items()
    }


def _previous_member(previous: Attribute | None, iri: Iri, dataset_id: str) -> Attribute | None:
    return None if previous is None else instance_of(previous.members.get(iri, ()), dataset_id)
