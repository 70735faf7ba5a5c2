"""Visits of one page: as many as can be, or a few a second, and what they cost the server."""

import asyncio
import gzip
import re
import ssl
import zlib
from collections.abc import Iterable
from typing import Final

import brotli
import msgspec

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.commands import run_command
from bench.accelerator.servers import CLIENT_CORE, exact_cpu_s, pinning, ticks_cpu_s
from bench.accelerator.web_servers import Peer
from bench.measuring import Figures, percentile

CONNECTIONS: Final = 16
_DURATION: Final = re.compile(r"([0-9.]+)(us|ms|s|m)$")
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_TROUBLES: Final = ("Non-2xx", "Socket errors")


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        body: As it came, compressed.
    """

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def page(self) -> bytes:
        """Return the body as its author wrote it."""
        match self.headers.get("content-encoding", ""):
            case "gzip":
                return gzip.decompress(self.body)
            case "br":
                return bytes(brotli.decompress(self.body))
            case _:
                return self.body


class Connection:
    """One connection of HTTP/1.1 that is kept; it trusts any certificate."""

    def __init__(self, peer: Peer) -> None:
        found = re.fullmatch(r"(https?)://([^:/]+):([0-9]+)(/.*)", peer.url)
        assert found is not None, peer.url
        scheme, self._address, port, self.path = found.groups()
        self._port = int(port)
        self._host = peer.host
        self._tls = _trusting() if scheme == "https" else None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        host: str = "",
        headers: Iterable[str] = (),
        body: str = "",
    ) -> Answer:
        """Send one request and read its answer."""
        if self._streams is None:
            name = self._host.partition(":")[0] if self._tls else None
            self._streams = await asyncio.open_connection(
                self._address, self._port, ssl=self._tls, server_hostname=name, limit=2**20
            )
        reader, writer = self._streams
        length = (f"Content-Length: {len(body.encode())}",) if body else ()
        lines = (f"{method} {path} HTTP/1.1", f"Host: {host or self._host}", *headers, *length)
        writer.write("\r\n".join((*lines, "", body)).encode())
        status, told = _parsed(await reader.readuntil(b"\r\n\r\n"))
        came = await _body(reader, status, told)
        if told.get("connection") == "close":
            await self.close()
        return Answer(status, told, came)

    async def close(self) -> None:
        """Close the connection, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def one_answer(peer: Peer, coding: str) -> Answer:
    """Ask for the page once."""
    connection = Connection(peer)
    try:
        return await connection.ask(connection.path, headers=(f"Accept-Encoding: {coding}",))
    finally:
        await connection.close()


async def settled_page(peer: Peer) -> bytes:
    """Return the home page once two answers in a row are the same.

    The first views of a site fill its options and transients.
    """
    before = b""
    for _ in range(8):
        answer = await one_answer(peer, "identity")
        if answer.status == 200 and answer.page == before:
            return before
        before = answer.page
    raise RuntimeError(before[:500].decode(errors="replace"))


async def saturated(peer: Peer, coding: str, duration_s: int) -> Figures:
    """Have wrk ask as fast as it is answered; return the figures of the round."""
    before_s = ticks_cpu_s(peer.pids)
    ended = await run_command(
        (
            *pinning(CLIENT_CORE),
            *(
                "wrk",
                "-t1",
                f"-c{CONNECTIONS}",
                f"-d{duration_s}s",
                "--latency",
                "--timeout",
                "20s",
            ),
            *("-H", f"Host: {peer.host}", "-H", f"Accept-Encoding: {coding}", peer.url),
        ),
        deadline_s=duration_s + 40,
    )
    spent_s = ticks_cpu_s(peer.pids) - before_s
    if ended.status or any(trouble in ended.output for trouble in _TROUBLES):
        raise RuntimeError(f"{peer.url}\n{ended.output}")
    asked = int(_found(r"(\d+) requests in", ended.output))
    return {
        "cpu_s_per_1000": round(spent_s / asked * 1000, 5),
        "requests_per_s": round(asked / duration_s),
        "p50_ms": _milliseconds(_found(r"\n +50% +(\S+)", ended.output)),
        "p99_ms": _milliseconds(_found(r"\n +99% +(\S+)", ended.output)),
    }


async def paced(peer: Peer, coding: str, requests: int, rate_per_s: float) -> Figures:
    """Ask at a steady rate on one connection, as a small town's visitors do together."""
    clock, durations = SystemClock(), []
    connection = Connection(peer)
    await connection.ask(connection.path, headers=(f"Accept-Encoding: {coding}",))
    before_s, begun_s = exact_cpu_s(peer.pids), clock.monotonic_s()
    for number in range(requests):
        await asyncio.sleep(max(0.0, begun_s + number / rate_per_s - clock.monotonic_s()))
        asked_s = clock.monotonic_s()
        answer = await connection.ask(connection.path, headers=(f"Accept-Encoding: {coding}",))
        durations.append(clock.monotonic_s() - asked_s)
        assert answer.status == 200, answer
    spent_s = exact_cpu_s(peer.pids) - before_s
    await connection.close()
    return {
        "paced_cpu_s_per_1000": round(spent_s / requests * 1000, 5),
        "paced_p50_ms": round(percentile(durations, 0.5) * 1000, 3),
        "paced_p99_ms": round(percentile(durations, 0.99) * 1000, 3),
    }


def beginning(answer: Answer, size: int) -> bytes:
    """Return the first bytes of a page that came as gzip or as it is."""
    if answer.headers.get("content-encoding") == "gzip":
        return zlib.decompressobj(wbits=31).decompress(answer.body, size)
    return answer.body[:size]


async def _body(reader: asyncio.StreamReader, status: int, told: dict[str, str]) -> bytes:
    if status in (204, 304):
        return b""
    if "content-length" in told:
        return await reader.readexactly(int(told["content-length"]))
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(chunks)


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(text)
    return found.group(1)


def _milliseconds(told: str) -> float:
    found = _DURATION.match(told)
    assert found is not None, told
    return round(float(found.group(1)) * _MILLISECONDS[found.group(2)], 3)
