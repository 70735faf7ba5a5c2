"""How long after a commit a follower's handler is called. Target: under 20 ms."""

import asyncio
from collections.abc import Sequence

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Entry, Event, Follower, LogWatch, append
from bench.measuring import Figures, keep, percentile
from bench.scratch_database import scratch_database

_COMMITS = 500
_PAUSE_S = 0.01
_METHOD = (
    f"{_COMMITS} commits of one event each, {_PAUSE_S * 1000:.0f} ms apart, by one process that "
    "also follows; PostgreSQL from the wheel with fsync on. from_commit_sent starts before COMMIT "
    "is sent, so it holds the flush of the disk; from_commit_done starts when COMMIT has returned "
    "and is below 0 where the follower was told before the writer went on. Target: p99 < 20 ms."
)


async def _times(database: Database) -> tuple[list[float], list[float]]:
    clock, watch = SystemClock(), LogWatch(database)
    handled: dict[str, float] = {}
    sent: dict[str, float] = {}
    done: dict[str, float] = {}
    handled_all = asyncio.Event()

    async def handle(_: Connection, entries: Sequence[Entry]) -> None:
        now = clock.monotonic_s()
        handled.update((entry.subject, now) for entry in entries)
        if f"{_COMMITS - 1}" in handled:
            handled_all.set()

    follower = Follower("bench", database, watch, handle)
    tasks = [asyncio.create_task(watch.run()), asyncio.create_task(follower.run())]
    for number in range(-20, _COMMITS):
        async with database.transaction(EVERYTHING) as connection:
            await append(connection, Event("bench.tick", f"{number}"))
            sent[f"{number}"] = clock.monotonic_s()
        done[f"{number}"] = clock.monotonic_s()
        await asyncio.sleep(_PAUSE_S)
    async with asyncio.timeout(10):
        await handled_all.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    measured = [f"{number}" for number in range(_COMMITS)]
    return (
        [handled[number] - sent[number] for number in measured],
        [handled[number] - done[number] for number in measured],
    )


def _row(times_s: list[float]) -> Figures:
    shares = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "most_ms": 1.0}
    return {name: round(percentile(times_s, share) * 1000, 3) for name, share in shares.items()}


async def _measured() -> dict[str, Figures]:
    async with scratch_database() as database:
        from_sent, from_done = await _times(database)
    return {"from_commit_sent": _row(from_sent), "from_commit_done": _row(from_done)}


def measure() -> None:
    keep("log_latency", _METHOD, asyncio.run(_measured()))
