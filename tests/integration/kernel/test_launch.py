"""Processes that outlive the one that started them, and are found again."""

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import msgspec
import pytest

from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.launch import PID_FILE, found_running, is_alive
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.log_files import follow, rotate
from beffroi.kernel.processes.model import Limits
from beffroi.kernel.processes.stopping import kill, stop
from beffroi.kernel.processes.tables import process_row
from tests.support.processes import (
    AS_ROOT,
    IDENTITY,
    is_written,
    launched,
    pids_running,
    shell_plan,
)
from tests.support.programs import kill_program, program, told
from tests.support.waiting import eventually, scaled

LAUNCHER = "tests.integration.kernel.programs.launcher"


class UnusableLimiter(RlimitLimiter):
    """Limits that the machine refuses."""

    def prepare(self, unit: str, limits: Limits) -> str:  # noqa: ARG002
        return "echo $$ > /nonexistent/cgroup.procs"


async def test_a_process_gets_its_environment_and_nothing_else(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(
        shell_plan(tmp_path, "env | sort; pwd; ls /proc/self/fd | wc -l; readlink /proc/self/fd/0"),
        environment={"PATH": "/usr/bin:/bin", "WORD": "bell and tower"},
        working_folder=tmp_path,
    )
    with launched(plan) as process:
        assert await wait_for_exit(process) == 0
    lines = plan.log_path.read_text().splitlines()
    assert [line for line in lines if not line.startswith(("PWD=", "_=", "SHLVL=", "OLDPWD="))] == [
        "PATH=/usr/bin:/bin",
        "WORD=bell and tower",
        str(tmp_path),
        "4",
        "/dev/null",
    ]


async def test_output_is_appended_to_the_log(tmp_path: Path) -> None:
    plan = shell_plan(tmp_path, "echo told; echo warned >&2")
    for _ in range(2):
        with launched(plan) as process:
            await wait_for_exit(process)
    assert plan.log_path.read_text() == "told\nwarned\n" * 2


async def test_a_process_leads_a_session_of_its_own_with_no_signal_ignored(tmp_path: Path) -> None:
    previous = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        with launched(shell_plan(tmp_path, "exec sleep 300")) as process:
            await eventually(lambda: pids_running("300"))
            status = Path(f"/proc/{process.pid}/status").read_text()
            session = os.getsid(process.pid)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert session == process.pid
    ignored = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn"))
    assert int(ignored, 16) & (1 << (signal.SIGUSR1 - 1)) == 0


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a process another user")
async def test_a_process_takes_its_user_for_good(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(
        shell_plan(tmp_path, "id -u; id -g; id -G; setpriv --reuid=0 id -u || echo refused"),
        identity=IDENTITY,
    )
    with launched(plan) as process:
        await wait_for_exit(process)
    lines = plan.log_path.read_text().splitlines()
    assert lines[:3] == ["64321", "64321", "64321"]
    assert lines[-1] == "refused"


async def test_exit_statuses_of_children(tmp_path: Path) -> None:
    for script, status in (("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM)):
        with launched(shell_plan(tmp_path, script)) as process:
            assert await wait_for_exit(process) == status


async def test_a_command_does_not_run_without_its_limits(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(
        shell_plan(tmp_path, "echo ran"), limits=Limits(64 * 1024 * 1024, 1, 10)
    )
    with launched(plan, UnusableLimiter("tests")) as process:
        assert await wait_for_exit(process) != 0
    assert "ran" not in plan.log_path.read_text().splitlines()


async def test_a_command_does_not_run_in_another_folder_than_its_own(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(
        shell_plan(tmp_path, "echo ran"), working_folder=tmp_path / "missing"
    )
    with launched(plan) as process:
        assert await wait_for_exit(process) != 0
    assert "ran" not in plan.log_path.read_text().splitlines()


async def test_a_process_is_found_again_by_its_folder(tmp_path: Path) -> None:
    plan = shell_plan(tmp_path, "sleep 300.6011")
    with launched(plan) as process:
        await eventually(lambda: is_written(plan))
        assert found_running(plan.unit, plan.folder) == process
        assert is_alive(process)
        await kill(process)
        assert found_running(plan.unit, plan.folder) is None
        assert not is_alive(process)
    assert not pids_running("300.6011")


def test_nothing_is_found_where_nothing_was_launched(tmp_path: Path) -> None:
    assert found_running("unit", tmp_path / "unit") is None


def _ticks_since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")


async def test_another_process_of_the_same_number_is_not_mistaken(tmp_path: Path) -> None:
    plan, later = shell_plan(tmp_path, "exec sleep 300"), shell_plan(tmp_path, "sleep 300", "later")
    with launched(plan) as process:
        await eventually(lambda: is_written(plan))
        await kill(process)
        await eventually(lambda: _ticks_since_boot() > process.started_ticks + 1)
        with launched(later) as other:
            await eventually(lambda: is_written(later))
            text = (plan.folder / PID_FILE).read_text()
            reused = text.replace(f" {process.pid} (", f" {other.pid} (")
            assert reused != text
            (plan.folder / PID_FILE).write_text(reused)
            assert found_running(plan.unit, plan.folder) is None
            stale = msgspec.structs.replace(process, pid=other.pid)
            assert not is_alive(stale)
            assert await wait_for_exit(stale) is None
            await stop(stale, within_s=1)
            await kill(stale)
            assert is_alive(other)


async def test_a_process_of_another_boot_is_not_mistaken(tmp_path: Path) -> None:
    plan = shell_plan(tmp_path, "sleep 300")
    with launched(plan):
        await eventually(lambda: is_written(plan))
        path = plan.folder / PID_FILE
        _, _, row = path.read_text().partition(" ")
        path.write_text(f"00000000-0000-0000-0000-000000000000 {row}")
        assert found_running(plan.unit, plan.folder) is None


async def test_a_process_survives_the_kill_of_its_launcher(tmp_path: Path) -> None:
    async with program(LAUNCHER, str(tmp_path), "survivor-one") as launcher:
        assert await told(launcher) == "ready"
        assert await told(launcher) == "launched"
        await kill_program(launcher)
    process = await eventually(lambda: found_running("survivor", tmp_path / "survivor"))
    assert process is not None
    log = tmp_path / "survivor.log"
    size = log.stat().st_size
    await eventually(lambda: log.stat().st_size > size)
    waiting = asyncio.create_task(wait_for_exit(process))
    await stop(process, within_s=5)
    assert await waiting is None
    assert not pids_running("survivor-one")


async def test_whenever_its_launcher_is_killed_a_process_is_found_or_does_not_run(
    tmp_path: Path,
) -> None:
    chance = random.Random(20260302)  # noqa: S311
    found_alive = 0
    for attempt in range(12):
        marker, folder = f"survivor-{attempt}-of-many", tmp_path / str(attempt)
        folder.mkdir()
        async with program(LAUNCHER, str(folder), marker) as launcher:
            assert await told(launcher) == "ready"
            await asyncio.sleep(chance.uniform(0, 0.006))
            await kill_program(launcher)
        pids = await _settled_pids(marker)
        process = found_running("survivor", folder / "survivor")
        assert [process.pid] == pids if process else pids == []
        if process:
            found_alive += 1
            await kill(process)
    assert found_alive > 0


async def _settled_pids(marker: str) -> list[int]:
    """Wait until what was launched has become its command, or is not there."""
    seen: list[list[int]] = []

    def unchanged() -> bool:
        seen.append(pids_running(marker))
        return len(seen) > 5 and all(pids == seen[-1] for pids in seen[-5:])

    await eventually(unchanged)
    return seen[-1]


async def test_stopping_is_graceful_where_the_process_lets_it(tmp_path: Path) -> None:
    plan = shell_plan(
        tmp_path, "trap 'echo tidied; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    )
    with launched(plan) as process:
        await eventually(lambda: "up" in plan.log_path.read_text())
        assert await stop(process, within_s=scaled(5)) == 5
    assert plan.log_path.read_text() == "up\ntidied\n"


async def test_stopping_is_forced_where_it_does_not(tmp_path: Path) -> None:
    plan = shell_plan(
        tmp_path, "trap '' TERM; echo up; sleep 300.6012 & while :; do sleep 0.05; done"
    )
    with launched(plan) as process:
        await eventually(lambda: "up" in plan.log_path.read_text())
        assert await stop(process, within_s=0.3) == -signal.SIGKILL
        assert await eventually(lambda: not pids_running("300.6012"))


async def test_stopping_twice_is_harmless(tmp_path: Path) -> None:
    with launched(shell_plan(tmp_path, "sleep 300")) as process:
        for _ in range(2):
            assert await stop(process, within_s=5) == -signal.SIGTERM


async def test_killing_leaves_no_child_of_a_tree_that_keeps_forking(tmp_path: Path) -> None:
    script = "forks() { while :; do sleep 300.6013 & sleep 0.001; done; }; forks & forks"
    with launched(shell_plan(tmp_path, script)) as process:
        await eventually(lambda: len(pids_running("300.6013")) > 20)
        await kill(process)
        assert not pids_running("300.6013")


async def test_what_the_platforms_caller_left_open_is_not_passed_on(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003
    with launched(shell_plan(tmp_path, "sleep 300")):
        os.close(writing)
        os.set_blocking(reading, False)
        assert os.read(reading, 1) == b""
    os.close(reading)


async def test_a_process_row_tells_its_age_and_parent(tmp_path: Path) -> None:
    with launched(shell_plan(tmp_path, "exec sleep 300")) as process:
        await eventually(lambda: (row := process_row(process.pid)) and row.resident_bytes > 0)
        row = process_row(process.pid)
    assert row is not None
    assert row.parent == os.getpid()
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 <= uptime_s - row.started_ticks / os.sysconf("SC_CLK_TCK") < 5


async def test_a_log_is_rotated_and_followed_while_its_writer_appends(tmp_path: Path) -> None:
    plan = shell_plan(
        tmp_path,
        "n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo line $n; done; sleep 0.7; echo end",
    )
    plan.log_path.touch()
    seen: list[int] = []

    async def read() -> None:
        async for line in follow(plan.log_path):
            if line == "end":
                return
            seen.append(int(line.removeprefix("line ")))

    reading = asyncio.create_task(read())
    with launched(plan) as process:
        await eventually(lambda: plan.log_path.stat().st_size > 1000)
        assert rotate(plan.log_path, above_bytes=1000)
        async with asyncio.timeout(scaled(10)):
            await reading
        await wait_for_exit(process)
    assert seen == sorted(set(seen))
    assert seen[-1] == 2000
    assert len(seen) > 1900
