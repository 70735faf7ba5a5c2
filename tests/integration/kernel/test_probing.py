"""Asking a server on a unix socket for one page."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beffroi.kernel.http.probing import probed_status


@asynccontextmanager
async def _answering(socket: Path, answer: bytes, seen: list[bytes]) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_unix_server(serve, socket)
    async with server:
        yield


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nhello", 200),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        (b"SSH-2.0-OpenSSH\r\n", None),
        (b"\r\n", None),
        (b"", None),
    ],
)
async def test_the_status_is_told_or_nothing(
    tmp_path: Path, answer: bytes, status: int | None
) -> None:
    seen: list[bytes] = []
    async with _answering(tmp_path / "s", answer, seen):
        told = await probed_status(tmp_path / "s", "/health", "bus.lomme.fr", within_s=0.5)
    assert told == status
    assert seen[0].startswith(b"GET /health HTTP/1.1\r\nHost: bus.lomme.fr\r\n")


async def test_where_nothing_listens_nothing_is_told(tmp_path: Path) -> None:
    assert await probed_status(tmp_path / "none", "/", "x", within_s=0.5) is None
