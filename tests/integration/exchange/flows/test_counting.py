"""Counts of flows are neither lost nor doubled."""

import asyncio

from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import FlowHealth
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from tests.support.flow_process import flow_process
from tests.support.webhook_receiver import WebhookReceiver


async def test_a_write_that_is_cut_short_by_the_end_loses_no_counts(
    database: Database, receiver: WebhookReceiver
) -> None:
    async with flow_process(database, carrying=False) as platform:
        await platform.apply({"out": receiver.connector()})
        journal = FlowJournal(database, SystemClock())
        journal.carried("nimes", "out", 5)
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "lock table exchange.flow_state", ())
            writing = asyncio.create_task(journal.write())
            await asyncio.wait({writing}, timeout=0.3)
            writing.cancel()
            await asyncio.wait({writing}, timeout=5)
        assert writing.cancelled()
        await journal.write()
        assert (await platform.told()).state.carried == 5


async def test_a_failure_is_told_though_its_first_writing_failed(
    database: Database, receiver: WebhookReceiver
) -> None:
    async with flow_process(database, carrying=False) as platform:
        await platform.apply({"out": receiver.connector()})
        journal = FlowJournal(database, SystemClock())
        journal.failed("nimes", "out", FlowFailedError("exchange.flow_secret_unset", name="key"))
        async with database.transaction(EVERYTHING) as connection:
            await execute(connection, "lock table exchange.flow_state", ())
            writing = asyncio.create_task(journal.write())
            await asyncio.wait({writing}, timeout=0.3)
            journal.lagging("nimes", "out", 3.0)
            writing.cancel()
            await asyncio.wait({writing}, timeout=5)
        await journal.write()
        told = await platform.told()
        assert told.health is FlowHealth.FAILING
        assert told.state.last_error is not None
        assert told.state.last_error.code == "exchange.flow_secret_unset"
