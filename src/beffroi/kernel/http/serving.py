"""Serving an application on a unix socket, inside a process that does more."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from granian.constants import Interfaces
from granian.server.embed import Server

_STOP_WITHIN_S: Final = 10.0


@asynccontextmanager
async def served_on(
    socket: Path, application: object, interface: Interfaces, mode: int
) -> AsyncIterator[asyncio.Task[None]]:
    """Answer on a socket as long as the block lasts.

    Args:
        socket: Taken over from an earlier process.
        application: What answers, of the kind that the interface names.
        interface: ASGI or RSGI.
        mode: Who may connect, as ``chmod`` tells it; it holds before the first answer.

    Yields:
        The task that serves; it ends before the block where the server failed.

    Raises:
        RuntimeError: The socket cannot be made.
    """
    socket.unlink(missing_ok=True)
    server = Server(
        application, uds=socket, interface=interface, log_enabled=False, websockets=False
    )
    server.uds_permissions = mode
    listening = asyncio.Event()
    server.on_startup(listening.set)
    serving = asyncio.create_task(server.serve(), name=f"server on {socket.name}")
    heard = asyncio.create_task(listening.wait())
    stop: Callable[[], None] = server.stop
    try:
        await asyncio.wait((heard, serving), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        yield serving
    finally:
        heard.cancel()
        stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(serving, _STOP_WITHIN_S)
