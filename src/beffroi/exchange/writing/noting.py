"""What history and the log are told of the changes that a group makes."""

from collections.abc import Sequence
from datetime import datetime

from beffroi.exchange.changes import AttributeChange, ChangeKind, attribute_changes, timeless
from beffroi.exchange.logged import body_of, body_of_new
from beffroi.exchange.model import SCOPE, Attribute, AttributeKind, Entity
from beffroi.exchange.store import EvolutionRow, Key
from beffroi.exchange.writing.history_columns import HistoryColumns
from beffroi.kernel.database.columns import storable_lines
from beffroi.kernel.log import Event


class Notes:
    """Notes changes of entities, in order.

    Args:
        now: When they are written.

    Attributes:
        history: The instances that there were.
        events: What the log tells.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._ended: dict[Key, EvolutionRow] = {}
        self.history = HistoryColumns(now)
        self.events: list[Event] = []

    def note(self, key: Key, owner: str, before: Entity | None, after: Entity | None) -> None:
        """Note what became of an entity; nothing is no entity."""
        if before is after:
            return
        if after is None:
            if before is not None:
                self._note_changes(key, owner, before, before, None)
                self._ended[key] = _evolution(key[0], owner, before, self._now)
        elif before is not None or not self._note_new(key, owner, after):
            self._note_changes(key, owner, after, before, after)
        if scoped := _scope_change(before, after, self._now):
            self._add(key, owner, [scoped])

    def ended(self, key: Key) -> EvolutionRow | None:
        """Return what history has to know of an entity that was deleted, if it was."""
        return self._ended.get(key)

    def _note_new(self, key: Key, owner: str, entity: Entity) -> bool:
        """Note an entity that came to be at once with all that it has, as most do.

        Returns:
            Whether it is one.
        """
        attributes, at = entity.attributes, entity.modified_at
        instances = [one for several in attributes.values() for one in several]
        if len(instances) > len(attributes) or at is None:
            return False
        for one in instances:
            if one.created_at is not at or one.modified_at is not at:
                return False
        said = storable_lines([timeless(one) for one in instances])
        names = tuple(attributes)
        self.history.add(key, owner, names, instances, said)
        body = body_of_new(key[0], entity, names, said)
        self.events.append(Event("exchange.entity_created", key[1], owner, body))
        return True

    def _note_changes(
        self, key: Key, owner: str, told: Entity, before: Entity | None, after: Entity | None
    ) -> None:
        changes = list(attribute_changes(before, after))
        instances = self._add(key, owner, changes)
        kind = "changed"
        if before is None or after is None:
            kind = "created" if before is None else "deleted"
        body = body_of(key[0], told, changes, instances)
        self.events.append(Event(f"exchange.entity_{kind}", key[1], owner, body))

    def _add(self, key: Key, owner: str, changes: Sequence[AttributeChange]) -> Sequence[Attribute]:
        """Add changes to history; return their instances without times."""
        instances = [timeless(one.instance) for one in changes]
        for place, change in enumerate(changes, len(self.history)):
            if change.kind is ChangeKind.DELETED:
                self.history.end(place)
        self.history.add(
            key,
            owner,
            [one.attribute for one in changes],
            [one.instance for one in changes],
            storable_lines(instances),
        )
        return instances


def _evolution(tenant: str, owner: str, entity: Entity, now: datetime) -> EvolutionRow:
    return EvolutionRow(
        tenant=tenant,
        organisation=owner,
        id=entity.id,
        types=entity.types,
        scopes=entity.scopes,
        created_at=entity.created_at,
        modified_at=now,
        deleted_at=now,
    )


def _scope_change(
    before: Entity | None, after: Entity | None, now: datetime
) -> AttributeChange | None:
    """Tell a change of scopes as one of a Property, which is how history keeps them."""
    old = () if before is None else before.scopes
    new = () if after is None else after.scopes
    if old == new:
        return None
    scopes = new or old
    instance = Attribute(
        kind=AttributeKind.PROPERTY,
        value=scopes[0] if len(scopes) == 1 else list(scopes),
        observed_at=now,
        created_at=now,
        modified_at=now,
    )
    kind = ChangeKind.UPDATED if new else ChangeKind.DELETED
    return AttributeChange(kind=kind, attribute=SCOPE, instance=instance)
