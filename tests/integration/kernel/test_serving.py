"""Answering on a unix socket: from when, for whom, and until when."""

import asyncio
import stat
from pathlib import Path

import httpx
import pytest
from granian.constants import Interfaces
from granian.rsgi import Scope

from beffroi.delivery.filler.exchange import Exchange
from beffroi.kernel.http.serving import served_on
from tests.support.waiting import eventually

MODE = 0o640


class Modes:
    """Answers with the mode that its own socket has at that moment."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def __rsgi__(self, scope: Scope, proto: Exchange) -> None:
        del scope
        proto.response_bytes(200, [], oct(stat.S_IMODE(self._socket.stat().st_mode)).encode())


async def asked(socket: Path) -> str:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport) as client:
        return (await client.get("http://served/")).text


async def test_from_the_first_answer_on_those_who_may_connect_can(tmp_path: Path) -> None:
    socket = tmp_path / "http.sock"
    seen: list[str] = []

    async def ask_at_once() -> None:
        async def first() -> bool:
            try:
                seen.append(await asked(socket))
            except httpx.TransportError:
                return False
            return True

        await eventually(first)

    asking = asyncio.create_task(ask_at_once())
    async with served_on(socket, Modes(socket), Interfaces.RSGI, MODE):
        await asking

    assert seen == [oct(MODE)]


async def test_a_socket_left_by_an_earlier_process_is_taken_over(tmp_path: Path) -> None:
    socket = tmp_path / "http.sock"
    socket.write_text("left")

    async with served_on(socket, Modes(socket), Interfaces.RSGI, MODE) as serving:
        assert await asked(socket) == oct(MODE)

    assert serving.done()
    assert not socket.exists()


async def test_a_server_that_cannot_listen_says_so(tmp_path: Path) -> None:
    socket = tmp_path / "absent" / "http.sock"

    with pytest.raises(RuntimeError, match="No such file"):
        async with served_on(socket, Modes(socket), Interfaces.RSGI, MODE):
            pass
