"""The process that runs vendors' JavaScript, as the platform sees it."""

import asyncio
import logging
import os
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final

import msgspec

from beffroi.exchange.uplinks.codecs.interpreter import (
    CODECS_KEPT,
    Asked,
    Call,
    Decoded,
    framed,
)
from beffroi.exchange.uplinks.message import Undecoded

_logger = logging.getLogger(__name__)
_MODULE: Final = "beffroi.exchange.uplinks.codecs.interpreter"
_AT_ONCE: Final = 20
_ANSWER_S: Final = 5.0
_START_S: Final = 10.0
_RESTS_S: Final = 60.0
_HEAD: Final = struct.Struct(">I")
_STOPPED: Final = Decoded(code="exchange.codec_stopped")


class JavascriptWorker:
    """Decodes in a process of its own, which is started at first need and ended when it hangs.

    A codec that made it hang rests for a minute: others are decoded meanwhile.

    Args:
        answer_s: Within how many seconds it answers 20 payloads.
    """

    def __init__(self, answer_s: float = _ANSWER_S) -> None:
        self._answer_s = answer_s
        self._process: asyncio.subprocess.Process | None = None
        self._known: dict[str, None] = {}
        self._resting: dict[str, float] = {}
        self._turn = asyncio.Lock()

    async def decoded(self, text: str, payloads: Sequence[Undecoded]) -> Sequence[Decoded]:
        """Run a codec on payloads; return what it made of each."""
        name = sha256(text.encode()).hexdigest()
        calls = [Call(one.payload, one.port, round(one.at.timestamp() * 1_000)) for one in payloads]
        found: list[Decoded] = []
        for start in range(0, len(calls), _AT_ONCE):
            part = tuple(calls[start : start + _AT_ONCE])
            async with self._turn:
                found += await self._answered(name, text, part)
        return found

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _answered(self, name: str, text: str, calls: tuple[Call, ...]) -> Sequence[Decoded]:
        now = asyncio.get_running_loop().time()
        if self._resting.get(name, 0.0) > now:
            return [_STOPPED] * len(calls)
        self._resting = {one: until for one, until in self._resting.items() if until > now}
        try:
            answers = await self._conversation(name, text, calls)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            _logger.warning("codec=%s ended its process reason=%r", name[:12], error)
            await self._end()
            self._resting[name] = now + _RESTS_S
            return [_STOPPED] * len(calls)
        except asyncio.CancelledError:
            # An answer that nobody waits for would be taken for that of the next question.
            await self._end()
            raise
        return answers

    async def _conversation(
        self, name: str, text: str, calls: tuple[Call, ...]
    ) -> Sequence[Decoded]:
        starts = self._process is None or self._process.returncode is not None
        process = await self._started() if starts else self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the process was started without pipes")
        known = name in self._known
        asked = Asked(name, "" if known else text, calls)
        async with asyncio.timeout(self._answer_s):
            process.stdin.write(framed(msgspec.msgpack.encode(asked)))
            await process.stdin.drain()
            (length,) = _HEAD.unpack(await process.stdout.readexactly(_HEAD.size))
            answer = await process.stdout.readexactly(length)
        self._note_known(name)
        return msgspec.msgpack.decode(answer, type=list[Decoded])

    def _note_known(self, name: str) -> None:
        """Follow which codecs the process keeps: it forgets in the same order."""
        self._known.pop(name, None)
        self._known[name] = None
        if len(self._known) > CODECS_KEPT:
            del self._known[next(iter(self._known))]

    async def _started(self) -> asyncio.subprocess.Process:
        self._known.clear()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            cwd="/",
            start_new_session=True,
        )
        if self._process.stdout is not None:
            async with asyncio.timeout(_START_S):
                await self._process.stdout.readexactly(_HEAD.size)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
        await process.wait()
