"""Asking a server on a unix socket for one page."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


async def probed_status(
    socket: Path,
    path: str,
    host: str,
    *,
    within_s: float,
    headers: Mapping[str, str] = NO_HEADERS,
) -> int | None:
    """Ask for a page over a unix socket.

    Args:
        socket: Where a server listens.
        path: Of the page.
        host: Whose page.
        within_s: How long it may take.
        headers: Sent besides.

    Returns:
        The HTTP status, or None when nothing listens, answers in time or speaks HTTP.
    """
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(_request(path, host, headers))
                line = await reader.readline()
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, ValueError):
        return None
    parts = line.split()
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


def _request(path: str, host: str, headers: Mapping[str, str]) -> bytes:
    besides = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n"
        f"User-Agent: beffroi-health\r\nConnection: close\r\n{besides}\r\n"
    ).encode()
