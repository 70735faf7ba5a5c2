"""A source of feeds on loopback: what has not changed is not sent again, some answers fail."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web


class FeedServer:
    """What it answers is set by path and query.

    Attributes:
        asked: Requests by path and query.
        unchanged: Requests that were told that nothing changed.
        statuses: Answered in the place of what is there.
        hanging: Paths that never answer.
        seen: Headers of the last request.
    """

    def __init__(self) -> None:
        self.origin = ""
        self.asked: Counter[str] = Counter()
        self.unchanged: Counter[str] = Counter()
        self.statuses: dict[str, int] = {}
        self.hanging: set[str] = set()
        self.seen: Mapping[str, str] = {}
        self._released = asyncio.Event()
        self._answers: dict[str, tuple[bytes, Mapping[str, str]]] = {}

    def put(self, path: str, body: bytes, **headers: str) -> str:
        """Answer a path from now on; return its address."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[path] = (body, told)
        return self.origin + path

    def release(self) -> None:
        """Let what hangs go."""
        self._released.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        path = request.path_qs
        self.asked[path] += 1
        self.seen = dict(request.headers)
        if path in self.hanging:
            await self._released.wait()
        body, headers = self._answers.get(path, (b"", {}))
        status = self.statuses.get(path, 200 if path in self._answers else 404)
        if "ETag" in headers and request.headers.get("If-None-Match") == headers["ETag"]:
            self.unchanged[path] += 1
            return web.Response(status=304)
        return web.Response(status=status, body=body, headers=headers)


@asynccontextmanager
async def feed_server() -> AsyncIterator[FeedServer]:
    """Listen on a free port."""
    made = FeedServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        made.release()
        await runner.cleanup()
