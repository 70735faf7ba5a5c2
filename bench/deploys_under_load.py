"""Whether a request is lost while an application is deployed fifty times."""

import asyncio

from tests.e2e.petit_bourg import AGENDA, petit_bourg, source_of
from tests.support.town import Town
from tests.support.visitors import Crowd

from beffroi.kernel.clock import SystemClock
from bench.measuring import Figures, keep

_DEPLOYS = 50
_CONNECTIONS = 16
_METHOD = (
    f"A Python application (ASGI, one worker) is deployed {_DEPLOYS} times, its source changed "
    f"each time, while {_CONNECTIONS} visitors ask for its page over HTTPS without a pause, on "
    "connections that they keep. lost: refused, cut, or any status but 200. Target: none."
)


def measure() -> None:
    """Deploy under load."""
    keep("deploys_under_load", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    town = Town()
    try:
        town.declare(petit_bourg("agenda"), {"agenda": source_of("agenda")})
        await town.up()
        crowd = Crowd(town.https_port, AGENDA, await town.trust())
        clock = SystemClock()
        started = clock.monotonic_s()
        async with crowd.visiting(_CONNECTIONS):
            for number in range(_DEPLOYS):
                (town.source("agenda") / "edition.txt").write_text(str(number))
                operation = await town.deploy("agenda")
                assert operation["state"] == "succeeded", operation
        duration_s = clock.monotonic_s() - started
    finally:
        await town.close(keep_logs=False)
    lost = sum(crowd.failures.values())
    return {
        "requests": {"answered": crowd.answered, "lost": lost, "what": str(dict(crowd.failures))},
        "deploys": {"count": _DEPLOYS, "mean_s": round(duration_s / _DEPLOYS, 2)},
    }
