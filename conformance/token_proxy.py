"""A loopback proxy that adds a token: the suite knows nothing of accounts.

Every request gets a connection of its own and goes through byte for byte but for the header.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from beffroi.kernel.secrets import Secret

_HEAD_MOST: Final = 1_000_000


@asynccontextmanager
async def token_proxy(door: Path, token: Secret) -> AsyncIterator[int]:
    """Serve on a free port what the door's socket serves; yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await _one_request(reader, writer, door, token)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=_HEAD_MOST)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _one_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, door: Path, token: Secret
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    kept = [one for one in lines[1:] if not one.lower().startswith(b"connection:")]
    added = [b"Connection: close", b"Authorization: Bearer " + token.reveal().encode()]
    inside, outside = await asyncio.open_unix_connection(str(door))
    outside.write(b"\r\n".join([lines[0], *added, *kept]))
    forward = asyncio.create_task(_copy(reader, outside))
    try:
        await _copy(inside, writer)
    finally:
        forward.cancel()
        outside.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
