"""What committing writers together saves. Target: at least 4 times the commits per second."""

import asyncio
import os
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Sequence

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Connection, Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log import Event, GroupCommit, Written, append
from bench.measuring import Figures, keep
from bench.scratch_database import scratch_database

_RUN_S = 3.0
_RUNS = 3
_METHOD = (
    f"Each write is one row and one event of the log; runs of {_RUN_S:.0f} s, median of {_RUNS}; "
    "PostgreSQL from the wheel with fsync on, same disk. one_by_one: a transaction per write, by "
    "1 or 8 writers (the pool's size). grouped: as many writers wait on one GroupCommit. A write "
    "counts when its submit returned. Target: grouped >= 4 x one_by_one."
)
Submit = Callable[[int], Awaitable[None]]


async def _write(connection: Connection, number: int) -> Sequence[Event]:
    await execute(connection, "insert into measure (number) values (%s)", (number,))
    return [Event("bench.measured", "sensor", body={"number": number})]


async def _write_each(connection: Connection, numbers: Sequence[int]) -> Written[None]:
    events = [event for number in numbers for event in await _write(connection, number)]
    return Written([None] * len(numbers), events)


async def _rate(writers: int, submit: Submit) -> tuple[float, float]:
    """Return commits per second and the median time of one, in ms."""
    clock = SystemClock()
    end_s = clock.monotonic_s() + _RUN_S
    times_s: list[float] = []

    async def write() -> None:
        while (begun_s := clock.monotonic_s()) < end_s:
            await submit(len(times_s))
            times_s.append(clock.monotonic_s() - begun_s)

    begun_s = clock.monotonic_s()
    await asyncio.gather(*(write() for _ in range(writers)))
    spent_s = clock.monotonic_s() - begun_s
    return len(times_s) / spent_s, statistics.median(times_s) * 1000


async def _row(writers: int, submit: Submit) -> Figures:
    runs = [await _rate(writers, submit) for _ in range(_RUNS)]
    return {
        "commits_per_s": round(statistics.median(rate for rate, _ in runs), 1),
        "p50_ms": round(statistics.median(time for _, time in runs), 2),
    }


async def _measured(database: Database) -> dict[str, Figures]:
    async def alone(number: int) -> None:
        async with database.transaction(EVERYTHING) as connection:
            await append(connection, *await _write(connection, number))

    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create table measure (number int)")
    figures = {f"one_by_one writers={count}": await _row(count, alone) for count in (1, 8)}
    group = GroupCommit(database, EVERYTHING, _write_each)

    async def grouped(number: int) -> None:
        await group.submit(number)

    running = asyncio.create_task(group.run())
    for count in (1, 8, 64, 512):
        figures[f"grouped writers={count}"] = await _row(count, grouped)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return figures


def _flush_ms() -> Figures:
    """Time one fdatasync after a page was written, as a commit costs at least."""
    clock, times_ms = SystemClock(), []
    with tempfile.TemporaryFile(dir="/tmp", buffering=0) as file:
        for _ in range(200):
            begun_s = clock.monotonic_s()
            file.write(bytes(8192))
            os.fdatasync(file.fileno())
            times_ms.append((clock.monotonic_s() - begun_s) * 1000)
    return {"median_ms": round(statistics.median(times_ms), 3)}


def _ratios(figures: dict[str, Figures]) -> Figures:
    def rate(row: str) -> float:
        return float(figures[row]["commits_per_s"] or 0)

    best_alone = max(rate(f"one_by_one writers={count}") for count in (1, 8))
    return {
        f"writers={count}": round(rate(f"grouped writers={count}") / best_alone, 1)
        for count in (8, 64, 512)
    }


async def _all() -> dict[str, Figures]:
    figures: dict[str, Figures] = {"disk flush (8 KiB, fdatasync)": _flush_ms()}
    async with scratch_database() as database:
        figures |= await _measured(database)
    figures["grouped / best one_by_one"] = _ratios(figures)
    return figures


def measure() -> None:
    keep("group_commit", _METHOD, asyncio.run(_all()))
