"""kill -9 of the process that carries flows."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from beffroi.kernel.database import Database
from tests.support.flow_process import buildings, flow_process
from tests.support.town_subscriptions import building, create, update
from tests.support.waiting import eventually
from tests.support.webhook_receiver import WebhookReceiver

B1 = "urn:ngsi-ld:Building:1"
ROOT = Path(__file__).parents[4]


async def started(database: Database) -> asyncio.subprocess.Process:
    environment = {
        **os.environ,
        "DATABASE_OF_THE_TEST": database.url.reveal(),
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.flow_process", env=environment, cwd=ROOT
    )


@pytest.mark.timeout(120)
async def test_a_process_that_is_killed_again_and_again_loses_nothing(
    database: Database, receiver: WebhookReceiver
) -> None:
    """Twice kill -9 under load: every change arrives, in order but for what is told twice."""
    hook = {"url": receiver.url(), "secret": "key"}
    async with flow_process(database, carrying=False) as writer:
        await writer.apply({"out": buildings(webhook=hook)})
        await create(writer, building(level=0))
        level = 0
        for _ in range(2):
            victim = await started(database)
            before = len(receiver.fields())
            for _ in range(60):
                level += 1
                await update(writer, B1, {"level": level})
            await eventually(lambda: len(receiver.fields()) > before + 5, within_s=20)  # noqa: B023
            os.kill(victim.pid, signal.SIGKILL)
            await victim.wait()
        last = await started(database)
        await eventually(
            lambda: len({one["position"] for one in receiver.changes()}) == 121, within_s=30
        )
        os.kill(last.pid, signal.SIGKILL)
        await last.wait()
    told = [one["floors"] for one in receiver.fields()]
    first_time = list(dict.fromkeys(told))
    assert first_time == list(range(121))
    assert len(told) - len(first_time) <= 2
