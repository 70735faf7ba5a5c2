"""Having the platform wake an application that is at rest."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

_WITHIN_S: Final = 130.0


class _Asked(msgspec.Struct, frozen=True):
    application: str


class Awakened(msgspec.Struct, frozen=True):
    """What became of a wake: ``awake``, ``failed`` or ``stopped``."""

    state: str
    seconds: float = 0.0
    reason: str = ""


class Awakening:
    """Wakes applications, each once however many visitors wait for it."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._under_way: dict[str, asyncio.Task[Awakened]] = {}

    async def wake(self, application: str, within_s: float) -> Awakened | None:
        """Return what became of it, or nothing while it still wakes."""
        task = self._under_way.get(application)
        if task is None:
            task = asyncio.create_task(self._asked(application), name=f"wake {application}")
            self._under_way[application] = task
            task.add_done_callback(lambda _: self._under_way.pop(application, None))
        done, _ = await asyncio.wait((task,), timeout=within_s)
        return task.result() if done else None

    async def _asked(self, application: str) -> Awakened:
        try:
            async with asyncio.timeout(_WITHIN_S):
                reader, writer = await asyncio.open_unix_connection(self._socket)
                try:
                    writer.write(msgspec.json.encode(_Asked(application)) + b"\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return Awakened("failed", reason="the platform does not answer")
        try:
            return msgspec.json.decode(line, type=Awakened)
        except msgspec.DecodeError:
            return Awakened("failed", reason="the platform closed the connection")
