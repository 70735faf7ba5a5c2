"""The door at which a visitor's request has a resting application woken.

One line of JSON asks, ``{"application": "bus"}``, and one answers, ``{"state": "awake",
"seconds": 0.02}``. Whoever leaves before does not stop the wake.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec

from beffroi.hosting.resting import Resting, WakeState, Woken
from beffroi.kernel.errors import BeffroiError, FailedError
from beffroi.kernel.places import Places, hand_over
from beffroi.kernel.processes.model import Identity

_logger = logging.getLogger(__name__)
_ASKED_WITHIN_S = 10.0
_WOKEN_WITHIN_S = 120.0
_LINE_MOST_BYTES = 4096


class WakeRequest(msgspec.Struct, frozen=True):
    """Which application is needed, and the host name by which."""

    application: str
    host: str = ""


class WakeServer:
    """Answers on a socket that only the platform's users reach."""

    def __init__(self, places: Places, resting: Resting, asker: Identity | None) -> None:
        self._socket = places.wake_socket
        self._resting = resting
        self._asker = asker

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen until the end of the block."""
        hand_over(self._socket.parent, None)
        if self._asker is not None:
            os.chown(self._socket.parent, -1, self._asker.gid)
            self._socket.parent.chmod(0o750)
        self._socket.unlink(missing_ok=True)
        conversations: set[asyncio.Task[None]] = set()

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._converse(reader, writer), name="wake asked")
            conversations.add(task)
            task.add_done_callback(conversations.discard)

        server = await asyncio.start_unix_server(begin, self._socket, limit=_LINE_MOST_BYTES)
        self._socket.chmod(0o666)
        try:
            yield
        finally:
            server.close()
            left = tuple(conversations)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_ASKED_WITHIN_S):
                line = await reader.readline()
            writer.write(msgspec.json.encode(await self._answer(line)) + b"\n")
            async with asyncio.timeout(_ASKED_WITHIN_S):
                await writer.drain()
        except (OSError, TimeoutError, ValueError) as error:
            _logger.info("wake state=dropped %s", error)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> Woken:
        try:
            asked = msgspec.json.decode(line, type=WakeRequest)
        except msgspec.DecodeError as error:
            return Woken(WakeState.FAILED, reason=f"The request is not understood: {error}.")
        try:
            async with asyncio.timeout(_WOKEN_WITHIN_S):
                return await self._resting.wake(asked.application)
        except TimeoutError:
            late = FailedError(
                "hosting.wake_late", application=asked.application, within_s=_WOKEN_WITHIN_S
            )
            return Woken(WakeState.FAILED, reason=str(late))
        except BeffroiError as error:
            return Woken(WakeState.FAILED, reason=str(error))
        except Exception:
            _logger.exception("BUG in wake application=%s", asked.application)
            return Woken(WakeState.FAILED, reason="An unexpected error was logged.")
