"""A headless Chromium driven over its pipe (Chrome DevTools Protocol)."""

import asyncio
import base64
import fcntl
import itertools
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.support.waiting import eventually, scaled

_PROGRAM = "/usr/bin/chromium"
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--hide-scrollbars",
    "--ignore-certificate-errors",
    "--force-color-profile=srgb",
)
_CODES: dict[str, dict[str, Any]] = {
    "Tab": {"windowsVirtualKeyCode": 9},
    "Enter": {"windowsVirtualKeyCode": 13, "text": "\r"},
}
_ANSWER_WITHIN_S = 20.0
_FIRST_FREE_FD = 100


class Weight(msgspec.Struct, frozen=True):
    """What one page took: requests, bytes over the wire, elements."""

    requests: int
    transferred_bytes: int
    elements: int


class Browser:
    """One page of one browser."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._session = ""
        self._sizes: dict[str, int] = {}
        self.console: list[str] = []

    async def begin(self) -> None:
        """Open an empty page."""
        created = await self._send("Target.createTarget", url="about:blank")
        attached = await self._send(
            "Target.attachToTarget", targetId=created["targetId"], flatten=True
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self._send(f"{domain}.enable")

    async def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Give the window a size, and the person a preference."""
        await self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self._send("Emulation.setEmulatedMedia", features=[scheme])

    async def allow_scripts(self, *, allowed: bool) -> None:
        """Let pages run scripts, or not."""
        await self._send("Emulation.setScriptExecutionDisabled", value=not allowed)

    async def open(self, url: str) -> None:
        """Load a page without the cache and wait for all of it."""
        self._sizes.clear()
        await self._send("Network.clearBrowserCache")
        await self._send("Page.navigate", url=url)
        await self.settled()

    async def settled(self) -> None:
        """Wait until the page at hand is complete."""
        await self.becomes("document.readyState === 'complete'")

    async def click(self, selector: str) -> None:
        """Click on an element and wait for the page it leads to."""
        await self.evaluate(
            f"window.left = true; document.querySelector({json.dumps(selector)}).click()"
        )
        await self.becomes("window.left === undefined")
        await self.settled()

    async def press(self, key: str) -> None:
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            await self._send("Input.dispatchKeyEvent", type=kind, key=key, code=key, **_CODES[key])

    async def evaluate(self, script: str) -> Any:
        """Return the value of an expression."""
        answer = await self._send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        metrics = await self._send("Page.getLayoutMetrics")
        size = metrics["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        picture = await self._send(
            "Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True
        )
        path.write_bytes(base64.b64decode(picture["data"]))

    async def weight(self) -> Weight:
        """Tell what the page at hand took."""
        elements = await self.evaluate("document.getElementsByTagName('*').length")
        return Weight(len(self._sizes), sum(self._sizes.values()), elements)

    async def listen(self) -> None:
        """Take what the browser says until it leaves."""
        with_rest = b""
        while chunk := await self._reader.read(1 << 20):
            *messages, with_rest = (with_rest + chunk).split(b"\0")
            for message in messages:
                self._take(json.loads(message))

    async def becomes(self, script: str, within_s: float = 15) -> bool:
        """Wait until an expression is true; a page that is leaving has no answer."""

        async def holds() -> bool:
            try:
                return bool(await self.evaluate(script))
            except AssertionError:
                return False

        return await eventually(holds, within_s)

    async def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        self._writer.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(scaled(_ANSWER_WITHIN_S)):
            return await answer

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            answer = self._answers.pop(message["id"])
            if not answer.done():
                failed = message.get("error")
                if failed:
                    answer.set_exception(AssertionError(failed))
                else:
                    answer.set_result(message["result"])
            return
        told = message["params"]
        match message["method"]:
            case "Network.requestWillBeSent":
                self._sizes.setdefault(told["requestId"], 0)
            case "Network.loadingFinished":
                self._sizes[told["requestId"]] = int(told["encodedDataLength"])
            case "Log.entryAdded":
                self.console.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case "Runtime.exceptionThrown":
                self.console.append(str(told["exceptionDetails"]))


@asynccontextmanager
async def opened_browser() -> AsyncIterator[Browser]:
    """Run a browser with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="bcr-", ignore_cleanup_errors=True) as profile:
        commands_out, commands_in = os.pipe()
        answers_out, answers_in = os.pipe()
        theirs = [
            fcntl.fcntl(end, fcntl.F_DUPFD, _FIRST_FREE_FD) for end in (commands_out, answers_in)
        ]
        line = f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]}'
        process = await asyncio.create_subprocess_exec(
            "/bin/bash",
            "-c",
            line,
            "sh",
            _PROGRAM,
            *_OPTIONS,
            f"--user-data-dir={profile}",
            pass_fds=theirs,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        for end in (*theirs, commands_out, answers_in):
            os.close(end)
        browser = Browser(*await _streams(answers_out, commands_in))
        listening = asyncio.create_task(browser.listen())
        try:
            await browser.begin()
            yield browser
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), scaled(10))
            await listening


async def _streams(
    answers: int, commands: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 26)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(answers, "rb")
    )
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(commands, "wb")
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)
