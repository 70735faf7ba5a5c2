"""Python programs of the tests, run as processes of their own so that they can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def program(module: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``python -m tests...``; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": f"{_ROOT / 'src'}:{_ROOT}"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        await kill_program(process)


async def kill_program(process: asyncio.subprocess.Process) -> None:
    """End it with no chance to tidy up."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGKILL)
    await process.communicate()


async def told(process: asyncio.subprocess.Process) -> str:
    """Read the next line that a program says."""
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()
