"""A municipal day, replayed: the page store against the usual cache and Varnish with tags."""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from bench.accelerator.day import PAGES, PUBLICATIONS, SITES, Day, Publication, View, day
from bench.accelerator.expected import by_address, renders_with_life, renders_with_purges
from bench.accelerator.ours import beffroi_of_sites, write_sites_source
from bench.accelerator.packages import HIT, REPLAY, versions
from bench.accelerator.replaying import (
    CONNECTIONS,
    Contender,
    Replay,
    purge_by_keys,
    purge_nothing,
)
from bench.accelerator.servers import (
    CLIENT_CORE,
    SERVER_CORE,
    Servers,
    become_client,
    free_port,
    listens,
)
from bench.accelerator.tables import keep_with_table
from bench.accelerator.visiting import saturated, settled_page
from bench.accelerator.web_servers import (
    Peer,
    nginx,
    uncached,
    varnish_behind_tls,
    write_certificate,
)
from bench.accelerator.wordpress import wordpress
from bench.measuring import Figures, middle_of

_DAY_S: Final = float(os.environ.get("BENCH_DAY_S", "360"))
_VIEWS: Final = tuple(map(int, os.environ.get("BENCH_VIEWS", "20000,100000").split(",")))
_ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS", "3"))
_BURN_MS: Final = float(os.environ.get("BENCH_BURN_MS", "1"))
_LIFE_S: Final = 3600.0
_RENDER_ROUND_S: Final = 6
_SEED: Final = 2026
OURS: Final = "page store, purged by tag"
USUAL: Final = "nginx cache, 1 h of life"
VARNISH: Final = "nginx + Varnish, purged by tag"
_TARGETS: Final = {20_000: 3.0, 100_000: 10.0}
_CACHE: Final = """\
    proxy_cache_path {folder} levels=1:2 keys_zone=pages:64m max_size=8g inactive=1d;
    gzip on;
    gzip_comp_level 5;
    gzip_proxied any;
    gzip_vary on;
    upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        location / {{
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_ignore_headers Cache-Control;
            proxy_cache pages;
            proxy_cache_key $scheme$request_method$host$request_uri;
            proxy_cache_valid 200 {life_s:.0f}s;
            proxy_cache_lock on;
        }}
    }}
"""
_VCL: Final = """\
vcl 4.1;
import xkey;
backend origin {{ .host = "127.0.0.1"; .port = "{origin}"; }}
sub vcl_recv {{
    if (req.method == "PURGE") {{
        set req.http.purged = xkey.purge(req.http.xkey-purge);
        return (synth(200));
    }}
    # What only tracks changes no page: as published advice for Varnish has it.
    set req.url = regsuball(req.url, "(utm_[a-z]+|fbclid|gclid)=[^&]*&?", "");
    set req.url = regsub(req.url, "[?&]$", "");
}}
sub vcl_backend_response {{
    set beresp.do_gzip = true;
    set beresp.grace = 0s;
}}
"""


def measure() -> None:
    """Replay each size of day to each cache, in turn."""
    asyncio.run(_measured())


async def _measured() -> None:
    await become_client({*HIT, *REPLAY})
    page, render_s = await _wordpress_cost()
    figures: dict[str, Figures] = {
        "WordPress": {"render_cpu_s": round(render_s, 5), "page_bytes": len(page)}
    }
    for views in _VIEWS:
        figures.update(await _compared(views, page, render_s))
    keep_with_table("accelerator_replay", _method(await versions(REPLAY)), figures)


async def _wordpress_cost() -> tuple[bytes, float]:
    """Return a page of WordPress and the CPU seconds that rendering it takes."""
    with Servers() as servers:
        write_certificate(servers.folder)
        peer = await uncached(servers, await wordpress(servers))
        page = await settled_page(peer)
        spent = (await saturated(peer, "identity", _RENDER_ROUND_S))["cpu_s_per_1000"]
    assert isinstance(spent, float)
    return page, spent / 1000


async def _compared(views: int, page: bytes, render_s: float) -> dict[str, Figures]:
    """Replay one size of day; return the medians and ratios."""
    days = day(views, _SEED), day(views, _SEED + 1)
    told: dict[str, list[Figures]] = {}
    for _ in range(_ROUNDS):
        for name, contender in _CONTENDERS.items():
            async with contender(page) as entered:
                replay = Replay(entered)
                await replay.fill(_before(name, days[0]))
                played = await replay.play(days[1].events(), _DAY_S)
            print(f"{views} {name}: {played}", file=sys.stderr)
            told.setdefault(name, []).append(_with_renders(played, render_s))
    rows = {f"{views} a day: {name}": middle_of(rounds) for name, rounds in told.items()}
    return {**rows, **_ratios(views, told), **_expected(views, days)}


def _before(name: str, before: Day) -> Sequence[View | Publication]:
    """Return what fills a cache before the day: for a cache of one hour, its last hour."""
    events = list(before.events())
    return [one for one in events if one.at_s >= 86_400 - _LIFE_S] if name == USUAL else events


def _with_renders(played: Figures, render_s: float) -> Figures:
    renders, cache_s = played["renders"], played["cache_cpu_s"]
    assert isinstance(renders, int | float)
    assert isinstance(cache_s, int | float)
    origin_s = renders * render_s
    return {
        "total_cpu_s": round(cache_s + origin_s, 2),
        "origin_cpu_s": round(origin_s, 2),
        **played,
    }


def _ratios(views: int, told: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Pair the rounds; return how many times dearer the others are, at the middle."""
    if OURS not in told:
        return {}
    targets = {USUAL: f">= {_TARGETS[views]:.0f}" if views in _TARGETS else None}
    return {
        f"{views} a day: {name} / {OURS}": {
            "ratio": round(
                statistics.median(
                    _total(other) / _total(own)
                    for other, own in zip(rounds, told[OURS], strict=True)
                ),
                2,
            ),
            "target": targets.get(name),
        }
        for name, rounds in told.items()
        if name != OURS
    }


def _total(row: Figures) -> float:
    value = row["total_cpu_s"]
    assert isinstance(value, int | float)
    return value


def _expected(views: int, days: tuple[Day, Day]) -> dict[str, Figures]:
    """Return what perfect caches would have rendered on the same views."""
    before, events = list(days[0].events()), list(days[1].events())
    return {
        f"{views} a day, counted on paper": {
            "renders_with_1_h_of_life": renders_with_life(events, _LIFE_S, by_address),
            "renders_with_purges_by_tag": renders_with_purges(before, events),
        }
    }


@asynccontextmanager
async def _origin(servers: Servers, page: bytes) -> AsyncIterator[Peer]:
    """Start the application of the replay by itself."""
    source, port = servers.folder / "villes", free_port()
    write_sites_source(source, page)
    pid = await servers.start(
        "origin",
        (
            *(sys.executable, "-m", "granian", "--interface", "asgi", "--workers", "1"),
            *("--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
            *("--working-dir", str(source), "villes:application"),
        ),
        lambda: listens(port),
        environment={"BENCH_BURN_MS": str(_BURN_MS)},
    )
    yield Peer(f"http://127.0.0.1:{port}/", "s00.villes.localhost", (pid,))


@asynccontextmanager
async def _usual(page: bytes) -> AsyncIterator[Contender]:
    with Servers() as servers:
        write_certificate(servers.folder)
        async with _origin(servers, page) as origin:
            port = free_port()
            http = _CACHE.format(
                folder=servers.folder / "usual-pages",
                origin=_port(origin),
                port=port,
                life_s=_LIFE_S / 86_400 * _DAY_S,
            )
            pid = await nginx(servers, "usual", http)
            yield _contender(Peer(f"https://127.0.0.1:{port}/", origin.host, (pid,)), origin)


@asynccontextmanager
async def _varnish(page: bytes) -> AsyncIterator[Contender]:
    with Servers() as servers:
        write_certificate(servers.folder)
        async with _origin(servers, page) as origin:
            vcl = servers.folder / "replay.vcl"
            vcl.write_text(_VCL.format(origin=_port(origin)))
            peer = await varnish_behind_tls(servers, vcl, "varnish", "1g")
            yield _contender(peer, origin, purges=True)


def _ours(page: bytes) -> AbstractAsyncContextManager[Contender]:
    return beffroi_of_sites(page, _BURN_MS)


def _contender(peer: Peer, origin: Peer, *, purges: bool = False) -> Contender:
    return Contender(
        peer=peer,
        suffix="",
        counts_origin=False,
        purge=purge_by_keys if purges else purge_nothing,
        origin=origin,
    )


def _port(origin: Peer) -> int:
    return int(origin.url.rstrip("/").rpartition(":")[2])


_EVERY: Final = {USUAL: _usual, VARNISH: _varnish, OURS: _ours}
_CONTENDERS: Final = {
    name: start for name, start in _EVERY.items() if os.environ.get("BENCH_ONLY", "") in name
}


def _method(peers: str) -> str:
    return (
        f"One day of a municipal hosting: {SITES} sites of {PAGES} pages (46 KB), visitors by a "
        "Zipf law of 0.9 over the pages and a lognormal law (sigma 1.2) over the sites, a diurnal "
        "curve, 15 % of their addresses with tracking parameters; half the views by crawlers that "
        "walk 20 to 120 pages of a site in the order of its sitemap, at any hour; "
        f"{PUBLICATIONS} publications in office hours, each of which changes 12 pages (article, "
        f"home, feed, 9 lists). Seed {_SEED}. A day lasts {_DAY_S:.0f} s, every life alike: 1 h is "
        f"{_LIFE_S / 86_400 * _DAY_S:.0f} s. The day before is played first, as fast as can be and "
        "not counted; of it a cache of one hour gets its last hour. What a publication changes is "
        "purged before it is acknowledged; stale counts the views that began later and showed the "
        "former state. Over HTTPS, "
        f"{CONNECTIONS} connections that are kept, gzip; servers on core {SERVER_CORE}, visitors "
        f"on core {CLIENT_CORE}; {_ROUNDS} rounds, every cache in turn, medians, ratios inside a "
        "round. cache_cpu_s: utime + stime of every process but the origin (of ours: nginx, "
        "filler, PostgreSQL, control plane). renders: pages that the origin rendered, told by it, "
        f"whose render burns {_BURN_MS:g} ms here so that a day fits into its time; "
        "origin_cpu_s is renders times what WordPress took for one page on this machine in this "
        "run (render_cpu_s: nginx, php-fpm with opcache, MariaDB). lag_p99_s: how late the "
        f"visitors were. Peers: {peers}."
    )
