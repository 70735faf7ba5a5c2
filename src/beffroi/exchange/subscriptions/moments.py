"""What entities were when the log's entries were written; pure.

The entities are read later than they changed. Going back from the last entry to the first, each
change is taken back in turn: what a notification tells is what was so then. What changed after
the entries at hand shows through where they say nothing of it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.logged import changes_of
from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.kernel.log import Entry

Attributes = dict[Iri, tuple[Attribute, ...]]
Key = tuple[str, str]
ENTITY_KINDS: Final = {
    "exchange.entity_created": ChangeKind.CREATED,
    "exchange.entity_changed": ChangeKind.UPDATED,
    "exchange.entity_deleted": ChangeKind.DELETED,
}


class Moment(msgspec.Struct, frozen=True, eq=False):
    """A change of an entity, as the log tells it."""

    at: datetime
    kind: ChangeKind
    id: str
    organisation: str
    tenant: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]
    changes: tuple[AttributeChange, ...]

    @property
    def key(self) -> Key:
        """The entity's tenant and id."""
        return self.tenant, self.id


def moment_of(entry: Entry) -> Moment:
    """Read an entry of one of ``ENTITY_KINDS``."""
    body = changes_of(entry.body)
    return Moment(
        at=entry.at,
        kind=ENTITY_KINDS[entry.kind],
        id=entry.subject,
        organisation=entry.organisation,
        tenant=body.tenant,
        types=body.types,
        scopes=body.scopes,
        changes=body.in_full(),
    )


def entities_then(moments: Sequence[Moment], now_held: Mapping[Key, Entity]) -> list[Entity]:
    """Return the entity of each moment, as it was then; a deleted one as it was last.

    Args:
        moments: In the order of the log, every one of the entities concerned.
        now_held: The entities as they are now, or as they were last.
    """
    later: dict[Key, Mapping[Iri, tuple[Attribute, ...]]] = {}
    found: list[Entity] = []
    for moment in reversed(moments):
        held = now_held.get(moment.key)
        known = later.get(moment.key)
        if known is None:
            known = held.attributes if held is not None else {}
        after = {} if moment.kind is ChangeKind.DELETED else _applied(known, moment.changes)
        before = _taken_back(after, moment.changes)
        later[moment.key] = before
        shown = before if moment.kind is ChangeKind.DELETED else after
        found.append(_entity(moment, shown, held))
    found.reverse()
    return found


def _entity(moment: Moment, attributes: Attributes, held: Entity | None) -> Entity:
    stamps = [
        one.modified_at
        for instances in attributes.values()
        for one in instances
        if one.modified_at is not None
    ]
    created_at = held.created_at if held is not None else None
    return Entity(
        id=moment.id,
        types=moment.types,
        scopes=moment.scopes,
        attributes=attributes,
        created_at=created_at or min(stamps, default=moment.at),
        modified_at=max(stamps, default=moment.at),
        expires_at=None if held is None else held.expires_at,
    )


def _applied(
    attributes: Mapping[Iri, tuple[Attribute, ...]], changes: Sequence[AttributeChange]
) -> Attributes:
    result = dict(attributes)
    for change in changes:
        gone = change.kind is ChangeKind.DELETED
        _put(result, change, None if gone else change.instance)
    return result


def _taken_back(attributes: Attributes, changes: Sequence[AttributeChange]) -> Attributes:
    result = dict(attributes)
    for change in changes:
        if change.kind is ChangeKind.CREATED:
            _put(result, change, None)
        elif change.kind is ChangeKind.DELETED:
            _put(result, change, change.instance)
        else:
            _put(result, change, change.before)
    return result


def _put(attributes: Attributes, change: AttributeChange, instance: Attribute | None) -> None:
    """Set the instance of a change's data set, at its place; nothing takes it away."""
    there = attributes.get(change.attribute, ())
    dataset_id = change.instance.dataset_id
    if instance and (not there or (len(there) == 1 and there[0].dataset_id == dataset_id)):
        attributes[change.attribute] = (instance,)
        return
    place = next((at for at, one in enumerate(there) if one.dataset_id == dataset_id), len(there))
    placed = (*there[:place], *([instance] if instance else []), *there[place + 1 :])
    if placed:
        attributes[change.attribute] = placed
    else:
        attributes.pop(change.attribute, None)
