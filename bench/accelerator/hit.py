"""What one stored page costs over HTTPS: the page store against the usual servers."""

import asyncio
import gzip
import os
import shutil
import statistics
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from beffroi.kernel.processes.commands import run_command
from bench.accelerator.ours import beffroi_hit_server
from bench.accelerator.packages import HIT, PeersMissingError, versions
from bench.accelerator.servers import (
    CLIENT_CORE,
    Servers,
    become_client,
    free_port,
    listens,
)
from bench.accelerator.tables import keep_with_table
from bench.accelerator.visiting import CONNECTIONS, one_answer, paced, saturated, settled_page
from bench.accelerator.web_servers import (
    Peer,
    cached,
    densest_brotli,
    static,
    uncached,
    varnish,
    write_certificate,
)
from bench.accelerator.wordpress import wordpress
from bench.measuring import Figures

_SOURCE: Final = Path(__file__).with_name("floor.c")
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_ROUND_S: Final = int(os.environ.get("BENCH_ROUND_S", "3"))
_PACED: Final = (180, 60.0)
OURS: Final = "page store"
FLOOR: Final = "C, plain HTTP"
# Each row asks for gzip, and for br where the server has it, as browsers do over HTTPS.
_BROTLI_ROWS: Final = (OURS, "nginx files", "C, TLS")
# What the issue sets: our row, the other row, and how many times dearer the other is at least.
_TARGETS: Final = (
    ("nginx + Varnish (gzip)", 2.5),
    ("nginx cache, gzip 5 (gzip)", 15.0),
)
_FLOOR_TARGET: Final = 3.5


def measure() -> None:
    """Measure every server on the same page, in turn, round after round."""
    asyncio.run(_measured())


async def _measured() -> None:
    await become_client(HIT)
    async with AsyncExitStack() as stack:
        servers = stack.enter_context(Servers())
        write_certificate(servers.folder)
        site = await wordpress(servers)
        rendering = await uncached(servers, site)
        page = await settled_page(rendering)
        peers = await _peers(servers, page)
        peers["nginx cache, gzip 5"] = await cached(servers, site, 5)
        peers["nginx cache, gzip 1"] = await cached(servers, site, 1)
        peers["nginx + Varnish"] = await varnish(servers, site)
        peers[OURS] = await stack.enter_async_context(beffroi_hit_server(page, servers.folder))
        figures = await _rounds(peers, page)
        figures["WordPress uncached (gzip)"] = await saturated(rendering, "gzip", max(_ROUND_S, 10))
        method = _method(page, await versions(HIT))
    keep_with_table("accelerator_hit", method, {**figures, **_ratios(figures)})


async def _peers(servers: Servers, page: bytes) -> dict[str, Peer]:
    """Start the servers that have the page as files or in memory."""
    variants = {"gz": gzip.compress(page, 9, mtime=0), "br": densest_brotli(page)}
    program = servers.folder / "floor"
    built = await run_command(
        (
            shutil.which("gcc") or "gcc",
            "-O2",
            "-o",
            str(program),
            str(_SOURCE),
            "-lssl",
            "-lcrypto",
        ),
        deadline_s=60,
    )
    if built.status:
        raise PeersMissingError(built.output)
    for ending, body in variants.items():
        (servers.folder / f"page.{ending}").write_bytes(body)
    return {
        FLOOR: await _floor(servers, program, tls=False),
        "C, TLS": await _floor(servers, program, tls=True),
        "nginx files": await static(servers, page, variants),
    }


async def _floor(servers: Servers, program: Path, *, tls: bool) -> Peer:
    port, folder = free_port(), servers.folder
    certificate = (str(folder / "peer.crt"), str(folder / "peer.key")) if tls else ()
    command = (str(program), str(port), str(folder / "page.gz"), str(folder / "page.br"))
    pid = await servers.start(
        f"floor-{'tls' if tls else 'plain'}", (*command, *certificate), lambda: listens(port)
    )
    scheme = "https" if tls else "http"
    return Peer(f"{scheme}://127.0.0.1:{port}/", "mairie.test", (pid,))


async def _rounds(peers: dict[str, Peer], page: bytes) -> dict[str, Figures]:
    """Measure the servers in turn; each row gets the medians of its rounds."""
    asked = [
        (name, coding)
        for name in peers
        for coding in (("gzip", "br") if name in _BROTLI_ROWS else ("gzip",))
    ]
    told: dict[tuple[str, str], list[Figures]] = {row: [] for row in asked}
    sizes: dict[tuple[str, str], int] = {}
    for name, coding in asked:
        answer = await one_answer(peers[name], coding)
        if answer.page != page or answer.headers.get("content-encoding") != coding:
            raise RuntimeError(
                f"{name} does not answer with the page in {coding}: {answer.headers}, "
                f"{set(answer.page.splitlines()) ^ set(page.splitlines())}"
            )
        sizes[name, coding] = len(answer.body)
        await saturated(peers[name], coding, 1)
    for _ in range(_ROUNDS):
        for name, coding in asked:
            told[name, coding].append(
                {
                    **await saturated(peers[name], coding, _ROUND_S),
                    **await paced(peers[name], coding, *_PACED),
                }
            )
    return {
        f"{name} ({coding})": {**_medians(rounds), "bytes": sizes[name, coding]}
        for (name, coding), rounds in told.items()
    }


def _medians(rounds: list[Figures]) -> Figures:
    medians: Figures = {}
    for key in rounds[0]:
        values = [value for one in rounds if isinstance(value := one[key], int | float)]
        medians[key] = round(statistics.median(values), 5)
    every = [value for one in rounds if isinstance(value := one["cpu_s_per_1000"], int | float)]
    medians["cpu_least"], medians["cpu_most"] = min(every), max(every)
    return medians


def _ratios(figures: dict[str, Figures]) -> dict[str, Figures]:
    """Return how many times dearer each server is than the page store, and the targets."""
    if f"{OURS} (gzip)" not in figures:
        return {}
    ratios: dict[str, Figures] = {}
    for coding in ("gzip", "br"):
        own = _cpu(figures[f"{OURS} ({coding})"])
        for name, target in _TARGETS:
            ratios[f"{name} / {OURS} ({coding})"] = {
                "ratio": round(_cpu(figures[name]) / own, 2),
                "target": f">= {target}",
            }
        for name in (f"{FLOOR} (gzip)", f"C, TLS ({coding})"):
            ratios[f"{OURS} ({coding}) / {name}"] = {
                "ratio": round(own / _cpu(figures[name]), 2),
                "target": f"<= {_FLOOR_TARGET}",
            }
    return ratios


def _cpu(row: Figures) -> float:
    value = row["cpu_s_per_1000"]
    assert isinstance(value, int | float)
    return value


def _method(page: bytes, peers: str) -> str:
    requests, rate_per_s = _PACED
    return (
        f"The home page of a real WordPress ({len(page)} bytes, Twenty Twenty-One, 13 posts with "
        "comments), the same bytes from every server (compared after decompression), over HTTPS "
        "(TLS 1.3, ECDSA P-256) on connections that are kept; all servers run side by side, pinned "
        f"to core {0}, the load to core {CLIENT_CORE}. {_ROUNDS} rounds, in each of them every "
        f"server in turn: wrk -t1 -c{CONNECTIONS} -d{_ROUND_S}s after 1 s of warm-up, then "
        f"{requests} requests on one connection at {rate_per_s:.0f} a second (paced_*); medians, "
        "cpu_least and cpu_most over the rounds. CPU is utime + stime of all the processes of a "
        "server (both nginx and Varnish; of ours nginx, the filler and PostgreSQL), paced: "
        "schedstat. nginx writes its access log everywhere. The C server (bench/accelerator/"
        "floor.c, epoll, one thread, answers in memory) parses and logs nothing; it is measured in "
        "plain HTTP and over TLS: the target is held against both. bytes: the body on the wire. "
        f"Peers: {peers}."
    )
