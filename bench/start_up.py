"""How soon the le-mans story answers when everything is built already."""

import asyncio
import statistics
from pathlib import Path

from tests.support.town import Town
from tests.support.waiting import eventually

from beffroi.kernel.clock import SystemClock
from bench.measuring import Figures, keep

LE_MANS = Path(__file__).parents[1] / "stories" / "le-mans" / "territory.yaml"
_RUNS = 5
_METHOD = (
    "`beffroi up` on the le-mans story (Wagtail, Datasette, An Otter Wiki, a static site), built "
    f"before; wall time from the start of the process, median of {_RUNS} starts after a stop. "
    "console: its API answers over its socket; healthy: every application has answered its health "
    "page. Targets: under 4 s and under 15 s."
)


def measure() -> None:
    """Start the story several times."""
    keep("start_up", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    town = Town(LE_MANS)
    try:
        await town.up(within_s=300)
        first_s = await town.stop()
        assert first_s == 0, town.said
        runs = [await _start(town) for _ in range(_RUNS)]
    finally:
        await town.close(keep_logs=False)
    console, healthy = zip(*runs, strict=True)
    return {"console": _spread(console), "healthy": _spread(healthy)}


async def _start(town: Town) -> tuple[float, float]:
    clock = SystemClock()
    started = clock.monotonic_s()
    await town.begin()
    console = clock.monotonic_s() - started
    await eventually(lambda: "Ready." in town.said, within_s=60)
    healthy = clock.monotonic_s() - started
    await town.stop()
    return console, healthy


def _spread(values_s: tuple[float, ...]) -> Figures:
    return {
        "median_s": round(statistics.median(values_s), 2),
        "least_s": round(min(values_s), 2),
        "most_s": round(max(values_s), 2),
    }
