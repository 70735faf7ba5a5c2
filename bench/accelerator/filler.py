"""How many pages the filler stores in a second of one core."""

import asyncio
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import msgspec
from tests.support.town import Town
from tests.support.waiting import eventually

from beffroi.kernel.clock import SystemClock
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.tables import descendants_of
from bench.accelerator.packages import HIT
from bench.accelerator.servers import (
    CLIENT_CORE,
    SERVER_CORE,
    Servers,
    become_client,
    pin_running,
    pinning,
    ticks_cpu_s,
)
from bench.accelerator.tables import keep_with_table
from bench.accelerator.towns import DOMAIN, VISITORS, running_town
from bench.accelerator.visiting import one_answer
from bench.accelerator.web_servers import Peer, uncached, write_certificate
from bench.accelerator.wordpress import wordpress
from bench.measuring import Figures

_SOURCE: Final = Path(__file__).with_name("distinct_pages")
_HOST: Final = f"fabrique.{DOMAIN}"
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_ROUND_S: Final = int(os.environ.get("BENCH_ROUND_S", "10"))
_WARM_UP_S: Final = 3
_CONNECTIONS: Final = 64
_BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_SCRIPT: Final = """\
local number = {first}
request = function()
  number = number + 1
  return wrk.format("GET", "/p/" .. number)
end
"""
_TARGET: Final = 500
_FILLER: Final = "filler"


class _Round(msgspec.Struct, frozen=True):
    """What happened in some seconds under load.

    Attributes:
        cpu_s: By unit: nginx, PostgreSQL, the filler, the application.
    """

    fills: int
    seconds: float
    cpu_s: dict[str, float]


def measure() -> None:
    """Fill as fast as can be, round after round."""
    asyncio.run(_measured())


async def _measured() -> None:
    await become_client(HIT)
    page = await _rendered()
    rounds = await filled(page, _ROUNDS, _ROUND_S)
    keep_with_table("accelerator_filler", _method(page), _told(rounds))


async def _rendered() -> bytes:
    """Return the home page of a real WordPress."""
    with Servers() as servers:
        write_certificate(servers.folder)
        peer = await uncached(servers, await wordpress(servers))
        await one_answer(peer, "identity")
        return (await one_answer(peer, "identity")).page


async def filled(page: bytes, rounds: int, round_s: int) -> Sequence[_Round]:
    """Run a territory of one site without end and have its pages stored for some rounds."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "fabrique"
        shutil.copytree(_SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        (source / "page.html").write_bytes(page)
        async with running_town({"fabrique": _application()}, {"fabrique": source}) as town:
            pin_running((town.pid, *town.pids()), CLIENT_CORE)
            pin_running([town.unit_pid(_FILLER), *_below(town)], SERVER_CORE)
            await _until_nginx_serves_alone(town)
            script = Path(folder) / "pages.lua"
            await _round(town, script, 0, _WARM_UP_S)
            return [
                await _round(town, script, 10_000_000 * (1 + number), round_s)
                for number in range(rounds)
            ]


def _application() -> dict[str, object]:
    return {
        "title": "Fabrique",
        "kind": "python",
        "source": {"folder": "sources/fabrique"},
        "interface": "asgi",
        "entry": "fabrique:application",
        "hosts": [_HOST],
        "pages": {"mib": 65_536},
        "visitors": VISITORS,
        "limits": {"memory_mib": 512, "cpus": 2.0, "processes": 64},
    }


def _below(town: Town) -> list[int]:
    """Return the processes of the filler, which may run in a sandbox."""
    return [row.pid for row in descendants_of(town.unit_pid(_FILLER))]


async def _until_nginx_serves_alone(town: Town) -> None:
    """Wait until nginx knows the header set of the pages."""
    peer = Peer(f"https://127.0.0.1:{town.https_port}/", town.authority(_HOST), ())

    async def is_stored() -> bool:
        answer = await one_answer(peer, "br")
        return "hit" in answer.headers.get("cache-status", "")

    await eventually(is_stored, 20)


async def _round(town: Town, script: Path, first: int, round_s: int) -> _Round:
    script.write_text(_SCRIPT.format(first=first))
    clock = SystemClock()
    fills, spent_s, begun_s = await _fills(town), _spent(town), clock.monotonic_s()
    ended = await run_command(
        (
            *pinning(CLIENT_CORE),
            *("wrk", "-t1", f"-c{_CONNECTIONS}", f"-d{round_s}s", "--timeout", "20s"),
            *("-H", f"Host: {town.authority(_HOST)}", "-H", f"User-Agent: {_BROWSER}"),
            *("-H", "Accept-Encoding: br", "-s", str(script)),
            f"https://127.0.0.1:{town.https_port}/",
        ),
        deadline_s=round_s + 40,
    )
    seconds = clock.monotonic_s() - begun_s
    if ended.status or "Non-2xx" in ended.output or "Socket errors" in ended.output:
        raise RuntimeError(ended.output)
    after_s = _spent(town)
    return _Round(
        fills=await _fills(town) - fills,
        seconds=seconds,
        cpu_s={name: after_s[name] - spent_s[name] for name in after_s},
    )


async def _fills(town: Town) -> int:
    """Ask the filler how many pages it stored."""
    transport = httpx.AsyncHTTPTransport(uds=str(town.places.filler_socket))
    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get("http://filler/", headers={"X-Beffroi-Door": "platform"})
    return int(answer.json()["fills"])


def _spent(town: Town) -> dict[str, float]:
    return {name.partition(".")[0]: ticks_cpu_s([town.unit_pid(name)]) for name in town.units()}


def _told(rounds: Sequence[_Round]) -> dict[str, Figures]:
    rates = [one.fills / one.seconds for one in rounds]
    own_ms = [one.cpu_s[_FILLER] / one.fills * 1000 for one in rounds]
    filler: Figures = {
        "fills_per_s": round(statistics.median(rates), 1),
        "least": round(min(rates), 1),
        "most": round(max(rates), 1),
        "share_of_its_core": round(
            statistics.median(one.cpu_s[_FILLER] / one.seconds for one in rounds), 2
        ),
        "fills_per_cpu_s": round(1000 / statistics.median(own_ms), 1),
        "target": f">= {_TARGET}",
    }
    costs: dict[str, Figures] = {
        f"CPU of {name}": {
            "cpu_ms_per_fill": round(
                statistics.median(one.cpu_s[name] / one.fills * 1000 for one in rounds), 3
            )
        }
        for name in rounds[0].cpu_s
    }
    return {"fills": filler, **costs}


def _method(page: bytes) -> str:
    return (
        "The real `beffroi up` with a site of endless addresses: each page is the home page of a "
        f"real WordPress ({len(page)} bytes) with a number before it, given by an application for "
        "nothing, with three tags. wrk asks over HTTPS for addresses never asked before, on "
        f"{_CONNECTIONS} connections: nginx finds nothing, the filler asks the application through "
        "nginx, judges, compresses (brotli 4, gzip 4, zstd 3), writes the files, commits page and "
        "tags to PostgreSQL (fsync on), links, and nginx shows the stored file. The filler is "
        f"pinned to core {SERVER_CORE}, all else to core {CLIENT_CORE}; {_ROUNDS} rounds of "
        f"{_ROUND_S} s after {_WARM_UP_S} s of warm-up, medians. CPU is utime + stime. "
        "fills_per_cpu_s: what one core gives the filler when nothing else holds it up."
    )
