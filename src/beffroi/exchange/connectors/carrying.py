"""Carrying a connector: from the log to its target, in the order of commit.

How far it came is kept after the target has what was read up to there: a process that dies in
between delivers that again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from beffroi.exchange.asking.reach import DataGuard
from beffroi.exchange.connectors import store
from beffroi.exchange.connectors.declared import Connector, TargetKind, targets_of
from beffroi.exchange.connectors.mapping import RowMapping, RowRefusedError
from beffroi.exchange.connectors.reaching import ConnectorReach
from beffroi.exchange.connectors.selection import watcher_for
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import OpenTarget, ReceiverRefusedError, TargetDriver
from beffroi.exchange.connectors.telling import Telling
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow, ToldError
from beffroi.exchange.flows.running import FlowPosition
from beffroi.exchange.subscriptions.moments import Moment, moment_of
from beffroi.exchange.subscriptions.reaching import Shown
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
        guard: Tells what connectors may see, and notes what they tell of persons.
    """

    database: Database
    watch: LogWatch
    contexts: Contexts
    journal: FlowJournal
    clock: Clock
    targets: Mapping[TargetKind, TargetDriver[Any]]
    guard: DataGuard


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
        reach = ConnectorReach(needs.guard, flow, connector.purpose)
        telling = Telling(watcher_for(flow, connector, context), mapping, reach)
        kind = TargetKind(flow.kind)
        declared = targets_of(connector)[kind]
        async with needs.targets[kind].opened(flow, declared, mapping.names) as target:
            await _Carrying(needs, flow, telling, target).run(position)


class _Carrying:
    """One connector with its target open."""

    def __init__(
        self,
        needs: CarryingNeeds,
        flow: HeldFlow,
        telling: Telling,
        target: OpenTarget,
    ) -> None:
        self._needs = needs
        self._flow = flow
        self._telling = telling
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
        owners = await self._telling.owners()
        async with self._needs.database.transaction(EVERYTHING) as connection:
            passage = await store.passage_after(connection, owners, self._read, _ENTRIES_MOST)
            moments = [(one.seq, moment_of(one)) for one in passage.entries]
            moments = [one for one in moments if one[1].tenant == self._flow.tenant]
            found = await self._telling.shown(connection, moments)
        for seq, moment, shown in found:
            await self._add(seq, moment, shown)
        self._read = passage.until
        return passage.until >= passage.end

    async def _add(self, seq: int, moment: Moment, shown: Shown) -> None:
        try:
            self._waiting.append(self._telling.change(seq, moment, shown))
        except RowRefusedError as error:
            told = msgspec.json.encode({"id": shown.entity.id}).decode()
            self._needs.journal.refused(*self._flow.key, error, told=told)

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
            await self._deliver(await self._telling.permitted(due))
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
        if not changes:
            return
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

    async def _bury(self, change: Change, error: BeffroiError) -> None:
        """Keep what was refused as a dead letter."""
        async with self._needs.database.transaction(EVERYTHING) as connection:
            await store.keep_dead(connection, self._flow, change, ToldError.of(error))
        self._needs.journal.buried(*self._flow.key, error)

    async def _send_wanted(self) -> None:
        """Send dead letters that were asked for again; those refused again stay."""
        while wanted := await self._wanted_again():
            for number, change in wanted:
                await self._send_again(number, change)

    async def _wanted_again(self) -> Sequence[tuple[int, Change]]:
        async with self._needs.database.transaction(EVERYTHING) as connection:
            return await store.wanted_again(connection, self._flow)

    async def _send_again(self, number: int, letter: Change) -> None:
        refused: RowRefusedError | ReceiverRefusedError | None = None
        try:
            for change in await self._told_again(letter):
                await self._target.deliver([change])
                self._needs.journal.sent(*self._flow.key, 1, None)
        except (RowRefusedError, ReceiverRefusedError) as error:
            refused = error
        async with self._needs.database.transaction(EVERYTHING) as connection:
            if refused is None:
                await store.forget_dead(connection, number)
            else:
                await store.still_dead(connection, number, ToldError.of(refused))

    async def _told_again(self, letter: Change) -> Sequence[Change]:
        """Return what to send in the place of a dead letter; none: nothing is to be told any more.

        What keeps the last state of an entity may have a newer one than the letter's.
        """
        changes = await self._telling.permitted([letter])
        if not changes or not self._target.keeps_last:
            return changes
        async with self._needs.database.transaction(EVERYTHING) as connection:
            now = await self._telling.as_now(connection, letter, self._needs.clock.now())
        return await self._telling.permitted([now]) if now is not None else []
