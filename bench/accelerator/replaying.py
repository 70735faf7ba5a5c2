"""Plays a day to a server, compressed in time, and checks what visitors see."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from beffroi.kernel.clock import SystemClock
from bench.accelerator.day import DAY_S, Publication, View, host_of, path_of
from bench.accelerator.servers import ticks_cpu_s
from bench.accelerator.visiting import Answer, Connection, beginning
from bench.accelerator.web_servers import Peer
from bench.measuring import Figures, percentile

CONNECTIONS: Final = 32
_QUEUED_MOST: Final = 20_000
_PERSON: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_CRAWLER: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
Purge = Callable[[Connection, Sequence[str]], Awaitable[None]]


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """A cache that takes part in the replay.

    Attributes:
        peer: Where visitors ask; its processes, the origin's included where they cannot be told
            apart.
        suffix: What follows a host's name in the Host header: a port, mostly nothing.
        counts_origin: Whether the peer's processes include the origin.
        purge: What a publication does after the origin has changed.
        origin: How the origin is asked what it rendered.
    """

    peer: Peer
    suffix: str
    counts_origin: bool
    purge: Purge
    origin: Peer


class Replay:
    """One contender and what its visitors have seen so far."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self._versions: Counter[str] = Counter()
        self._views: asyncio.Queue[tuple[float, View]] = asyncio.Queue(_QUEUED_MOST)
        self._durations: list[float] = []
        self._lags: list[float] = []
        self._outcomes: Counter[str] = Counter()
        self._clock = SystemClock()

    async def fill(self, events: Iterable[View | Publication]) -> None:
        """Replay days as fast as can be, each page once between its changes."""
        seen: set[tuple[int, int, str]] = set()
        async with self._visitors():
            for event in events:
                if isinstance(event, Publication):
                    await self._views.join()
                    await self._publish(event)
                    seen = {key for key in seen if not _is_changed(key, event)}
                elif (key := (event.site, event.page, event.tracking)) not in seen:
                    seen.add(key)
                    await self._views.put((self._clock.monotonic_s(), event))
            await self._views.join()
        if self._outcomes.keys() - {"good"}:
            raise RuntimeError(f"the days before went wrong: {self._outcomes}")

    async def play(self, events: Iterable[View | Publication], day_s: float) -> Figures:
        """Replay a day in ``day_s`` seconds; return what it cost and what was seen."""
        self._durations, self._lags, self._outcomes = [], [], Counter()
        before, told_before = self._cpu_s(), await self._told()
        begun_s = self._clock.monotonic_s()
        async with self._visitors(), asyncio.TaskGroup() as publications:
            for event in events:
                due_s = begun_s + event.at_s / DAY_S * day_s
                await asyncio.sleep(max(0.0, due_s - self._clock.monotonic_s()))
                if isinstance(event, Publication):
                    publications.create_task(self._publish(event))
                else:
                    await self._views.put((due_s, event))
            await self._views.join()
        told = await self._told()
        cpu_s = self._cpu_s() - before
        if self.contender.counts_origin:
            cpu_s -= told["cpu_s"] - told_before["cpu_s"]
        return {
            "cache_cpu_s": round(cpu_s, 2),
            "renders": told["renders"] - told_before["renders"],
            "views": len(self._durations),
            "stale": self._outcomes["stale"],
            "failed": self._outcomes["failed"],
            "p50_ms": round(percentile(self._durations, 0.5) * 1000, 2),
            "p99_ms": round(percentile(self._durations, 0.99) * 1000, 2),
            "lag_p99_s": round(percentile(self._lags, 0.99), 3),
        }

    def _cpu_s(self) -> float:
        return ticks_cpu_s(self.contender.peer.pids)

    @asynccontextmanager
    async def _visitors(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._visit_on()) for _ in range(CONNECTIONS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _visit_on(self) -> None:
        connection = Connection(self.contender.peer)
        try:
            while True:
                due_s, view = await self._views.get()
                try:
                    await self._visit(connection, view, due_s)
                except (OSError, asyncio.IncompleteReadError):
                    self._outcomes["failed"] += 1
                    await connection.close()
                finally:
                    self._views.task_done()
        finally:
            await connection.close()

    async def _visit(self, connection: Connection, view: View, due_s: float) -> None:
        host, path = host_of(view.site), path_of(view.page)
        tag = f"{host}{path}"
        wanted, asked_s = self._versions[tag], self._clock.monotonic_s()
        answer = await connection.ask(
            f"{path}?{view.tracking}" if view.tracking else path,
            host=f"{host}{self.contender.suffix}",
            headers=(
                "Accept-Encoding: gzip",
                f"User-Agent: {_CRAWLER if view.is_bot else _PERSON}",
            ),
        )
        self._lags.append(asked_s - due_s)
        self._durations.append(self._clock.monotonic_s() - asked_s)
        self._outcomes[_outcome(answer, tag, wanted)] += 1

    async def _publish(self, publication: Publication) -> None:
        """Change the pages at the origin, purge them, and expect them new from then on."""
        host = host_of(publication.site)
        tags = [f"{host}{path_of(page)}" for page in publication.pages]
        origin, cache = Connection(self.contender.origin), Connection(self.contender.peer)
        try:
            await _asked_origin(origin, self.contender, "/-/publish", tags)
            await self.contender.purge(cache, tags)
        finally:
            await origin.close()
            await cache.close()
        self._versions.update(tags)

    async def _told(self) -> Mapping[str, float]:
        origin = Connection(self.contender.origin)
        try:
            answer = await _asked_origin(origin, self.contender, "/-/told", None)
        finally:
            await origin.close()
        told: Mapping[str, float] = json.loads(answer.page)
        return told


async def purge_nothing(cache: Connection, tags: Sequence[str]) -> None:
    """Leave the cache alone: pages end with their life."""


async def purge_by_keys(cache: Connection, tags: Sequence[str]) -> None:
    """Purge Varnish by its keys, all in one request."""
    answer = await cache.ask("/", method="PURGE", headers=(f"xkey-purge: {' '.join(tags)}",))
    if answer.status != 200:
        raise RuntimeError(f"Varnish purged nothing: {answer}")


async def _asked_origin(
    origin: Connection, contender: Contender, path: str, body: object
) -> Answer:
    method = "GET" if body is None else "POST"
    text = "" if body is None else json.dumps(body)
    answer = await origin.ask(
        path, method=method, host=f"{host_of(0)}{contender.suffix}", body=text
    )
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {answer.page[:300]!r}")
    return answer


def _is_changed(key: tuple[int, int, str], publication: Publication) -> bool:
    return key[0] == publication.site and key[1] in publication.pages


def _outcome(answer: Answer, tag: str, wanted: int) -> str:
    start = beginning(answer, len(tag) + 30)
    told = start.split()
    if answer.status != 200 or len(told) < 3 or told[1] != tag.encode():
        return "failed"
    return "good" if int(told[2]) >= wanted else "stale"
