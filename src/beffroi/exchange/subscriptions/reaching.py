"""What subscriptions reach of others' entities, for as long as a batch of the log is read."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from beffroi.exchange.asking.reach import DataGuard, Reach, Realm
from beffroi.exchange.changes import AttributeChange, ChangeKind
from beffroi.exchange.model import LOCATION, Entity
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

    async def shown(self, held: HeldSubscription, known: "Known") -> Shown | None:
        """Return what a subscription may see of a change of another's entity, or nothing."""
        reach = (await self.realm(held)).reach
        return shown_of_another(reach, known, held.organisation)


class Known(msgspec.Struct, frozen=True, eq=False):
    """A change, and its entity.

    Attributes:
        then: As it was after the change; before it, where it was deleted.
        now: As it is by now; nothing: it is no more.
    """

    moment: Moment
    then: Entity
    now: Entity | None


def shown_of_another(reach: Reach, known: Known, viewer: str) -> Shown | None:
    """Return what may be seen of a change of another's entity, or nothing.

    An entity that may not be seen any more, for it moved out of an area, is not told of either,
    but for its end.
    """
    moment, then = known.moment, known.then
    seen = reach.seen(HeldEntity(moment.organisation, 0, then))
    if seen is None:
        return None
    if moment.kind is not ChangeKind.DELETED:
        left = _nowhere(then) if known.now is None else known.now
        if reach.seen(HeldEntity(moment.organisation, 0, left)) is None:
            return None
    told = reach.told_names(moment.organisation, then)
    changes = [one for one in moment.changes if told is None or one.attribute in told]
    if moment.kind is ChangeKind.UPDATED and moment.changes and not changes:
        return None
    return Shown(seen, changes, viewer, reach.given_by(moment.organisation, then))


def living(held: Entity | None) -> Entity | None:
    """Return an entity that is not known by its history alone."""
    return held if held is not None and held.types else None


def _nowhere(entity: Entity) -> Entity:
    """Return an entity that is no more: policies with an area do not give those."""
    left = {name: one for name, one in entity.attributes.items() if name != LOCATION}
    return replace(entity, attributes=left)
