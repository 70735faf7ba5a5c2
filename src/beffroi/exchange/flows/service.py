"""What people ask of flows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from beffroi.exchange import store as entity_store
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.flows import door_store, store
from beffroi.exchange.flows.differences import companions_of, flow_changes
from beffroi.exchange.flows.door_store import Door
from beffroi.exchange.flows.errors import (
    DeclarationRefusedError,
    FlowNameTakenError,
    FlowUnknownError,
    ReplayTooEarlyError,
)
from beffroi.exchange.flows.model import (
    FLOW_CHANGED,
    ChangeKind,
    DeclarationChange,
    Direction,
    FlowMinute,
    FlowState,
    FlowSummary,
    HeldFlow,
    RefusedItem,
)
from beffroi.exchange.flows.planning import planned_flows
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, append
from beffroi.kernel.log.slices import kept_from
from beffroi.kernel.rights.model import Actor, Permission

SHOWN: Final = timedelta(hours=6)
"""How far back the rates of flows are shown."""
_REFUSED_SHOWN: Final = 100


class Flows:
    """Flows: declared, listed, paused, resumed, replayed, ended."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        """Return the moment that ages are counted to."""
        return self._clock.now()

    async def compare(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> Sequence[DeclarationChange]:
        """Tell what keeping the flows of a file would change.

        Raises:
            FlowNameTakenError: Another file declares a flow of the same name.
        """
        held = await store.flows_named(connection, organisation)
        planned = list(planned_flows(given.declared))
        others = {one.name: one.source for one in held if one.source != given.source}
        for one in planned:
            if one.name in others:
                raise FlowNameTakenError(
                    "exchange.flow_name_taken", name=one.name, source=others[one.name]
                )
        of_file = [one for one in held if one.source == given.source]
        return list(flow_changes(of_file, planned, given.files))

    async def keep(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> None:
        """Keep the flows of a file; those that it declares no more end."""
        changes = {one.name: one for one in await self.compare(connection, organisation, given)}
        for name, change in changes.items():
            if change.kind is ChangeKind.ENDED:
                await store.remove_flow(connection, organisation, name)
        for planned in planned_flows(given.declared):
            if planned.name in changes:
                await entity_store.add_tenants(connection, [planned.tenant])
                files = companions_of(planned, given.files)
                await store.put_flow(connection, organisation, given.source, planned, files)
        await _tell(connection, organisation, list(changes))

    async def declared(self, kinds: Collection[str]) -> Sequence[HeldFlow]:
        """Return every organisation's flows of some kinds, for the one who carries them."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await store.all_flows(connection)
        return [one for one in found if one.kind in kinds]

    async def listed(self, actor: Actor) -> Sequence[FlowSummary]:
        """Return the flows that an actor may see, with how they fare."""
        since = self._clock.now() - SHOWN
        async with self._database.transaction(actor.scope) as connection:
            found = await store.all_flows(connection)
            states = await store.states(connection)
            minutes = await store.minutes_since(connection, since)
        return [
            FlowSummary(one, states.get(one.key, FlowState()), minutes.get(one.key, ()))
            for one in found
        ]

    async def came_in(self, actor: Actor) -> Mapping[Door, Sequence[FlowMinute]]:
        """Return what came in by doors that are no flows, as far as an actor may see it."""
        since = self._clock.now() - SHOWN
        async with self._database.transaction(actor.scope) as connection:
            return await door_store.minutes_since(connection, since)

    async def one(self, actor: Actor, organisation: str, name: str) -> FlowSummary:
        """Return a flow with how it fares.

        Raises:
            FlowUnknownError: There is none of that name that the actor may see.
        """
        since = self._clock.now() - SHOWN
        async with self._database.transaction(actor.scope) as connection:
            flow = await _known(connection, organisation, name)
            minutes = await store.minutes_since(connection, since, flow.key)
            state = await store.state_of(connection, *flow.key)
            return FlowSummary(flow, state, minutes.get(flow.key, ()))

    async def refused(self, actor: Actor, organisation: str, name: str) -> Sequence[RefusedItem]:
        """Return what a flow could not carry, the newest first."""
        async with self._database.transaction(actor.scope) as connection:
            flow = await _known(connection, organisation, name)
            return await store.refused_of(connection, *flow.key, _REFUSED_SHOWN)

    async def pause(self, actor: Actor, organisation: str, name: str) -> None:
        """Let a flow rest; where it came to is kept."""
        await self._set_paused(actor, organisation, name, is_paused=True)

    async def resume(self, actor: Actor, organisation: str, name: str) -> None:
        """Let a flow go on from where it came to."""
        await self._set_paused(actor, organisation, name, is_paused=False)

    async def remove(self, actor: Actor, organisation: str, name: str) -> None:
        """End a flow, with what is known of it; applying its file again makes it anew."""
        actor.require(Permission.WRITE_DATA, organisation)
        async with self._database.transaction(actor.scope) as connection:
            await _known(connection, organisation, name)
            await store.remove_flow(connection, organisation, name)
            await _tell(connection, organisation, [name])

    async def replay(self, actor: Actor, organisation: str, name: str, since: datetime) -> None:
        """Let an outgoing flow carry again what the log tells since a moment.

        Raises:
            DeclarationRefusedError: The flow is an incoming one.
            ReplayTooEarlyError: The log does not go back so far.
        """
        actor.require(Permission.WRITE_DATA, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            flow = await _known(connection, organisation, name)
            if flow.direction is not Direction.OUT:
                raise DeclarationRefusedError("exchange.flow_not_replayable", name=name)
            kept = await kept_from(connection)
            if not kept.is_all and since < (kept.at or self._clock.now()):
                earliest = (kept.at or self._clock.now()).isoformat()
                raise ReplayTooEarlyError(
                    "exchange.flow_replay_too_early", name=name, earliest=earliest
                )
            seq = await store.last_entry_before(connection, since, kept.seq)
            await store.move_to(connection, *flow.key, {"seq": seq})
            await _tell(connection, organisation, [name])

    async def send_again(self, actor: Actor, organisation: str, name: str) -> int:
        """Let a flow send its dead letters again, before all else.

        Returns:
            How many there are.
        """
        actor.require(Permission.WRITE_DATA, organisation)
        async with self._database.transaction(EVERYTHING) as connection:
            flow = await _known(connection, organisation, name)
            count = await store.want_again(connection, *flow.key)
            await _tell(connection, organisation, [name])
            return count

    async def _set_paused(
        self, actor: Actor, organisation: str, name: str, *, is_paused: bool
    ) -> None:
        actor.require(Permission.WRITE_DATA, organisation)
        async with self._database.transaction(actor.scope) as connection:
            flow = await _known(connection, organisation, name)
            await store.set_paused(connection, *flow.key, is_paused=is_paused)
            await _tell(connection, organisation, [name])


async def _known(connection: Connection, organisation: str, name: str) -> HeldFlow:
    flow = await store.flow_of(connection, organisation, name)
    if flow is None:
        raise FlowUnknownError("exchange.flow_unknown", name=name)
    return flow


async def _tell(connection: Connection, organisation: str, names: Sequence[str]) -> None:
    await store.wake(connection)
    await append(connection, *(Event(FLOW_CHANGED, name, organisation) for name in names))
