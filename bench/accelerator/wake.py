"""How long the visitor waits who wakes a site."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Final

from tests.support.town import Town
from tests.support.waiting import eventually

from beffroi.kernel.clock import SystemClock
from bench.accelerator.municipal_sites import municipal_sites, put_to_sleep, visit
from bench.accelerator.servers import cancelled_by_termination
from bench.accelerator.tables import keep_with_table
from bench.measuring import Figures, percentile

_WAKES: Final = int(os.environ.get("BENCH_WAKES", "20"))
_IDLE_S: Final = 5
_LOOKED_AT_WITHIN_S: Final = 120.0
_TARGET_WAKE_S: Final = 4.0
_TARGET_THAW_S: Final = 0.1
_ASKS_AGAIN_S: Final = 0.25
_METHOD: Final = (
    "The municipal site of the story of Le Mans (Wagtail) under the real `beffroi up`. "
    f"asleep: put to sleep by the operator, no process left; frozen: left alone for {_IDLE_S} s, "
    "the platform froze it. Then a person reads the stored home page and asks over HTTPS, on the "
    "same connection, for a page that is never stored (the search); the time until its 200 came "
    f"whole. Whoever is shown the waiting page asks again after {_ASKS_AGAIN_S} s; waiting_pages "
    f"counts them. awake: the same page with nothing to wake. {_WAKES} times each."
)


def measure() -> None:
    """Wake a site again and again."""
    keep_with_table("accelerator_wake", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    await cancelled_by_termination()
    figures: dict[str, Figures] = {}
    async with municipal_sites(1, {"freeze_after_s": 0, "sleep_after_s": 0}) as (town, (name,)):
        figures["Wagtail, awake"] = await _woken(town, name, _left_alone, None)
        figures["Wagtail, asleep"] = await _woken(
            town, name, lambda: put_to_sleep(town, name), _TARGET_WAKE_S
        )
        town.territory["applications"][name]["hibernation"]["freeze_after_s"] = _IDLE_S
        (await town.apply()).raise_for_status()
        assert (await town.deploy(name, 120))["state"] == "succeeded"
        figures["Wagtail, frozen"] = await _woken(
            town, name, lambda: _frozen(town, name), _TARGET_THAW_S
        )
    return figures


async def _woken(
    town: Town, name: str, rest: Callable[[], Awaitable[None]], target_s: float | None
) -> Figures:
    """Put a site to rest and have it woken, again and again."""
    clock, waits_s, waiting_pages = SystemClock(), [], 0
    await visit(town, name, "/")
    for number in range(_WAKES):
        await rest()
        stored = await visit(town, name, "/")
        assert "hit" in stored.headers["cache-status"], stored.headers
        begun_s = clock.monotonic_s()
        while (
            answer := await visit(town, name, f"/recherche/?q=reveil{number}")
        ).status_code == 503:
            waiting_pages += 1
            await asyncio.sleep(_ASKS_AGAIN_S)
        waits_s.append(clock.monotonic_s() - begun_s)
        answer.raise_for_status()
    return {
        "p50_s": round(percentile(waits_s, 0.5), 3),
        "p95_s": round(percentile(waits_s, 0.95), 3),
        "least_s": round(min(waits_s), 3),
        "most_s": round(max(waits_s), 3),
        "waiting_pages": waiting_pages,
        "target": "" if target_s is None else f"p95 < {target_s} s",
    }


async def _left_alone() -> None:
    """Leave the site as it is."""


async def _frozen(town: Town, name: str) -> None:
    async def is_frozen() -> bool:
        told = await town.told(f"/api/applications/{name}")
        return bool(told["state"] == "frozen")

    await eventually(is_frozen, _LOOKED_AT_WITHIN_S)
