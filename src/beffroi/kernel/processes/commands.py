"""Short commands with a deadline, their output kept."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

_OUTPUT_LIMIT_BYTES = 1024 * 1024


class CommandResult(msgspec.Struct, frozen=True):
    """How a command ended."""

    status: int
    output: str
    timed_out: bool = False


async def run_command(
    command: Sequence[str],
    *,
    deadline_s: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> CommandResult:
    """Run a command to its end, or kill its session at the deadline.

    Its output goes through a file: a pipe would be held open by a child that left the session.

    Returns:
        Its status and the last MiB of its output and errors together.
    """
    with TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=folder,
            start_new_session=True,
        )
        timed_out = False
        try:
            async with asyncio.timeout(deadline_s):
                await process.wait()
        except TimeoutError:
            timed_out = True
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        output.seek(max(0, output.seek(0, os.SEEK_END) - _OUTPUT_LIMIT_BYTES))
        text = output.read().decode(errors="replace")
        return CommandResult(process.returncode or 0, text, timed_out)
