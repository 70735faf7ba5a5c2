"""Asking a server on a unix socket for one page."""

import asyncio
from contextlib import suppress
from pathlib import Path


async def probed_status(socket: Path, path: str, host: str, *, within_s: float) -> int | None:
    """Ask for a page over a unix socket.

    Returns:
        The HTTP status, or None when nothing listens, answers in time or speaks HTTP.
    """
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(_request(path, host))
                line = await reader.readline()
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError):
        return None
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


def _request(path: str, host: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n"
        "User-Agent: beffroi-health\r\nConnection: close\r\n\r\n"
    ).encode()
