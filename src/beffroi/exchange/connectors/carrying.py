"""Carrying a connector: from the log to its target, in the order of commit.

How far it came is kept after the target has what was read up to there: a process that dies in
between delivers that again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from beffroi.exchange.changes import ChangeKind
from beffroi.exchange.connectors import store
from beffroi.exchange.connectors.declared import Connector, TargetKind, targets_of
from beffroi.exchange.connectors.mapping import RowMapping, RowRefusedError
from beffroi.exchange.connectors.selection import watcher_for
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import OpenTarget, ReceiverRefusedError, TargetDriver
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow, ToldError
from beffroi.exchange.flows.running import FlowPosition
from beffroi.exchange.model import Entity
from beffroi.exchange.representation.changing import alive
from beffroi.exchange.subscriptions.matching import entities_now
from beffroi.exchange.subscriptions.moments import Moment, entities_then, moment_of
from beffroi.exchange.subscriptions.watching import Watcher, wants
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.log import LogWatch

_ENTRIES_MOST: Final = 500
_LOOK_S: Final = 30.0
_PLACE_KEPT_EACH_S: Final = 5.0
_GATHER_S: Final = 0.02
_GATHERED_MOST: Final = 100_000


class CarryingNeeds(msgspec.Struct, frozen=True):
    """What connectors need of others.

    Attributes:
        watch: Running.
        targets: How to open those of each kind.
    """

    database: Database
    watch: LogWatch
    contexts: Contexts
    journal: FlowJournal
    clock: Clock
    targets: Mapping[TargetKind, TargetDriver[Any]]


class ConnectorDriver:
    """Carries flows that go out."""

    def __init__(self, needs: CarryingNeeds) -> None:
        self._needs = needs

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:
        """Carry a connector until cancelled."""
        needs = self._needs
        connector = msgspec.json.decode(flow.declared, type=Connector)
        context = await needs.contexts.resolved(flow.tenant, list(connector.context) or None)
        mapping = RowMapping(connector.fields, context, context.compact)
        watcher = watcher_for(flow, connector, context)
        kind = TargetKind(flow.kind)
        declared = targets_of(connector)[kind]
        async with needs.targets[kind].opened(flow, declared, mapping.names) as target:
            await _Carrying(needs, flow, watcher, mapping, target).run(position)


class _Carrying:
    """One connector with its target open."""

    def __init__(
        self,
        needs: CarryingNeeds,
        flow: HeldFlow,
        watcher: Watcher,
        mapping: RowMapping,
        target: OpenTarget,
    ) -> None:
        self._needs = needs
        self._flow = flow
        self._watcher = watcher
        self._mapping = mapping
        self._target = target
        self._waiting: list[Change] = []
        self._read = self._kept = 0
        self._kept_at_s = 0.0

    async def run(self, position: FlowPosition) -> None:
        kept = await position.read()
        self._read = self._kept = int(kept["seq"])
        await self._send_wanted()
        async with self._needs.watch.waiter() as grown:
            while True:
                grown.clear()
                at_end = await self._read_on()
                delivered = await self._deliver_due(position)
                if at_end and not delivered:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._rest_s()):
                            await grown.wait()
                            await self._needs.clock.sleep(_GATHER_S)

    async def _read_on(self) -> bool:
        """Read some of the log; tell whether its end was reached."""
        if len(self._waiting) >= min(_GATHERED_MOST, 2 * self._target.pace.rows_most + 1_000):
            return False
        async with self._needs.database.transaction(EVERYTHING) as connection:
            passage = await store.passage_after(connection, self._flow, self._read, _ENTRIES_MOST)
            moments = [(one.seq, moment_of(one)) for one in passage.entries]
            moments = [one for one in moments if one[1].tenant == self._flow.tenant]
            chosen = [one for one in moments if self._is_told(one[1])]
            keys = {one.key for _, one in chosen}
            now_held = await entities_now(connection, keys) if keys else {}
        told = [one for one in moments if one[1].key in keys]
        entities = entities_then([one for _, one in told], now_held)
        wanted = {seq for seq, _ in chosen}
        for (seq, moment), then in zip(told, entities, strict=True):
            entity = alive(then, moment.at) or then
            if seq in wanted and wants(self._watcher, moment.organisation, entity):
                await self._add(seq, moment, entity)
        self._read = passage.until
        return passage.until >= passage.end

    def _is_told(self, moment: Moment) -> bool:
        watcher = self._watcher
        changes = watcher.relevant(moment.changes)
        return watcher.held.reaches(moment.organisation) and watcher.triggered(moment.kind, changes)

    async def _add(self, seq: int, moment: Moment, entity: Entity) -> None:
        try:
            row = self._mapping.row(entity)
        except RowRefusedError as error:
            change = Change(seq, moment.at, moment.id, deleted=False, row={"id": moment.id})
            await self._bury(change, error, can_be_sent=False)
            return
        deleted = moment.kind is ChangeKind.DELETED
        observed_at = self._mapping.observed_at(entity)
        self._waiting.append(Change(seq, moment.at, moment.id, deleted, row, observed_at))

    def _rest_s(self) -> float:
        if not self._waiting:
            return _LOOK_S
        return max(0.05, min(_LOOK_S, self._target.pace.gather_s - self._age_s()))

    def _age_s(self) -> float:
        """How long the oldest of what waits has been waiting."""
        return (self._needs.clock.now() - self._waiting[0].at).total_seconds()

    async def _deliver_due(self, position: FlowPosition) -> bool:
        """Deliver what is due; keep how far that is."""
        pace = self._target.pace
        delivered = False
        while self._waiting and (
            len(self._waiting) >= pace.rows_most or self._age_s() >= pace.gather_s
        ):
            due = self._waiting[: pace.rows_most]
            self._needs.journal.lagging(*self._flow.key, self._age_s())
            await self._deliver(due)
            del self._waiting[: len(due)]
            await self._keep(position, due[-1].seq if self._waiting else self._read)
            delivered = True
        if not self._waiting and not delivered:
            await self._keep_place(position)
        return delivered

    async def _keep_place(self, position: FlowPosition) -> None:
        """Move past what nobody has to be told of, not at every commit of others."""
        now_s = self._needs.clock.monotonic_s()
        if self._kept < self._read and now_s - self._kept_at_s >= _PLACE_KEPT_EACH_S:
            await self._keep(position, self._read)
        self._needs.journal.lagging(*self._flow.key, 0.0)
        self._needs.journal.recovered(*self._flow.key)

    async def _keep(self, position: FlowPosition, seq: int) -> None:
        await position.keep({"seq": seq})
        self._kept = seq
        self._kept_at_s = self._needs.clock.monotonic_s()

    async def _deliver(self, changes: Sequence[Change]) -> None:
        """Deliver together; where that is refused, one by one."""
        try:
            await self._target.deliver(changes)
        except ReceiverRefusedError as error:
            if len(changes) > 1:
                for one in changes:
                    await self._deliver([one])
                return
            await self._bury(changes[0], error)
            return
        observed = [one.observed_at for one in changes if one.observed_at is not None]
        self._needs.journal.sent(*self._flow.key, len(changes), max(observed, default=None))

    async def _bury(self, change: Change, error: BeffroiError, *, can_be_sent: bool = True) -> None:
        """Keep what was refused as a dead letter."""
        flow, journal = self._flow, self._needs.journal
        if not can_be_sent:
            told = msgspec.json.encode(change.row).decode()
            journal.refused(flow.organisation, flow.name, error, told=told)
            return
        async with self._needs.database.transaction(EVERYTHING) as connection:
            await store.keep_dead(connection, flow, change, ToldError.of(error))
        journal.buried(flow.organisation, flow.name, error)

    async def _send_wanted(self) -> None:
        """Send dead letters that were asked for again; those refused again stay."""
        while wanted := await self._wanted_again():
            await self._send_again(wanted)

    async def _wanted_again(self) -> Sequence[tuple[int, Change]]:
        async with self._needs.database.transaction(EVERYTHING) as connection:
            return await store.wanted_again(connection, self._flow)

    async def _send_again(self, wanted: Sequence[tuple[int, Change]]) -> None:
        for number, change in wanted:
            refused: ReceiverRefusedError | None = None
            try:
                await self._target.deliver([change])
            except ReceiverRefusedError as error:
                refused = error
            async with self._needs.database.transaction(EVERYTHING) as connection:
                if refused is None:
                    await store.forget_dead(connection, number)
                else:
                    await store.still_dead(connection, number, ToldError.of(refused))
            if refused is None:
                self._needs.journal.sent(*self._flow.key, 1, None)
