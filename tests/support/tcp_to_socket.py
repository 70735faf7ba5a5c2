"""A TCP port of loopback that leads to a unix socket: what is on a network for others to reach."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

_PIECE = 65_536


@asynccontextmanager
async def tcp_to_socket(path: Path) -> AsyncIterator[int]:
    """Give a port that leads to a socket as long as the block lasts."""
    open_now: set[asyncio.StreamWriter] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(_PIECE):
                writer.write(piece)
                await writer.drain()
        writer.close()

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            inner, outer = await asyncio.open_unix_connection(path)
            open_now.add(outer)
            await asyncio.gather(pass_on(reader, outer), pass_on(inner, writer))
        except OSError:
            writer.close()

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for one in open_now:
            one.close()
