"""Answering in the loop itself: by what HTTP asks of a server, whatever clients do."""

import asyncio
import logging
import os
import selectors
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as some

from beffroi.kernel.http.loop_serving import answered_on
from tests.support.waiting import eventually, scaled

MODE = 0o640


class Echo:
    """Answers with what it was asked; "/hold" waits until it is let go."""

    def __init__(self) -> None:
        self.held = 0
        self.let_go = asyncio.Event()
        self.ended = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope["raw_path"].decode()
        if path == "/bug":
            raise RuntimeError("password=hunter2")
        if path == "/cancelled":
            raise asyncio.CancelledError
        if path == "/split":
            await answer(send, 200, b"", (b"location", b"/a\r\nset-cookie: x"))
        elif path == "/nothing":
            await answer(send, 204, b"")
        else:
            if path == "/hold":
                self.held += 1
                await self.let_go.wait()
            told = f"{scope['method']} {path} {scope['query_string'].decode()} {told_x(scope)} "
            if (body := await read(receive)) is not None:
                await answer(send, 200, told.encode() + body)
        self.ended += 1


def told_x(scope: Any) -> str:
    return ", ".join(value.decode() for name, value in scope["headers"] if name == b"x")


async def read(receive: Any) -> bytes | None:
    """Return the body of a request; None: the client left in it."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


async def answer(send: Any, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
    length = () if status == 204 else ((b"content-length", b"%d" % len(body)),)
    told = [*headers, *length]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def echoing(folder: Path) -> AsyncIterator[tuple[Path, Echo]]:
    socket, echo = folder / "door.sock", Echo()
    async with answered_on(socket, echo, MODE):
        yield socket, echo


async def said(socket: Path, *parts: bytes, ends: bool = True) -> bytes:
    """Send bytes and return all that comes back until the server closes."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(0)
    if ends:
        writer.write(b"GET /end HTTP/1.1\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(scaled(10)):
        answer = await reader.read()
    writer.close()
    return answer


def asked_of(socket: Path) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    return httpx.AsyncClient(transport=transport, base_url="http://door")


async def test_those_who_may_connect_are_answered_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "door.sock").write_text("left by an earlier process")
    async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
        mode = stat.S_IMODE(socket.stat().st_mode)
        first = await client.post("/a%20b?q=1&r=%C3%A9", content=b"body", headers={"X": "y"})
        second = await client.get("/c")

    assert mode == MODE
    assert first.text == "POST /a%20b q=1&r=%C3%A9 y body"
    assert second.text == "GET /c   "
    assert not socket.exists()


async def test_a_body_may_be_long_and_come_in_pieces(tmp_path: Path) -> None:
    body = os.urandom(3_000_000)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
        whole = await client.post("/", content=body)
        told = await client.post("/", content=pieces(), headers={"Content-Length": str(len(body))})
        chunked = await client.post("/", content=pieces())

    assert [one.content.removeprefix(b"POST /   ") for one in (whole, told, chunked)] == [body] * 3


async def test_requests_sent_ahead_are_answered_in_their_order(tmp_path: Path) -> None:
    ahead = b"".join(
        b"POST /%d HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" % number for number in range(2_000)
    )
    async with echoing(tmp_path) as (socket, _):
        answer = await said(socket, ahead)

    places = [answer.index(b"POST /%d " % number) for number in range(2_000)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200 OK") == 2_001


@pytest.mark.parametrize(
    "said_by_client",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET /" + b"y" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /" + b"\0" + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a:\r\n" * 15_000 + b"\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    ],
)
async def test_what_is_no_good_request_is_refused_and_the_connection_closed(
    tmp_path: Path, said_by_client: bytes
) -> None:
    async with echoing(tmp_path) as (socket, _):
        answer = await said(socket, said_by_client, ends=False)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"connection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1") == 1


@settings(max_examples=25, deadline=None)
@given(rubbish=some.binary(max_size=200), cut=some.integers(0, 60))
def test_no_bytes_bring_it_down(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, cut: int
) -> None:
    start = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n"[:cut]

    async def tell() -> bytes:
        async with echoing(tmp_path_factory.mktemp("door")) as (socket, _):
            _, writer = await asyncio.open_unix_connection(str(socket))
            writer.write(start + rubbish)
            # It may be refused, and the connection closed, before all of it is sent.
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()
            return await said(socket)

    assert asyncio.run(tell()).endswith(b"GET /end   ")


async def test_statuses_and_heads_without_a_body_have_none(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        answer = await said(
            socket, b"GET /nothing HTTP/1.1\r\n\r\nHEAD /well HTTP/1.1\r\n\r\n", ends=True
        )

    nothing, head, end = answer.split(b"HTTP/1.1 ")[1:]
    assert nothing == b"204 No Content\r\n\r\n"
    assert head == b"200 OK\r\ncontent-length: 13\r\n\r\n"
    assert end.endswith(b"GET /end   ")


async def test_what_nobody_foresaw_is_logged_and_told_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
            answered = await client.get("/bug")
            after = await client.get("/well")

    assert (answered.status_code, answered.text) == (500, "Internal Server Error")
    assert after.status_code == 200
    assert "password=hunter2" in caplog.text


async def test_a_header_of_two_lines_goes_nowhere(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        answer = await said(socket, b"GET /split HTTP/1.1\r\n\r\n", ends=False)

    assert answer == b""


async def test_who_waits_for_leave_to_send_gets_it(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        leave = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"abc")
        answer = await reader.readuntil(b"abc")
        writer.close()

    assert leave == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.endswith(b"POST /   abc")


async def test_what_is_being_answered_at_the_end_is_answered(tmp_path: Path) -> None:
    socket, echo = tmp_path / "door.sock", Echo()
    async with asked_of(socket) as client:
        async with answered_on(socket, echo, MODE):
            held = asyncio.create_task(client.get("/hold"))

            await eventually(lambda: echo.held == 1)
            asyncio.get_running_loop().call_later(0.05, echo.let_go.set)

        assert (await held).text == "GET /hold   "
        with pytest.raises(httpx.ConnectError):
            await client.get("/late")


async def test_a_client_that_leaves_in_its_body_is_no_bug(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
            _, writer = await asyncio.open_unix_connection(str(socket))
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
            await writer.drain()
            writer.close()
            assert (await client.get("/well")).status_code == 200

    assert caplog.text == ""


async def test_who_leaves_in_a_body_before_it_is_read_keeps_nothing_busy(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, echo):
        _, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b"POST /hold HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc")
        await eventually(lambda: echo.held == 1)
        writer.close()
        await asyncio.sleep(0.05)
        echo.let_go.set()

        await eventually(lambda: echo.ended == 1)


async def test_a_body_that_nobody_reads_yet_is_not_taken_in(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, echo):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b"POST /hold HTTP/1.1\r\nContent-Length: 20000000\r\n\r\n")
        writer.write(bytes(20_000_000))
        await eventually(lambda: echo.held == 1)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(writer.drain(), 0.3)
        echo.let_go.set()
        await asyncio.wait_for(reader.readuntil(b"POST /hold   "), scaled(10))
        writer.close()


async def test_a_long_body_that_came_before_it_was_read_holds_no_later_request(
    tmp_path: Path,
) -> None:
    async with echoing(tmp_path) as (socket, echo):
        asyncio.get_running_loop().call_later(0.1, echo.let_go.set)
        asked = b"POST /hold HTTP/1.1\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
        reader, writer = await asyncio.open_unix_connection(str(socket))
        async with asyncio.timeout(scaled(5)):
            writer.write(asked)
            await reader.readuntil(b"x" * 300_000)
            writer.write(b"GET /later HTTP/1.1\r\n\r\n")
            await reader.readuntil(b"GET /later   ")
        writer.close()

    assert echo.held == 1


async def test_what_comes_after_a_body_is_no_header(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        answer = await said(
            socket, b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nx: late\r\n\r\n"
        )

    assert answer.count(b"HTTP/1.1 200") == 2
    assert b"late" not in answer


async def test_an_answer_that_was_cancelled_ends_the_connection(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        answer = await said(socket, b"GET /cancelled HTTP/1.1\r\n\r\n", ends=False)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"connection: close\r\n" in answer


class CountingSelector(selectors.EpollSelector):
    """Counts how often its loop woke up."""

    wakes = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(timeout)
        self.wakes += 1
        return ready


def test_nothing_wakes_up_where_nobody_asks(tmp_path: Path) -> None:
    selector = CountingSelector()

    async def rest() -> int:
        async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
            await client.get("/well")
            before = selector.wakes
            await asyncio.sleep(0.5)
            return selector.wakes - before

    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        woke = runner.run(rest())

    # The end of the sleep, and what the last answer left to do.
    assert woke <= 3


def test_it_answers_in_a_loop_of_uvloop_too(tmp_path: Path) -> None:
    async def ask() -> tuple[int, str]:
        async with echoing(tmp_path) as (socket, _), asked_of(socket) as client:
            mode = stat.S_IMODE(socket.stat().st_mode)
            return mode, (await client.post("/", content=b"a" * 200_000)).text

    assert uvloop.run(ask()) == (MODE, "POST /   " + "a" * 200_000)


async def test_signals_stay_whose_they_are(tmp_path: Path) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    async with echoing(tmp_path):
        during = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    assert during == before


async def test_a_stream_of_events_does_not_hold_the_end_up(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def events(_: Any, receive: Any, send: Any) -> None:
        told = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await read(receive)
        await send({"type": "http.response.start", "status": 200, "headers": told})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    socket, loop = tmp_path / "door.sock", asyncio.get_running_loop()
    async with answered_on(socket, events, MODE):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b"GET /log/live HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readuntil(b"data: 1\n\n")
        began_s = loop.time()
    assert loop.time() - began_s < scaled(3)
    assert left.is_set()
    writer.close()


async def test_a_header_without_end_is_not_kept_for_ever(tmp_path: Path) -> None:
    async with echoing(tmp_path) as (socket, _):
        reader, writer = await asyncio.open_unix_connection(str(socket))
        sent = 0
        writer.write(b"GET /endless HTTP/1.1\r\nX: ")
        with suppress(ConnectionError):
            while sent < 64 and not reader.at_eof():
                writer.write(b"a" * 1_000_000)
                await writer.drain()
                sent += 1
        writer.close()
    assert sent < 8
