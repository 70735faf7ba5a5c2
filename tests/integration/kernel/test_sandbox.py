"""What a sandboxed process can see and do, asked from inside."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.launch import found_running, launch
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.model import Limits, Mount, RunningProcess, Sandbox
from beffroi.kernel.processes.sandbox import python_home
from beffroi.kernel.processes.stopping import kill, stop_sandboxed
from beffroi.kernel.units import MIB
from tests.support.processes import (
    AS_ROOT,
    IDENTITY,
    launched,
    pids_running,
    sandboxed,
    shell_plan,
)
from tests.support.waiting import eventually, scaled

CONNECT = (
    "import socket,sys; s=socket.create_connection(('127.0.0.1',int(sys.argv[1])),2);"
    "print(s.recv(9).decode())"
)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of the machine, on which the platform's own services might listen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # noqa: FBT003
        yield server


async def _told(folder: Path, script: str, sandbox: Sandbox | None = None) -> list[str]:
    plan = sandboxed(shell_plan(folder, script), sandbox)
    with launched(plan) as process:
        async with asyncio.timeout(scaled(20)):
            await wait_for_exit(process)
    return plan.log_path.read_text().splitlines()


async def test_other_folders_of_the_machine_are_not_there(tmp_path: Path) -> None:
    secret = tmp_path / "neighbour" / "password"
    secret.parent.mkdir()
    secret.write_text("hunter2")
    tmp_path.chmod(0o755)
    script = f"cat {secret}; ls /home /var /run /sys /opt; ls -A /tmp; ls /; cat /etc/shadow; true"
    lines = await _told(tmp_path, script)
    assert "hunter2" not in lines
    assert sum("No such file" in line for line in lines) == 7
    shown = {line for line in lines if "No such file" not in line}
    assert not shown & {"home", "var", "run", "sys", "opt", "boot", "srv", "mnt"}


async def test_the_root_is_read_only_and_tmp_is_its_own(tmp_path: Path) -> None:
    lines = await _told(
        tmp_path,
        "for f in /x /usr/x /etc/x /etc/passwd; do echo no >> $f && echo WROTE $f; done;"
        "echo mine > /tmp/x && cat /tmp/x; echo mine > /dev/shm/x && cat /dev/shm/x",
    )
    assert not any("WROTE" in line for line in lines)
    assert lines[-2:] == ["mine", "mine"]


async def test_a_mount_is_writable_only_where_asked(tmp_path: Path) -> None:
    for name in ("release", "volume"):
        (tmp_path / name).mkdir()
        if IDENTITY is not None:
            os.chown(tmp_path / name, IDENTITY.uid, IDENTITY.gid)
    (tmp_path / "release" / "code").write_text("print\n")
    sandbox = Sandbox(
        mounts=(
            Mount(tmp_path / "release", Path("/application")),
            Mount(tmp_path / "volume", Path("/data"), writable=True),
        ),
        identity=IDENTITY,
    )
    lines = await _told(
        tmp_path, "cat /application/code; echo no > /application/x; echo kept > /data/x", sandbox
    )
    assert lines[0] == "print"
    assert not (tmp_path / "release" / "x").exists()
    assert (tmp_path / "volume" / "x").read_text() == "kept\n"


async def test_it_has_no_network(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    python = python_home() / "bin" / "python3"
    lines = await _told(tmp_path, f'{python} -c "{CONNECT}" {port}; cat /proc/net/dev')
    assert any("refused" in line or "unreachable" in line for line in lines)
    assert [line.split(":")[0].strip() for line in lines if ":" in line and "Error" not in line][
        -1
    ] == "lo"
    with pytest.raises(BlockingIOError):
        listener.accept()


async def test_it_has_the_network_where_asked(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]

    async def greet() -> None:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            connection.sendall(b"good day!")

    greeting = asyncio.create_task(greet())
    python = python_home() / "bin" / "python3"
    sandbox = Sandbox(network=True, identity=IDENTITY)
    assert await _told(tmp_path, f'{python} -c "{CONNECT}" {port}', sandbox) == ["good day!"]
    await greeting


async def test_it_sees_its_own_processes_only(tmp_path: Path) -> None:
    lines = await _told(
        tmp_path, f"ls -d /proc/[0-9]* | wc -l; kill -9 {os.getpid()} || echo nobody; hostname"
    )
    assert int(lines[0]) < 6
    assert "nobody" in lines
    assert lines[-1] == "application"


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a sandbox another user")
async def test_it_is_a_user_of_its_own_without_any_capability(tmp_path: Path) -> None:
    lines = await _told(
        tmp_path,
        "id -u; id -un; grep -h '^Cap' /proc/self/status; grep NoNewPrivs /proc/self/status;"
        "setpriv --reuid=0 true || echo refused; mount -t tmpfs none /tmp || echo refused",
    )
    assert lines[:2] == ["64321", "application"]
    assert {int(line.split()[1], 16) for line in lines if line.startswith("Cap")} == {0}
    assert "NoNewPrivs:\t1" in lines
    assert lines.count("refused") == 2


async def test_it_is_found_again_and_stopped_gracefully(tmp_path: Path) -> None:
    plan = sandboxed(
        shell_plan(
            tmp_path, "trap 'echo tidied; exit 0' TERM; echo up; while :; do sleep 0.05; done"
        )
    )
    with launched(plan) as process:
        await eventually(lambda: plan.log_path.exists() and "up" in plan.log_path.read_text())
        found = found_running(plan.unit, plan.folder)
        assert found == process
        assert await stop_sandboxed(found, within_s=scaled(5)) == 0
    assert plan.log_path.read_text() == "up\ntidied\n"


async def test_it_is_stopped_by_force_with_all_it_started(tmp_path: Path) -> None:
    plan = sandboxed(
        shell_plan(
            tmp_path,
            "trap '' TERM; setsid sleep 300.7011 &"
            "(setsid sh -c 'sleep 300.7011 & sleep 300.7011') &"
            "echo up; while :; do sleep 0.05; done",
        )
    )
    with launched(plan) as process:
        await eventually(lambda: len(pids_running("300.7011")) == 3)
        await stop_sandboxed(process, within_s=0.2)
        assert await eventually(lambda: not pids_running("300.7011"))


async def test_stopping_while_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    for attempt in range(20):
        plan = sandboxed(shell_plan(tmp_path, "sleep 300.7012", f"unit-{attempt}"))
        process = launch(plan, RlimitLimiter("tests"))
        await asyncio.sleep(attempt * 0.001)
        await stop_sandboxed(process, within_s=scaled(5))
        assert not pids_running(str(plan.folder / "passwd"))
    assert not pids_running("300.7012")


async def test_killing_ends_a_fork_bomb(tmp_path: Path) -> None:
    plan = msgspec.structs.replace(
        sandboxed(shell_plan(tmp_path, "b() { sleep 300.7013 & b & b; }; b & exec sleep 300.7013")),
        limits=Limits(memory_bytes=512 * MIB, cpus=0.5, processes=120),
    )
    limiter = best_limiter("beffroi-tests-bomb")
    with launched(plan, limiter) as process:
        await eventually(lambda: len(pids_running("300.7013")) > 30)
        await kill(process)
        assert await eventually(lambda: not pids_running("300.7013"))
    await eventually(lambda: limiter.usage(plan.unit, process.pid).processes == 0)
    limiter.release(plan.unit)


async def test_children_do_not_outlive_the_command(tmp_path: Path) -> None:
    plan = sandboxed(shell_plan(tmp_path, "sleep 300.7015 & sleep 300.7015 & sleep 0.3; exit 7"))
    with launched(plan) as process:
        await eventually(lambda: len(pids_running("300.7015")) == 2)
        assert await wait_for_exit(process) == 7
        assert not pids_running("300.7015")


async def test_what_outlived_its_command_unwatched_ends_at_the_next_launch(tmp_path: Path) -> None:
    plan = sandboxed(shell_plan(tmp_path, "sleep 300.7016 & exec sleep 300"))
    with launched(plan) as process:
        await eventually(lambda: len(pids_running("300.7016")) == 1)
        os.kill(process.pid, signal.SIGKILL)
        os.waitpid(process.pid, 0)  # noqa: ASYNC222 - it is dead
        assert found_running(plan.unit, plan.folder) is None
        assert len(pids_running("300.7016")) == 1
        with launched(msgspec.structs.replace(plan, command=("true",))):
            assert await eventually(lambda: not pids_running("300.7016"))


async def test_waiting_for_an_adopted_process_ends_with_it(tmp_path: Path) -> None:
    plan = sandboxed(shell_plan(tmp_path, "sleep 300.7014"))
    with launched(plan) as process:
        await eventually(lambda: found_running(plan.unit, plan.folder))
        adopted = RunningProcess(process.unit, process.pid, process.started_ticks)
        waiting = asyncio.create_task(wait_for_exit(adopted))
        await eventually(lambda: pids_running("300.7014"))
        assert not waiting.done()
        await stop_sandboxed(process, within_s=scaled(5))
        async with asyncio.timeout(scaled(5)):
            await waiting
    assert found_running(plan.unit, plan.folder) is None
