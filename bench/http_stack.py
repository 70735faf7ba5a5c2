"""What serving one small JSON endpoint costs on each stack."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from tests.support.waiting import eventually

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.tables import descendants_of
from bench.load import CONNECTIONS, load_tool, posted
from bench.measuring import Figures, cpu_s, keep, median_of, resident_mib
from bench.stacks.payload import BODY, answer_to

_LOAD_S = 5.0
_IDLE_S = 10.0
_RUNS = 3
_STACKS = (
    ("bare_rsgi", "granian-embedded"),
    ("bare_asgi", "granian-embedded"),
    ("starlette", "granian-embedded"),
    ("litestar", "granian-embedded"),
    ("bare_rsgi", "granian"),
    ("litestar", "granian"),
    ("bare_asgi", "uvicorn"),
    ("starlette", "uvicorn"),
    ("litestar", "uvicorn"),
    ("bare_asgi", "uvicorn-uvloop"),
    ("starlette", "uvicorn-uvloop"),
    ("litestar", "uvicorn-uvloop"),
)
_METHOD = (
    f"POST of {len(BODY)} bytes of JSON, msgspec decode, a mean, msgspec encode "
    f"({len(answer_to(BODY))} bytes); {load_tool()}, {CONNECTIONS} connections, keep-alive, "
    f"{_LOAD_S:.0f} s after 1 s of warm-up, median of {_RUNS}, the server on core 0 and the load "
    "on core 1 where the machine has two. CPU is the server's own (schedstat), resident memory "
    f"after the load, idle CPU over {_IDLE_S:.0f} s with no connection; core_share is how much of "
    "a core the server got: where it is below 1, requests_per_s is held back by the load's core, "
    "by waiting, or by whatever else the machine does, and cpu_s_per_1000 is the figure to compare"
    ". granian-embedded serves in the loop of the process that starts it, granian in a process "
    "of its own (one worker, no access log); uvicorn is kernel/http/loop_serving.py on asyncio, "
    "uvicorn-uvloop the same on uvloop."
)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@asynccontextmanager
async def _serving(application: str, server: str) -> AsyncIterator[tuple[int, int]]:
    """Start a stack; give its pid and port."""
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.stacks.serve", application, server, str(port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(process.pid, {0})
    try:
        await eventually(lambda: _listens(port), 20)
        yield process.pid, port
    finally:
        for row in reversed(descendants_of(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
        await process.wait()


async def _listens(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


async def _run(application: str, server: str) -> Figures:
    clock = SystemClock()
    async with _serving(application, server) as (pid, port):
        await posted(port, "/measures", BODY, 1)
        begun_s, cpu_before_s = clock.monotonic_s(), cpu_s(pid)
        answers = await posted(port, "/measures", BODY, _LOAD_S)
        spent_s, cpu_spent_s = clock.monotonic_s() - begun_s, cpu_s(pid) - cpu_before_s
        resident = resident_mib(pid)
        await asyncio.sleep(1)
        idle_before_s = cpu_s(pid)
        await asyncio.sleep(_IDLE_S)
        idle_s = cpu_s(pid) - idle_before_s
    return {
        "requests_per_s": round(answers / spent_s),
        "cpu_s_per_1000": round(cpu_spent_s / answers * 1000, 4),
        "core_share": round(cpu_spent_s / spent_s, 2),
        "resident_mib": round(resident, 1),
        "idle_cpu_s_per_h": round(idle_s / _IDLE_S * 3600, 2),
    }


def _measured_once(application: str, server: str) -> Figures:
    return asyncio.run(_run(application, server))


def measure() -> None:
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    figures: dict[str, Figures] = {}
    for stack in _STACKS:
        figures[" on ".join(stack)] = median_of(_RUNS, partial(_measured_once, *stack))
    keep("http_stack", _METHOD, figures)
