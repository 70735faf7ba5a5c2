"""A small ASGI application: says which edition it is, and can take its time."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

EDITION = Path(__file__).with_name("edition.txt").read_text().strip()
Message = dict[str, Any]


async def application(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],  # noqa: ARG001 - the interface's
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Answer every path; ``/slow`` after half a second."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.5)
    body = f"agenda {EDITION}".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
