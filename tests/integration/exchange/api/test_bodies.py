"""Bodies at the door, over its socket: in pieces, lost midway, too large, without a length."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from beffroi.exchange.api.answers import NO_CONTENT, Answer
from beffroi.exchange.api.askers import Askers
from beffroi.exchange.api.door import DOOR_PATH, Door
from beffroi.exchange.api.requests import Request
from beffroi.exchange.api.routing import Route
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.http.loop_serving import answered_on
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.rights.service import Rights
from beffroi.kernel.units import MIB
from tests.conftest import MakeDatabase
from tests.support.waiting import scaled

MOST: Final = 9 * MIB


class Knocker:
    """Asks at the door byte by byte; knows what bodies came through it."""

    def __init__(self, socket: Path, token: str) -> None:
        self.taken: list[bytes] = []
        self._socket = socket
        self._token = token

    async def take(self, request: Request) -> Answer:
        self.taken.append(request.body)
        return NO_CONTENT

    @asynccontextmanager
    async def asking(
        self, method: str, *headers: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Send the head of a request; close at the end."""
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        first = f"{method} {DOOR_PATH}/things HTTP/1.1"
        lines = (first, f"Authorization: Bearer {self._token}", *headers, "", "")
        writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(scaled(10)):
            yield reader, writer
        writer.close()


@pytest.fixture
async def knocker(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[Knocker]:
    rights = Rights(await make_database("kernel"), SystemClock())
    account = await rights.put_account(PLATFORM, "sensors", Role.PARTNER, "nimes")
    token = (await rights.issue_token(account.actor, "door")).secret.reveal()
    knocker = Knocker(tmp_path / "door.sock", token)
    routes = [Route(one, "things", knocker.take, body_most=MOST) for one in ("POST", "DELETE")]
    async with answered_on(tmp_path / "door.sock", Door(Askers(rights), routes), 0o600):
        yield knocker


async def test_a_long_body_comes_through_whole(knocker: Knocker) -> None:
    body = bytes(range(256)) * 4096 * 8
    async with knocker.asking("POST", f"Content-Length: {len(body)}") as (reader, writer):
        writer.write(body)
        answer = await reader.readuntil(b"\r\n\r\n")

    assert answer == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert knocker.taken == [body]


async def test_what_came_of_a_body_that_was_lost_is_not_taken(
    knocker: Knocker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with knocker.asking("POST", "Content-Length: 12") as (_, writer):
            writer.write(b"[1, 2]")
            await writer.drain()
            await asyncio.sleep(0.1)
        async with knocker.asking("POST", "Content-Length: 3") as (reader, writer):
            writer.write(b"[3]")
            await reader.readuntil(b"\r\n\r\n")

    assert knocker.taken == [b"[3]"]
    assert caplog.text == ""


async def test_a_body_that_is_too_large_is_refused_before_it_comes(knocker: Knocker) -> None:
    async with knocker.asking("POST", f"Content-Length: {MOST + 1}") as (reader, writer):
        writer.write(b"abc")
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close\r\n" in answer
    assert knocker.taken == []


async def test_who_is_refused_may_send_the_rest_before_the_connection_ends(
    knocker: Knocker,
) -> None:
    head = ("Content-Length: 1000000", "Connection: close")
    async with knocker.asking("PATCH", *head) as (reader, writer):
        answer = asyncio.create_task(reader.read())
        writer.write(bytes(999_999))
        await writer.drain()
        await asyncio.sleep(0.1)
        ended_early = answer.done()
        writer.write(b"\0")

        assert not ended_early
        assert (await answer).startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(("method", "status"), [("POST", b"411"), ("DELETE", b"204")])
async def test_a_body_without_a_length_is_not_read(
    knocker: Knocker, method: str, status: bytes
) -> None:
    async with knocker.asking(method, "Transfer-Encoding: chunked") as (reader, writer):
        writer.write(b"3\r\nabc\r\n")
        answer = await reader.read()

    assert answer.startswith(b"HTTP/1.1 " + status)
    assert set(knocker.taken) <= {b""}


async def test_leave_to_send_is_given_where_the_body_is_wanted(knocker: Knocker) -> None:
    asking = knocker.asking("POST", "Content-Length: 3", "Expect: 100-continue")
    async with asking as (reader, writer):
        leave = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"[1]")
        await reader.readuntil(b"\r\n\r\n")

    assert leave == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert knocker.taken == [b"[1]"]
