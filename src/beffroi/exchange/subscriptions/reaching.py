"""What subscriptions reach of others' entities, for as long as a batch of the log is read."""

from collections.abc import Sequence

import msgspec

from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.model import Entity
from beffroi.exchange.reach import DataGuard, Reach, Realm
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.subscriptions.model import HeldSubscription
from beffroi.exchange.subscriptions.moments import Moment


class Shown(msgspec.Struct, frozen=True, eq=False):
    """A change as a subscription may see it.

    Attributes:
        group: The same for subscriptions that are shown the same.
        given: As of ``Occasion``.
    """

    entity: Entity
    changes: Sequence[AttributeChange]
    group: str | None
    given: tuple[str, ...] = ()


class SubscriptionReaches:
    """Remembers what is given to whom while policies stay as they were."""

    def __init__(self, guard: DataGuard, givers: frozenset[str]) -> None:
        self._guard = guard
        self._givers = givers
        self._realms: dict[tuple[str, bool, str], Realm] = {}

    @classmethod
    async def of(cls, guard: DataGuard) -> "SubscriptionReaches":
        """Begin with who gives anything to anybody."""
        return cls(guard, await guard.givers())

    def gives(self, organisation: str) -> bool:
        """Tell whether an organisation gives anything to anybody."""
        return organisation in self._givers

    async def realm(self, held: HeldSubscription) -> Realm:
        """Return what a subscription reaches."""
        key = held.organisation, held.everything, held.tenant
        found = self._realms.get(key)
        if found is None:
            found = Realm(held.tenant, await self._guard.subscribed(held.scope, held.tenant))
            self._realms[key] = found
        return found

    async def shown(self, held: HeldSubscription, moment: Moment, entity: Entity) -> Shown | None:
        """Return what a subscription may see of a change of another's entity, or nothing."""
        reach = (await self.realm(held)).reach
        return shown_of_another(reach, moment, entity, held.organisation)


def shown_of_another(reach: Reach, moment: Moment, entity: Entity, viewer: str) -> Shown | None:
    """Return what may be seen of a change of another's entity, or nothing."""
    seen = reach.seen(HeldEntity(moment.organisation, 0, entity))
    if seen is None:
        return None
    told = reach.told_names(moment.organisation, entity)
    changes = [one for one in moment.changes if told is None or one.attribute in told]
    if moment.kind is ChangeKind.UPDATED and moment.changes and not changes:
        return None
    return Shown(seen, changes, viewer, reach.given_by(moment.organisation, entity))
