"""Load on an HTTP endpoint: wrk where the machine has it, else connections of asyncio."""

import asyncio
import re
import shutil
import tempfile
from pathlib import Path

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.commands import run_command

_SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
"""
CONNECTIONS = 16


def load_tool() -> str:
    """Name what makes the load."""
    return "wrk" if shutil.which("wrk") else "an asyncio client"


async def posted(port: int, path: str, body: bytes, duration_s: float) -> int:
    """Post a body again and again; return how many answers came, all of them good."""
    if load_tool() == "wrk":
        return await _posted_by_wrk(port, path, body, duration_s)
    end_s = SystemClock().monotonic_s() + duration_s
    counts = await asyncio.gather(
        *(_posted_by_one(port, path, body, end_s) for _ in range(CONNECTIONS))
    )
    return sum(counts)


async def _posted_by_wrk(port: int, path: str, body: bytes, duration_s: float) -> int:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(_SCRIPT.format(body=body.decode()), encoding="utf-8")
        result = await run_command(
            (
                *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration_s:.0f}s"),
                *("-s", str(script), f"http://127.0.0.1:{port}{path}"),
            ),
            deadline_s=duration_s + 20,
        )
    found = re.search(r"(\d+) requests in", result.output)
    if (
        result.status
        or found is None
        or "Non-2xx" in result.output
        or "Socket err" in result.output
    ):
        raise RuntimeError(result.output)
    return int(found.group(1))


async def _posted_by_one(port: int, path: str, body: bytes, end_s: float) -> int:
    clock, count = SystemClock(), 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    while clock.monotonic_s() < end_s:
        writer.write(request)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", answer, re.IGNORECASE)
        if length is None or b" 200 " not in answer.split(b"\r\n", 1)[0]:
            raise RuntimeError(answer.decode())
        await reader.readexactly(int(length.group(1)))
        count += 1
    writer.close()
    await writer.wait_closed()
    return count
