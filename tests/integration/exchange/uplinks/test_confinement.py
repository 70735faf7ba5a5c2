"""The process of vendors' codecs opens nothing, begins nothing and reaches nobody."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beffroi.exchange.uplinks.codecs import interpreter
from beffroi.exchange.uplinks.codecs.javascript import JavascriptWorker
from beffroi.exchange.uplinks.message import Undecoded
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.tables import descendants_of

ATTEMPTS = (
    "open('/etc/hostname')",
    "open('/dev/null', 'w')",
    "os.listdir('/')",
    "os.stat('/')",
    "socket.socket()",
    "socket.socketpair()",
    "os.fork()",
    "os.execv('/bin/true', ['true'])",
    "os.kill(os.getppid(), 0)",
    "os.pipe()",
    "threading.Thread(target=print).start()",
)
PROGRAM = """
import os, socket, threading
from beffroi.exchange.uplinks.codecs.confinement import confine
confine()
try:
    {attempt}
except (PermissionError, RuntimeError) as error:
    os.write(1, type(error).__name__.encode())
os.write(1, str(sum(map(len, [str(n) for n in range(100_000)]))).encode())
os._exit(0)
"""


@pytest.mark.parametrize("attempt", ATTEMPTS)
async def test_one_who_is_confined_computes_and_writes_and_nothing_else(attempt: str) -> None:
    command = (sys.executable, "-c", PROGRAM.format(attempt=attempt))
    ended = await run_command(command, deadline_s=20)
    assert ended.output.strip() in ("PermissionError488890", "RuntimeError488890")


async def test_the_process_of_codecs_is_confined_while_it_decodes() -> None:
    worker = JavascriptWorker()
    text = "function decodeUplink(i) { return {data: {at: new Date(0).getTime() + i.bytes[0]}}; }"
    payload = Undecoded(b"\x07", 1, datetime(2026, 11, 22, tzinfo=UTC))
    try:
        (found,) = await worker.decoded(text, [payload])
        (confined,) = [
            status
            for row in descendants_of(os.getpid())
            if interpreter.__name__ in Path(f"/proc/{row.pid}/cmdline").read_text()
            for status in [Path(f"/proc/{row.pid}/status").read_text().splitlines()]
        ]
    finally:
        await worker.close()
    assert found.json == '{"at":7}'
    assert {"Seccomp:\t2", "NoNewPrivs:\t1"} <= set(confined)
