"""Visitors who keep their connections open and ask again as soon as they are answered.

As browsers do (RFC 9112, section 9.3.1), they ask anew when a server closes a connection that it
had kept open: nginx does so when it takes another configuration.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Crowd:
    """Visitors of one page over HTTPS; counts what they were answered and what was lost.

    Attributes:
        answered: How many had a whole answer with status 200.
        failures: How often each other outcome was seen.
    """

    def __init__(self, port: int, host: str, trust: ssl.SSLContext, path: str = "/") -> None:
        self.answered = 0
        self.failures: Counter[str] = Counter()
        self._port = port
        self._host = host
        self._trust = trust
        head = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: crowd\r\n\r\n"
        self._request = head.encode()

    @asynccontextmanager
    async def visiting(self, connections: int) -> AsyncIterator[None]:
        """Let so many visitors ask all the while; each finishes its last question."""
        leaving = asyncio.Event()
        visitors = [asyncio.create_task(self._visit(leaving)) for _ in range(connections)]
        try:
            yield
        finally:
            leaving.set()
            await asyncio.gather(*visitors)

    async def _visit(self, leaving: asyncio.Event) -> None:
        while not leaving.is_set():
            try:
                await self._ask_over_one_connection(leaving)
            except (OSError, asyncio.IncompleteReadError, ssl.SSLError) as error:
                self.failures[repr(error)] += 1
                await asyncio.sleep(0.05)

    async def _ask_over_one_connection(self, leaving: asyncio.Event) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self._port, ssl=self._trust, server_hostname=self._host
        )
        asked = 0
        try:
            while not leaving.is_set():
                writer.write(self._request)
                try:
                    status, closes = await _read_answer(reader)
                except asyncio.IncompleteReadError as error:
                    if asked and not error.partial:
                        return
                    raise
                asked += 1
                if status == 200:
                    self.answered += 1
                else:
                    self.failures[f"status {status}"] += 1
                if closes:
                    return
        finally:
            writer.close()
            with suppress(OSError, ssl.SSLError):
                await writer.wait_closed()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Read one whole answer; return its status and whether the server closes after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    else:
        await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers.get("connection") == "close"
