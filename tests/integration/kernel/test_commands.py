"""Short commands with a deadline."""

import asyncio
from pathlib import Path

import pytest

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.commands import run_command
from tests.support.processes import pids_running
from tests.support.waiting import eventually


async def test_status_and_output_come_back(tmp_path: Path) -> None:
    result = await run_command(
        ("sh", "-c", "pwd; echo $WORD; echo wrong >&2; exit 3"),
        deadline_s=10,
        environment={"PATH": "/usr/bin:/bin", "WORD": "bell"},
        folder=tmp_path,
    )
    assert result.status == 3
    assert result.output.splitlines() == [str(tmp_path), "bell", "wrong"]
    assert not result.timed_out


async def test_only_the_last_mebibyte_of_output_is_kept() -> None:
    result = await run_command(("sh", "-c", "yes | head -c 5000000; echo end"), deadline_s=20)
    assert len(result.output) == 1024 * 1024
    assert result.output.endswith("end\n")


async def test_a_command_that_does_not_exist_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        await run_command(("no-such-command-here",), deadline_s=1)


async def test_at_the_deadline_the_whole_session_is_killed() -> None:
    result = await run_command(
        ("sh", "-c", "echo begun; sleep 300.5031 & sleep 300.5031"), deadline_s=0.3
    )
    assert result.timed_out
    assert result.status == -9
    assert "begun" in result.output
    await eventually(lambda: not pids_running("300.5031"))


async def test_a_child_that_left_the_session_does_not_hold_the_deadline_up() -> None:
    clock = SystemClock()
    begun = clock.monotonic_s()
    result = await run_command(("sh", "-c", "setsid sleep 4.5032 & sleep 300.5032"), deadline_s=0.3)
    assert result.timed_out
    assert clock.monotonic_s() - begun < 3


async def test_a_command_is_killed_when_its_caller_is_cancelled() -> None:
    task = asyncio.create_task(run_command(("sleep", "300.5033"), deadline_s=300))
    await eventually(lambda: pids_running("300.5033"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await eventually(lambda: not pids_running("300.5033"))
