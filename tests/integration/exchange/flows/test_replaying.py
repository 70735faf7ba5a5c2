"""How far back a flow can begin again, and what a flow that rests holds."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from beffroi.exchange.flows.errors import ReplayTooEarlyError
from beffroi.exchange.flows.store import log_places
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import LogWatch
from beffroi.kernel.log.trimming import Keeping, LogKeeper, Reader
from tests.support.flow_process import FlowProcess
from tests.support.town_subscriptions import NIMES, building, create, update
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver

B1 = "urn:ngsi-ld:Building:1"


def keeper(database: Database) -> LogKeeper:
    """Trim all that is read, in slices of three entries."""
    keeping = Keeping(changes=timedelta(0), acts=timedelta(days=365), least=3)
    return LogKeeper(database, LogWatch(database), SystemClock(), keeping, [log_places])


@pytest.fixture
async def short_slices(database: Database) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "drop table kernel.log_1, kernel.log_4097")
        await execute(connection, "select kernel.make_log_slice(1, 4)")
        await execute(connection, "select kernel.make_log_slice(4, null)")


@pytest.mark.usefixtures("short_slices")
async def test_a_flow_is_replayed_from_what_is_kept_and_told_of_the_earliest_moment_else(
    platform: FlowProcess, receiver: WebhookReceiver, database: Database
) -> None:
    since = SystemClock().now()
    await platform.apply({"out": receiver.connector()})
    await create(platform, building(level=0))
    for level in range(1, 10):
        await update(platform, B1, {"level": level})
    await eventually(lambda: len(receiver.fields()) == 10)
    trimming = keeper(database)
    await eventually(lambda: _is_trimmed(trimming), within_s=20)
    with pytest.raises(ReplayTooEarlyError) as refused:
        await platform.parts.flows.replay(NIMES, "nimes", "out", since)
    first_at = (await trimming.state()).first_at
    assert first_at is not None
    assert refused.value.values["earliest"] == first_at.isoformat()
    await platform.parts.flows.replay(NIMES, "nimes", "out", first_at)
    await eventually(lambda: [one["floors"] for one in receiver.fields()[10:]][-1:] == [9])


async def _is_trimmed(trimming: LogKeeper) -> bool:
    await trimming.keep()
    return (await trimming.state()).first_seq > 3


@pytest.mark.usefixtures("short_slices")
async def test_a_flow_that_rests_holds_what_it_has_not_read(
    platform: FlowProcess, receiver: WebhookReceiver, database: Database
) -> None:
    await platform.apply({"out": receiver.connector()})
    await platform.parts.flows.pause(NIMES, "nimes", "out")
    await create(platform, building(level=0))
    for level in range(1, 10):
        await update(platform, B1, {"level": level})
    trimming = keeper(database)
    await trimming.keep()
    assert "nimes/out" in _names((await trimming.state()).held_by)
    await platform.parts.flows.resume(NIMES, "nimes", "out")
    await eventually(lambda: len(receiver.fields()) == 10)
    assert [one["floors"] for one in receiver.fields()] == list(range(10))


def _names(holders: Sequence[Reader]) -> list[str]:
    return [one.name for one in holders]
