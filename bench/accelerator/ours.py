"""The platform itself, as ``beffroi up`` runs it: its nginx, its filler, its PostgreSQL."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.town import Town
from tests.support.waiting import eventually

from bench.accelerator.day import SITES, host_of
from bench.accelerator.packages import PeersMissingError
from bench.accelerator.replaying import Contender
from bench.accelerator.servers import SERVER_CORE, pin_running
from bench.accelerator.visiting import Connection, one_answer
from bench.accelerator.web_servers import Peer

_HERE: Final = Path(__file__).parent
_DOMAIN: Final = "villes.localhost"
_HIT_HOST: Final = f"une.{_DOMAIN}"
# The limits are in force, above what one address of a bench asks.
_VISITORS: Final = {
    "requests_per_s": 100_000,
    "site_requests_per_s": 1_000_000,
    "crawler_misses_per_minute": 100_000,
}
_CODINGS: Final = ("gzip", "br")


@asynccontextmanager
async def beffroi_hit_server(page: bytes, folder: Path) -> AsyncIterator[Peer]:
    """Run a territory of one site whose page is in the page store.

    Args:
        page: What the site shows.
        folder: Where the site's source is made.

    Yields:
        Where to ask, and the processes of the platform: all but the application, which no hit
        reaches.
    """
    source = folder / "une"
    shutil.copytree(_HERE / "one_page", source)
    (source / "page.html").write_bytes(page)
    async with _town("une", source, [_HIT_HOST], {}) as town:
        units = [name for name in town.units() if "une" not in name]
        pids = (town.pid, *(town.unit_pid(name) for name in units))
        peer = Peer(f"https://127.0.0.1:{town.https_port}/", town.authority(_HIT_HOST), pids)

        async def is_stored() -> bool:
            """Tell whether nginx itself serves the files: the filler's answers have no ETag."""
            answers = [await one_answer(peer, coding) for coding in _CODINGS]
            return all("etag" in answer.headers for answer in answers)

        await eventually(is_stored, 20)
        yield peer


@asynccontextmanager
async def beffroi_of_sites(page: bytes, burn_ms: float) -> AsyncIterator[Contender]:
    """Run a territory whose application is the origin of the replay, on forty hosts."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "villes"
        write_sites_source(source, page)
        hosts = [host_of(site) for site in range(SITES)]
        async with _town("villes", source, hosts, {"BENCH_BURN_MS": str(burn_ms)}) as town:

            async def purge(_: Connection, tags: Sequence[str]) -> None:
                for tag in tags:
                    order = {"kind": "tag", "value": tag}
                    answer = await town.api("POST", "/api/sites/villes/purge", order)
                    answer.raise_for_status()

            url, suffix = f"https://127.0.0.1:{town.https_port}/", f":{town.https_port}"
            peer = Peer(url, town.authority(hosts[0]), (town.pid, *town.pids()))
            yield Contender(peer=peer, suffix=suffix, counts_origin=True, purge=purge, origin=peer)


def write_sites_source(folder: Path, page: bytes) -> None:
    """Write the application of the replay: its pages are this page."""
    shutil.copytree(_HERE / "replayed_site", folder)
    (folder / "page.html").write_bytes(page)


@asynccontextmanager
async def _town(
    name: str, source: Path, hosts: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Town]:
    """Run a territory of one application on the servers' core."""
    town = Town()
    kept = True
    try:
        town.declare(_territory(name, hosts, environment), {name: source})
        await town.up(within_s=120)
        pin_running((town.pid, *town.pids()), SERVER_CORE)
        yield town
        kept = bool(town.defects())
        if kept:
            raise PeersMissingError("\n".join(town.defects())[-4000:])
    finally:
        await town.close(keep_logs=kept)


def _territory(name: str, hosts: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        "territory": {"name": "banc", "title": "Banc", "domain": "localhost"},
        "organisations": {"villes": {"title": "Villes"}},
        "sites": {"salle": {"title": "Salle", "latitude": 48.0, "longitude": 0.2}},
        "hosts": {"h1": {"site": "salle", "cpus": 2, "memory_gib": 4, "disk_gib": 50}},
        "applications": {
            name: {
                "organisation": "villes",
                "title": name.title(),
                "kind": "python",
                "source": {"folder": f"sources/{name}"},
                "interface": "asgi",
                "entry": f"{name}:application",
                "hosts": list(hosts),
                "environment": dict(environment),
                "pages": {"mib": 8192},
                "visitors": _VISITORS,
                "limits": {"memory_mib": 512, "cpus": 2.0, "processes": 64},
            }
        },
    }
