"""What entities become by the requests that change them; nothing here reads or writes.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.8, 5.5.10 to 5.5.14, 5.6.2 to 5.6.5, 5.6.18 and 5.6.19.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange.errors import BadRequestDataError, ResourceNotFoundError
from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.fragments import AttributeFragment, EntityFragment
from beffroi.exchange.representation.making import (
    Instances,
    instance_of,
    made,
    placed,
    removed,
    restamped,
)
from beffroi.exchange.representation.patching import patched

SCOPE = "scope"


class WhyNot(StrEnum):
    """Why a change left a member of the entity as it was; the sentence is ``not_updated.*``."""

    ALREADY_THERE = "already_there"
    NOT_THERE = "not_there"


class NotUpdated(msgspec.Struct, frozen=True):
    """A member that a change left as it was: the name of an attribute, or "scope"."""

    iri: Iri
    reason: WhyNot


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What an entity became.

    Attributes:
        entity: The same object as before where nothing changed.
        updated: Names of the attributes that were set or deleted, or "scope".
        not_updated: What stayed as it was, though the request named it.
    """

    entity: Entity
    updated: tuple[Iri, ...] = ()
    not_updated: tuple[NotUpdated, ...] = ()


class Draft:
    """An entity while it changes."""

    def __init__(self, entity: Entity) -> None:
        self.before = entity
        self.types = entity.types
        self.scopes = entity.scopes
        self.expires_at = entity.expires_at
        self.attributes = dict(entity.attributes)
        self._updated: dict[Iri, None] = {}
        self._left: dict[Iri, WhyNot] = {}

    def put(self, iri: Iri, instances: Instances) -> None:
        """Set the instances of an attribute; none deletes it."""
        if instances:
            self.attributes[iri] = instances
        else:
            self.attributes.pop(iri, None)
        self._updated[iri] = None

    def leave(self, iri: Iri, reason: WhyNot) -> None:
        """Say why a member stays as it is."""
        self._left[iri] = reason

    def set_scopes(self, scopes: tuple[str, ...]) -> None:
        """Set where the entity stands."""
        self.scopes = scopes
        self._updated[SCOPE] = None

    def add_types(self, types: tuple[Iri, ...]) -> None:
        """Add types that the entity has not got yet."""
        self.types = tuple(dict.fromkeys((*self.types, *types)))

    def changed(self, now: datetime) -> Changed:
        """Give what the entity became."""
        entity, before = self.before, self.before
        if self._updated or self.types != before.types or self.expires_at != before.expires_at:
            entity = Entity(
                id=before.id,
                types=self.types,
                scopes=self.scopes,
                attributes=self.attributes,
                created_at=before.created_at,
                modified_at=now,
                expires_at=self.expires_at,
            )
        return Changed(
            entity=entity,
            updated=tuple(self._updated),
            not_updated=tuple([NotUpdated(iri, reason) for iri, reason in self._left.items()]),
        )


def appended(
    entity: Entity, fragment: EntityFragment, now: datetime, *, overwrite: bool
) -> Changed:
    """Add attributes, types and scopes.

    Args:
        entity: As it is now.
        fragment: What comes in.
        now: When.
        overwrite: Whether instances that are there are replaced; scopes are added otherwise.

    Raises:
        BadRequestDataError: The fragment tells nothing, or no whole attributes.
    """
    _refuse_empty(fragment)
    draft = Draft(entity)
    draft.add_types(fragment.types)
    if fragment.scopes is not UNSET:
        if not fragment.scopes:
            raise BadRequestDataError("exchange.null_not_here", name=SCOPE)
        kept = () if overwrite else entity.scopes
        draft.set_scopes(tuple(dict.fromkeys((*kept, *fragment.scopes))))
    if fragment.expires_at is not UNSET and (overwrite or entity.expires_at is None):
        draft.expires_at = fragment.expires_at
    for iri, instances in fragment.attributes.items():
        for one in instances:
            found = draft.attributes.get(iri, ())
            previous = instance_of(found, one.dataset_id)
            instance = made(one, previous, now)
            if previous is None or overwrite:
                draft.put(iri, placed(found, instance))
            else:
                draft.leave(iri, WhyNot.ALREADY_THERE)
    return draft.changed(now)


def updated(entity: Entity, fragment: EntityFragment, now: datetime) -> Changed:
    """Replace instances of attributes, delete those that are null, and add the others.

    Raises:
        BadRequestDataError: The fragment tells nothing, or no whole attributes.
    """
    _refuse_empty(fragment)
    draft = Draft(entity)
    draft.add_types(fragment.types)
    if fragment.scopes is not UNSET:
        if entity.scopes:
            draft.set_scopes(fragment.scopes)
        else:
            draft.leave(SCOPE, WhyNot.NOT_THERE)
    if fragment.expires_at is not UNSET:
        draft.expires_at = fragment.expires_at
    for iri, instances in fragment.attributes.items():
        for one in instances:
            found = draft.attributes.get(iri, ())
            previous = instance_of(found, one.dataset_id)
            if not one.deletes:
                draft.put(iri, placed(found, made(one, previous, now)))
            elif previous is not None:
                draft.put(iri, removed(found, one.dataset_id))
            else:
                draft.leave(iri, WhyNot.NOT_THERE)
    return draft.changed(now)


def replaced(entity: Entity, other: Entity, now: datetime) -> Entity:
    """Put another entity in the place of one; dates of birth of what was there stay."""
    attributes = {}
    for iri, instances in other.attributes.items():
        held = entity.attributes.get(iri, ())
        attributes[iri] = tuple(
            [restamped(one, instance_of(held, one.dataset_id), now) for one in instances]
        )
    return replace(
        other,
        id=entity.id,
        created_at=entity.created_at,
        modified_at=now,
        attributes=attributes,
    )


def attribute_patched(
    entity: Entity, iri: Iri, fragments: Sequence[AttributeFragment], now: datetime
) -> Changed:
    """Change parts of instances that are there, or delete them by NGSI-LD Null.

    Raises:
        ResourceNotFoundError: The entity has no such instance.
        BadRequestDataError: It is of another kind, or cannot have that value.
    """
    draft = Draft(entity)
    for fragment in fragments:
        found = draft.attributes.get(iri, ())
        previous = _existing(entity, found, iri, fragment.dataset_id)
        if fragment.deletes:
            draft.put(iri, removed(found, fragment.dataset_id))
        else:
            draft.put(iri, placed(found, patched(previous, fragment, now)))
    return draft.changed(now)


def attribute_replaced(
    entity: Entity, iri: Iri, fragments: Sequence[AttributeFragment], now: datetime
) -> Changed:
    """Put whole instances in the place of those that are there.

    Raises:
        ResourceNotFoundError: The entity has no such instance.
        BadRequestDataError: A fragment deletes, or does not tell all that an attribute has.
    """
    draft = Draft(entity)
    for fragment in fragments:
        found = draft.attributes.get(iri, ())
        previous = _existing(entity, found, iri, fragment.dataset_id)
        draft.put(iri, placed(found, made(fragment, previous, now)))
    return draft.changed(now)


def attribute_deleted(
    entity: Entity, iri: Iri, dataset_id: str, now: datetime, *, every: bool
) -> Changed:
    """Delete the instance of a data set, or every instance of an attribute.

    Raises:
        ResourceNotFoundError: The entity has no such instance.
    """
    draft = Draft(entity)
    found = entity.attributes.get(iri, ())
    if every and found:
        draft.put(iri, ())
    else:
        _existing(entity, found, iri, dataset_id)
        draft.put(iri, removed(found, dataset_id))
    return draft.changed(now)


def scopes_deleted(entity: Entity, now: datetime) -> Changed:
    """Take an entity out of all its scopes.

    Raises:
        ResourceNotFoundError: It is in none.
    """
    if not entity.scopes:
        raise ResourceNotFoundError("exchange.attribute_absent", name=SCOPE, entity=entity.id)
    draft = Draft(entity)
    draft.set_scopes(())
    return draft.changed(now)


def attributes_kept(
    entity: Entity, now: datetime, *, keep: frozenset[Iri] | None, drop: frozenset[Iri]
) -> Entity:
    """Take attributes away: those to drop, and those that are not among the ones to keep."""
    draft = Draft(entity)
    for iri in entity.attributes:
        if iri in drop or (keep is not None and iri not in keep):
            draft.put(iri, ())
    return draft.changed(now).entity


def alive(entity: Entity, now: datetime) -> Entity | None:
    """Give what is left of an entity once what expired is gone; None if it expired itself."""
    if entity.expires_at is not None and entity.expires_at <= now:
        return None
    for instances in entity.attributes.values():
        for one in instances:
            # Told one by one: the writer looks at every instance of what it changes.
            if one.expires_at is not None or (one.members and _transient(instances)):
                return replace(entity, attributes=_alive_attributes(entity.attributes, now))
    return entity


def _transient(instances: Instances) -> bool:
    return any(
        one.expires_at is not None or (one.members and any(map(_transient, one.members.values())))
        for one in instances
    )


def _alive_attributes(attributes: dict[Iri, Instances], now: datetime) -> dict[Iri, Instances]:
    left = {
        iri: tuple(
            replace(one, members=_alive_attributes(one.members, now)) if one.members else one
            for one in instances
            if one.expires_at is None or one.expires_at > now
        )
        for iri, instances in attributes.items()
    }
    return {iri: instances for iri, instances in left.items() if instances}


def _refuse_empty(fragment: EntityFragment) -> None:
    if fragment.empty:
        raise BadRequestDataError("exchange.fragment_empty")


def _existing(entity: Entity, found: Instances, iri: Iri, dataset_id: str) -> Attribute:
    instance = instance_of(found, dataset_id)
    if instance is not None:
        return instance
    if not found:
        raise ResourceNotFoundError(
            "exchange.attribute_absent", name=excerpt(iri), entity=entity.id
        )
    raise ResourceNotFoundError(
        "exchange.instance_absent",
        name=excerpt(iri),
        dataset=excerpt(dataset_id or "@none"),
        entity=entity.id,
    )
