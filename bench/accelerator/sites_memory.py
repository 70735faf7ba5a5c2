"""What sites add to nginx's memory, and what a reload costs."""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx
import msgspec
from tests.integration.delivery.stage import Stage
from tests.support.waiting import eventually

from beffroi.delivery import page_index
from beffroi.delivery.header_sets import header_set
from beffroi.delivery.storability import OriginAnswer
from beffroi.engines.drivers.nginx import found_nginx
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.processes.tables import descendants_of
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    Organisation,
    PageRules,
    Source,
    Territory,
    VisitorLimits,
)
from bench.accelerator.servers import cancelled_by_termination, ticks_cpu_s
from bench.accelerator.tables import keep_with_table
from bench.measuring import Figures
from bench.memory import proportional_mib
from bench.scratch_database import scratch_database

_COUNTS: Final = tuple(map(int, os.environ.get("BENCH_SITES", "1,500,2000").split(",")))
_TARGET_SITES: Final = 500
_TARGET_MIB: Final = 10
_RELOADS: Final = 5
_SETTLE_S: Final = 1.0
# Sites made with the same software answer with the same headers.
_SOFTWARES: Final = 12
_RATES: Final = 10
_REDIRECTS: Final = 5
_VISITED_AT_ONCE: Final = 8
_ANSWERS: Final = ((200, ()), (301, (("location", "/accueil/"),)), (404, ()))
_POLICY: Final = "default-src 'self'; img-src 'self' data: https://tile.openstreetmap.org"
_METHOD: Final = (
    "The delivery of the platform (real PostgreSQL, certificates of its own authority, the "
    "configuration that it generates, nginx as it runs it) with a territory of so many "
    "municipalities, each an organisation with a domain and a certificate of its own and one "
    "site; each site is visited once over HTTPS by a new client. memory: proportional set size of "
    "nginx, all its processes. alike: default rules, three header sets (200, 301, 404) per "
    f"software, {_SOFTWARES} softwares. differing: besides, each site has an alias, {_REDIRECTS} "
    f"redirects, the cookie of its software to ignore, one of {_RATES} pairs of rates, and three "
    "header sets of its own as far as the platform lets nginx know them. reload_cpu_s: CPU of "
    f"nginx for one reload, median of {_RELOADS}; write_cpu_s: CPU of the "
    "platform to read its state and write the text."
)


def measure() -> None:
    """Measure each number of sites, alike and differing."""
    asyncio.run(_measured())


async def _measured() -> None:
    await cancelled_by_termination()
    figures: dict[str, Figures] = {}
    for differing in (False, True):
        least: float | None = None
        for count in _COUNTS:
            told = await _of_sites(count, differing=differing)
            memory = told["memory_mib"]
            assert isinstance(memory, float)
            least = memory if least is None else least
            told["added_mib"] = round(memory - least, 1)
            told["target"] = f"< {_TARGET_MIB}" if count == _TARGET_SITES else ""
            figures[f"{count} sites, {'differing' if differing else 'alike'}"] = told
    keep_with_table("accelerator_sites_memory", _METHOD, figures)


async def _of_sites(count: int, *, differing: bool) -> Figures:
    folder = Path(tempfile.mkdtemp(prefix="bsm-", dir="/tmp"))
    folder.chmod(0o755)
    async with scratch_database(("kernel", "delivery")) as database:
        stage = Stage(folder / "data", await found_nginx(), database)
        try:
            await _keep_header_sets(database, count, differing=differing)
            applications = [_site(number, differing=differing) for number in range(count)]
            await stage.declare(_territory(applications))
            served = stage.files_of(applications[0].name, {"index.html": "<h1>Mairie</h1>"})
            for one in applications[1:]:
                stage.routes.point(one.name, served)
            await stage.engine.start()
            await _visit_all(stage, applications)
            return await _figures(stage)
        finally:
            await stage.stop()
            shutil.rmtree(folder, ignore_errors=True)


async def _figures(stage: Stage) -> Figures:
    running = stage.engine.running()
    assert running is not None
    await asyncio.sleep(_SETTLE_S)
    memory = proportional_mib([running.pid])
    before_s = time.process_time()
    await stage.controller.observe()
    written_s = time.process_time() - before_s
    configuration = stage.engine.folder / "nginx.conf"
    text = configuration.read_text(encoding="utf-8")
    return {
        "memory_mib": round(memory, 1),
        "reload_cpu_s": round(
            statistics.median([await _reload(stage, running.pid) for _ in range(_RELOADS)]), 3
        ),
        "write_cpu_s": round(written_s, 3),
        "configuration_kib": round(len(text.encode()) / 1024),
    }


async def _reload(stage: Stage, pid: int) -> float:
    """Have nginx read its configuration again; return the CPU time of it, the new workers' too."""
    before = {row.pid for row in descendants_of(pid)}
    workers = len(before)
    spent_s = ticks_cpu_s([pid])
    stage.engine.reload()

    def all_are_new() -> bool:
        now = {row.pid for row in descendants_of(pid)}
        return len(now) == workers and len(now & before) < workers

    await eventually(all_are_new, 30)
    await asyncio.sleep(_SETTLE_S)
    return ticks_cpu_s([pid]) - spent_s


async def _visit_all(stage: Stage, applications: Sequence[Application]) -> None:
    trust = await stage.trusting()
    waiting = list(applications)

    async def visit() -> None:
        while waiting:
            host = waiting.pop().hosts[0]
            async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=20) as client:
                answer = await client.get(
                    stage.origin, headers={"Host": host}, extensions={"sni_hostname": host}
                )
            assert answer.status_code in {200, 502}, (host, answer.status_code)

    await asyncio.gather(*(visit() for _ in range(_VISITED_AT_ONCE)))


async def _keep_header_sets(database: Database, count: int, *, differing: bool) -> None:
    kinds = range(count) if differing else range(min(count, _SOFTWARES))
    for kind in kinds:
        for status, more in _ANSWERS:
            found = header_set(
                OriginAnswer(
                    status,
                    (
                        ("content-type", "text/html; charset=utf-8"),
                        ("cache-control", f"public, max-age={60 + kind}"),
                        ("content-security-policy", _POLICY),
                        ("x-frame-options", "DENY"),
                        ("referrer-policy", "same-origin"),
                        ("link", f"</static/{kind}/site.css>; rel=preload; as=style"),
                        *more,
                    ),
                )
            )
            assert found is not None
            async with database.transaction(EVERYTHING) as connection:
                await page_index.keep_header_set(connection, found, f"site{kind}")


def _site(number: int, *, differing: bool) -> Application:
    host = f"www.commune{number}.localhost"
    plain = Application(
        name=f"site{number}",
        organisation=f"commune{number}",
        title=f"Commune {number}",
        kind=ApplicationKind.STATIC,
        source=Source(folder="/srv/sites"),
        hosts=(host,),
    )
    if not differing:
        return plain
    usual, rate = VisitorLimits(), number % _RATES
    return msgspec.structs.replace(
        plain,
        aliases=(f"commune{number}.localhost",),
        redirects={f"/ancienne-page-{old}.php": f"/page-{old}/" for old in range(_REDIRECTS)},
        pages=PageRules(ignored_cookies=(f"bandeau_{number % _SOFTWARES}",)),
        visitors=VisitorLimits(
            requests_per_s=usual.requests_per_s + rate,
            site_requests_per_s=usual.site_requests_per_s + rate,
        ),
    )


def _territory(applications: Sequence[Application]) -> Territory:
    organisations = [
        Organisation(name=one.organisation, title=one.title, domain=f"{one.organisation}.localhost")
        for one in applications
    ]
    return Territory(
        name="departement",
        title="Département",
        domain="departement.localhost",
        organisations={one.name: one for one in organisations},
        sites={},
        hosts={},
        applications={one.name: one for one in applications},
    )
