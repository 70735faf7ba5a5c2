"""Flows that need a task of their own, carried by one process at a time."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from beffroi.exchange.flows import store
from beffroi.exchange.flows.errors import FlowReplacedError
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.store import CHANNEL
from beffroi.exchange.model import Json
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.leading import lead
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, FailedError

_logger = logging.getLogger(__name__)
_LEADER_LOCK: Final = 0x666C6F77
_SCAN_S: Final = 300.0
RETRY_FIRST_S: Final = 1.0
_RETRY_MOST_S: Final = 300.0
_CALM_S: Final = 60.0
"""A flow that ran so long was well: its next failure is a first one."""


class FlowPosition(Protocol):
    """How far a flow came; survives the process."""

    async def read(self) -> Json:
        """Return what was kept last; nothing: the flow has not begun."""
        ...

    async def keep(self, position: Json) -> None:
        """Keep a position.

        Raises:
            FlowReplacedError: The flow was changed, or set elsewhere, meanwhile.
        """
        ...


class FlowDriver(Protocol):
    """Carries flows of one kind."""

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:
        """Carry a flow until cancelled.

        Raises:
            BeffroiError: It cannot be carried for now; it is tried again, later each time.
        """
        ...


class StoredPosition:
    """The position of a flow in the database."""

    def __init__(self, database: Database, flow: HeldFlow) -> None:
        self._database = database
        self._flow = flow

    async def read(self) -> Json:
        """Return what was kept last."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await store.position_of(connection, self._flow)

    async def keep(self, position: Json) -> None:
        """Keep a position."""
        async with self._database.transaction(EVERYTHING) as connection:
            if not await store.keep_position(connection, self._flow, position):
                raise FlowReplacedError("exchange.flow_replaced", name=self._flow.name)


class FlowRunner:
    """Keeps a task for each flow that is not paused and whose kind needs one.

    ``run`` may run in several processes: one of them carries flows, and another takes over when it
    ends.

    Args:
        database: Where flows are kept.
        journal: What becomes of them is told to.
        clock: Measures pauses.
        drivers: By kind of flow.
        retry_first_s: How long a flow that failed waits; twice as long each time, 5 minutes at
            most.
    """

    def __init__(
        self,
        database: Database,
        journal: FlowJournal,
        clock: Clock,
        drivers: Mapping[str, FlowDriver],
        retry_first_s: float = RETRY_FIRST_S,
    ) -> None:
        self._database = database
        self._journal = journal
        self._clock = clock
        self._drivers = drivers
        self._retry_first_s = retry_first_s

    async def run(self) -> None:
        """Carry flows until cancelled, while no other process does."""
        await lead(self._database, _LEADER_LOCK, CHANNEL, self._serve)

    async def _serve(self, woken: asyncio.Event) -> None:
        carried: dict[tuple[str, str], tuple[HeldFlow, asyncio.Task[None]]] = {}
        try:
            while True:
                woken.clear()
                with suppress(BeffroiError):
                    await self._arrange(carried)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SCAN_S):
                        await woken.wait()
        finally:
            await _end([task for _, task in carried.values()])

    async def _arrange(
        self, carried: dict[tuple[str, str], tuple[HeldFlow, asyncio.Task[None]]]
    ) -> None:
        """End tasks of flows that are gone or changed, and start those that are missing."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await store.all_flows(connection)
        wanted = {one.key: one for one in found if not one.is_paused and one.kind in self._drivers}
        over = [key for key, (flow, _) in carried.items() if wanted.get(key) != flow]
        await _end([carried.pop(key)[1] for key in over])
        for key, flow in wanted.items():
            if key not in carried:
                carried[key] = (flow, asyncio.create_task(self._carry(flow)))

    async def _carry(self, flow: HeldFlow) -> None:
        """Carry one flow; what fails is tried again."""
        driver = self._drivers[flow.kind]
        failures = 0
        while True:
            began_s = self._clock.monotonic_s()
            try:
                return await driver.run(flow, StoredPosition(self._database, flow))
            except FlowReplacedError:
                return None
            except BeffroiError as error:
                self._journal.failed(flow.organisation, flow.name, error)
            except Exception:
                _logger.exception("BUG in flow kind=%s name=%s", flow.kind, flow.name)
                bug = FailedError("exchange.flow_bug", name=flow.name)
                self._journal.failed(flow.organisation, flow.name, bug)
            calm = self._clock.monotonic_s() - began_s > _CALM_S
            failures = 1 if calm else failures + 1
            pause_s = self._retry_first_s * 2 ** min(failures - 1, 20)
            await self._clock.sleep(min(_RETRY_MOST_S, pause_s))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
