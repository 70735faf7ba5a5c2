"""Operations: who asked for which change, and how it ended."""

import asyncio
import logging

import pytest

from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import FailedError, NotFoundError
from beffroi.kernel.log import Entry, read_after
from beffroi.kernel.operations import Operation, Operations, OperationState, Progress
from beffroi.kernel.operations.service import Work
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

LOMME = Actor("dupont", Role.MANAGER, "lomme")
HELLEMMES = Actor("durand", Role.MANAGER, "hellemmes")


@pytest.fixture
def operations(database: Database, clock: ManualClock) -> Operations:
    return Operations(database, clock)


async def _done(_: Progress) -> str:
    return "Release 7 serves."


async def _carry_out(operations: Operations, work: Work = _done, subject: str = "bus") -> Operation:
    return await operations.carry_out(LOMME, "hosting.deploy", subject, "lomme", work)


async def _entries(database: Database) -> list[Entry]:
    async with database.transaction(EVERYTHING) as connection:
        return list(await read_after(connection, 0, 1000))


async def test_a_change_that_succeeds_is_recorded_and_announced(
    operations: Operations, database: Database, clock: ManualClock
) -> None:
    async def work(progress: Progress) -> str:
        clock.move(12)
        await progress.step("Building")
        return "Release 7 serves."

    ended = await _carry_out(operations, work)
    assert ended.state is OperationState.SUCCEEDED
    assert (ended.actor, ended.verb, ended.step) == ("dupont", "hosting.deploy", "Building")
    assert ended.outcome == "Release 7 serves."
    assert ended.finished_at is not None
    assert (ended.finished_at - ended.started_at).total_seconds() == 12
    (entry,) = await _entries(database)
    assert (entry.kind, entry.subject, entry.organisation) == (
        "operation.succeeded",
        "bus",
        "lomme",
    )
    assert entry.body == {"operation": ended.id, "verb": "hosting.deploy"}


async def test_a_change_that_fails_tells_its_reason_and_code(
    operations: Operations, database: Database
) -> None:
    async def work(_: Progress) -> str:
        raise FailedError("kernel.secret_unreadable", purpose="bus")

    ended = await _carry_out(operations, work)
    assert ended.state is OperationState.FAILED
    assert ended.error_code == "kernel.secret_unreadable"
    assert "«bus»" in ended.outcome
    assert [entry.kind for entry in await _entries(database)] == ["operation.failed"]


async def test_an_unexpected_error_is_a_bug_line_and_shows_nothing_of_it(
    operations: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(_: Progress) -> str:
        raise ValueError("password=hunter2")

    ended = await _carry_out(operations, work)
    assert ended.state is OperationState.FAILED
    assert ended.error_code == "kernel.bug"
    assert "hunter2" not in ended.outcome
    assert any(record.getMessage().startswith("BUG in operation") for record in caplog.records)


async def test_a_launched_change_runs_in_the_background(operations: Operations) -> None:
    gate = asyncio.Event()

    async def work(progress: Progress) -> str:
        await progress.step("Waiting")
        await gate.wait()
        return "Done."

    begun = await operations.launch(LOMME, "hosting.deploy", "bus", "lomme", work)
    assert begun.state is OperationState.RUNNING

    async def step() -> str:
        return (await operations.get(begun.id, LOMME)).step

    assert await eventually(step) == "Waiting"
    gate.set()

    async def ended() -> bool:
        return (await operations.get(begun.id, LOMME)).state is OperationState.SUCCEEDED

    assert await eventually(ended)


async def test_closing_interrupts_what_runs(operations: Operations, database: Database) -> None:
    async def work(_: Progress) -> str:
        await asyncio.Event().wait()
        return "never"

    begun = await operations.launch(LOMME, "hosting.deploy", "bus", "lomme", work)
    await asyncio.sleep(0)
    await operations.close()
    assert (await operations.get(begun.id, LOMME)).state is OperationState.INTERRUPTED
    assert [entry.kind for entry in await _entries(database)] == ["operation.interrupted"]


async def test_what_a_killed_platform_left_open_is_closed_and_announced(
    operations: Operations, database: Database, clock: ManualClock
) -> None:
    async def work(_: Progress) -> str:
        await asyncio.Event().wait()
        return "never"

    begun = await operations.launch(LOMME, "hosting.deploy", "bus", "lomme", work)
    ended = await _carry_out(operations)
    clock.move(60)
    next_platform = Operations(database, clock)
    assert await next_platform.settle_interrupted() == 1
    assert await next_platform.settle_interrupted() == 0
    settled = await next_platform.get(begun.id, LOMME)
    assert settled.state is OperationState.INTERRUPTED
    assert settled.finished_at == clock.now()
    assert (await next_platform.get(ended.id, LOMME)).state is OperationState.SUCCEEDED
    kinds = [entry.kind for entry in await _entries(database)]
    assert kinds == ["operation.succeeded", "operation.interrupted"]
    await operations.close()


async def test_each_sees_the_operations_of_their_organisation(operations: Operations) -> None:
    ended = await _carry_out(operations)
    assert await operations.get(ended.id, LOMME) == ended
    assert await operations.get(ended.id, PLATFORM) == ended
    with pytest.raises(NotFoundError) as caught:
        await operations.get(ended.id, HELLEMMES)
    assert caught.value.code == "kernel.operation_unknown"
    assert list(await operations.newest(HELLEMMES)) == []
    assert list(await operations.newest(LOMME)) == [ended]


async def test_operations_are_listed_newest_first_by_pages(
    operations: Operations, clock: ManualClock
) -> None:
    made = []
    for number in range(105):
        clock.move(1)
        made.append((await _carry_out(operations, subject="bus" if number % 2 else "wiki")).id)
    newest = [one.id for one in await operations.newest(LOMME)]
    older = [one.id for one in await operations.newest(LOMME, before_id=newest[-1])]
    assert newest + older == made[::-1]
    of_bus = await operations.newest(LOMME, subject="bus")
    assert [one.id for one in of_bus] == made[1::2][::-1]


async def test_each_end_is_one_line_of_log(
    operations: Operations, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "beffroi")
    ended = await _carry_out(operations)
    (line,) = caplog.messages
    assert line == (
        f"operation id={ended.id} verb=hosting.deploy subject=bus organisation=lomme"
        " actor=dupont state=succeeded outcome='Release 7 serves.'"
    )
