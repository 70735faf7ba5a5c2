"""How long a static site of 500 files takes to deploy."""

import asyncio
import random
import statistics
from datetime import datetime

from tests.e2e.petit_bourg import petit_bourg, source_of
from tests.support.town import Town

from bench.measuring import Figures, keep

_FILES = 500
_RUNS = 7
_METHOD = (
    f"A static site of {_FILES} files (2 to 40 KB, random, seed 1) is deployed {_RUNS} times, one "
    "file changed each time; from the operation's start to its end, the traffic switched, as the "
    "platform records it. Target: under 1 s."
)


def measure() -> None:
    """Deploy the site several times."""
    keep("static_deploy", _METHOD, asyncio.run(_figures()))


async def _figures() -> dict[str, Figures]:
    town = Town()
    try:
        town.declare(petit_bourg("vitrine"), {"vitrine": source_of("vitrine")})
        size_bytes = _fill(town)
        await town.up()
        durations = [await _deploy(town, number) for number in range(_RUNS)]
    finally:
        await town.close(keep_logs=False)
    return {
        "deploy": {
            "median_s": round(statistics.median(durations), 3),
            "most_s": round(max(durations), 3),
            "files": _FILES,
            "megabytes": round(size_bytes / 1e6, 1),
        }
    }


def _fill(town: Town) -> int:
    drawn = random.Random(1)
    total = 0
    for number in range(_FILES):
        path = town.source("vitrine") / f"rubrique-{number % 20}" / f"page-{number}.html"
        path.parent.mkdir(exist_ok=True)
        total += path.write_bytes(drawn.randbytes(drawn.randint(2_000, 40_000)))
    return total


async def _deploy(town: Town, number: int) -> float:
    (town.source("vitrine") / "edition.txt").write_text(str(number))
    operation = await town.deploy("vitrine")
    assert operation["state"] == "succeeded", operation
    ended = datetime.fromisoformat(operation["finished_at"])
    return (ended - datetime.fromisoformat(operation["started_at"])).total_seconds()
