"""What a connector may see, and may still tell when it comes to it.

It reaches what a question of its organisation does: its own entities, and of others' what
policies give for the purpose that it declares.
"""

from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from beffroi.exchange.asking.reach import DataGuard, Realm
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.model import Entity
from beffroi.exchange.subscriptions.reaching import Known, Shown, shown_of_another

_NOTED_AT_ONCE: Final = 100
"""An entry of the journal names no more than that many entities."""


class ConnectorReach:
    """Tells what one connector may see, by the policies in force when it is asked."""

    def __init__(self, guard: DataGuard, flow: HeldFlow, purpose: str) -> None:
        self._guard = guard
        self._asker = replace(flow.owner, purpose=purpose)
        self._tenant = flow.tenant

    async def owners(self) -> Collection[str] | None:
        """Return whose changes it may see something of; nothing: everybody's."""
        if self._asker.scope.everything:
            return None
        return {self._asker.organisation, *await self._guard.givers()}

    async def realm(self) -> Realm:
        """Return what it may ask for."""
        return await self._guard.realm(self._asker, self._tenant)

    async def shown(self, known: Known) -> Shown | None:
        """Return what it may see of a change, or nothing."""
        moment = known.moment
        if self._is_own(moment.organisation):
            return Shown(known.then, moment.changes, None)
        reach = (await self.realm()).reach
        return shown_of_another(reach, known, self._asker.organisation)

    async def still_given(self, changes: Sequence[Change]) -> list[Change]:
        """Return the changes that may still be told."""
        if not any(one.given for one in changes):
            return list(changes)
        marks = (await self.realm()).reach.marks()
        return [one for one in changes if marks.issuperset(one.given)]

    async def note(self, changes: Sequence[Change]) -> None:
        """Note what is about to be told of persons; return once that is kept."""
        for start in range(0, len(changes), _NOTED_AT_ONCE):
            told = [(one.owner, _named(one)) for one in changes[start : start + _NOTED_AT_ONCE]]
            await self._guard.note(self._asker, self._tenant, "connector", told)

    def _is_own(self, organisation: str) -> bool:
        return self._asker.scope.everything or organisation == self._asker.organisation


def _named(change: Change) -> Entity:
    """Return of what a change tells the names alone, which is what the journal keeps."""
    return Entity(id=change.id, types=change.types, attributes=dict.fromkeys(change.names, ()))
