"""What a connector tells of a change: chosen, as far as it may be seen, in the receiver's words."""

from collections.abc import Collection, Sequence
from datetime import datetime

from beffroi.exchange.asking import store as asked_store
from beffroi.exchange.changes import ChangeKind
from beffroi.exchange.connectors.mapping import RowMapping
from beffroi.exchange.connectors.reaching import ConnectorReach
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.subscriptions.linking import meets
from beffroi.exchange.subscriptions.moments import Moment, entities_then
from beffroi.exchange.subscriptions.reaching import Known, Shown, living
from beffroi.exchange.subscriptions.states import entities_now
from beffroi.exchange.subscriptions.watching import Watcher
from beffroi.kernel.database import Connection


class Telling:
    """Decides what one connector tells."""

    def __init__(self, watcher: Watcher, mapping: RowMapping, reach: ConnectorReach) -> None:
        self._watcher = watcher
        self._mapping = mapping
        self._reach = reach

    async def owners(self) -> Collection[str] | None:
        """Return whose changes may be told of; nothing: everybody's."""
        return await self._reach.owners()

    async def permitted(self, changes: Sequence[Change]) -> list[Change]:
        """Return the changes that may still be told; what they tell of persons is noted."""
        left = await self._reach.still_given(changes)
        await self._reach.note(left)
        return left

    async def shown(
        self, connection: Connection, moments: Sequence[tuple[int, Moment]]
    ) -> list[tuple[int, Moment, Shown]]:
        """Return the changes that are to be told, each as it may be seen, by seq.

        Args:
            connection: Where entities are.
            moments: All that the log has of the entities concerned, in its order.
        """
        interest = self._watcher.interest
        chosen = {seq for seq, one in moments if interest.triggered(one.kind, one.changes)}
        owners = {one.key: one.organisation for seq, one in moments if seq in chosen}
        if not owners:
            return []
        now_held = await entities_now(connection, owners)
        known = [(seq, one) for seq, one in moments if one.key in owners]
        found = []
        entities = entities_then([one for _, one in known], now_held)
        for (seq, moment), entity in zip(known, entities, strict=True):
            if seq not in chosen:
                continue
            then = alive(entity, moment.at) or entity
            known_one = Known(moment, then, living(now_held.get(moment.key)))
            shown = await self._reach.shown(known_one)
            if shown is not None and await self._is_wanted(connection, moment, shown):
                found.append((seq, moment, shown))
        return found

    def change(self, seq: int, moment: Moment, shown: Shown) -> Change:
        """Tell a change in the receiver's words.

        Raises:
            RowRefusedError: The entity cannot be told as the mapping says.
        """
        return Change(
            seq,
            moment.at,
            shown.entity.id,
            moment.kind is ChangeKind.DELETED,
            self._mapping.row(shown.entity),
            self._mapping.observed_at(shown.entity),
            owner=moment.organisation,
            types=shown.entity.types,
            names=self._mapping.told_names(shown.entity),
            given=shown.given,
        )

    async def as_now(self, connection: Connection, change: Change, now: datetime) -> Change | None:
        """Return what an entity has become since a change; nothing: it is not told of any more.

        Raises:
            RowRefusedError: The entity cannot be told as the mapping says.
        """
        realm = await self._reach.realm()
        held = await asked_store.entity_by_id(connection, realm, change.id)
        entity = None if held is None else alive(held.entity, now)
        if held is None or entity is None:
            return change if change.deleted else None
        if not await self._meets(connection, entity, now):
            return None
        return Change(
            change.seq,
            change.at,
            entity.id,
            deleted=False,
            row=self._mapping.row(entity),
            observed_at=self._mapping.observed_at(entity),
            owner=held.organisation,
            types=entity.types,
            names=self._mapping.told_names(entity),
        )

    async def _is_wanted(self, connection: Connection, moment: Moment, shown: Shown) -> bool:
        """Decide on what may be seen alone, so that nothing else can be guessed."""
        interest = self._watcher.interest
        seen_all = shown.changes is moment.changes
        if not seen_all and not interest.triggered(moment.kind, shown.changes):
            return False
        return await self._meets(connection, shown.entity, moment.at)

    async def _meets(self, connection: Connection, entity: Entity, at: datetime) -> bool:
        linked = self._watcher.linked
        if not self._watcher.question.wanted(entity):
            return False
        return linked is None or await meets(
            connection, await self._reach.realm(), linked, entity, at
        )
