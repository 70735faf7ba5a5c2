"""A receiver of notifications on loopback that answers, hangs, fails and redirects."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

_REASONS: Mapping[int, str] = {200: "OK", 302: "Found", 400: "Bad Request", 500: "Server Error"}


class Received:
    """One notification."""

    def __init__(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body: dict[str, Any] = json.loads(body)

    @property
    def data(self) -> list[dict[str, Any]]:
        """The entities."""
        found: list[dict[str, Any]] = self.body["data"]
        return found


class NotificationReceiver:
    """What it answers is set by path: 200 where nothing is said.

    Attributes:
        received: What it answered well, in the order of arrival.
        refused: What it answered otherwise.
        bodies: Of answers, by path; nothing where nothing is said.
    """

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.refused: list[Received] = []
        self.statuses: dict[str, int] = {}
        self.bodies: dict[str, bytes] = {}
        self.hanging: set[str] = set()
        self.connections = 0
        self.origin = ""
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def url(self, path: str = "/notify") -> str:
        """Return the address of a path."""
        return f"{self.origin}{path}"

    def at(self, path: str) -> list[Received]:
        """Return what a path answered well."""
        return [one for one in self.received if one.path == path]

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Cut every connection, and answer no more."""
        assert self._server is not None
        self._server.close()
        for connection in tuple(self._open):
            connection.close()
        await self._server.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = {
                    name.strip().lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(headers["content-length"]))
                one = Received(first.split(" ")[1], headers, body)
                if one.path in self.hanging:
                    await asyncio.sleep(3_600)
                status = self.statuses.get(one.path, 200)
                (self.received if status == 200 else self.refused).append(one)
                more = f"Location: {self.url()}\r\n" if status == 302 else ""
                told = self.bodies.get(one.path, b"")
                size = f"Content-Length: {len(told)}\r\n\r\n"
                writer.write(
                    f"HTTP/1.1 {status} {_REASONS[status]}\r\n{more}{size}".encode() + told
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


@asynccontextmanager
async def notification_receiver() -> AsyncIterator[NotificationReceiver]:
    """Run a receiver."""
    receiver = NotificationReceiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()
