"""The page store as the platform runs it: nginx, the filler's process, PostgreSQL, origins."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import httpx
import msgspec

from beffroi.delivery.drivers import FillerEngine
from beffroi.delivery.filler.server import FillerFigures
from beffroi.delivery.sites import purge_token
from beffroi.engines.databases import socket_folder
from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.database import Database
from beffroi.kernel.processes.tables import children_of
from beffroi.kernel.units import MIB
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    PageRules,
    Territory,
    VisitorLimits,
)
from tests.integration.delivery.page_store.origin import Origin, opened_origin
from tests.integration.delivery.page_store.visitor import BROWSER, Seen, Visitor, read_answer
from tests.integration.delivery.stage import Stage
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application, territory

_numbers = count()
ROOM_MIB = 64


class PageStage(Stage):
    """Sites come and go with the tests; the processes stay."""

    def __init__(
        self, data: Path, binary: NginxBinary, database: Database, room_mib: int = ROOM_MIB
    ) -> None:
        super().__init__(data, binary, database)
        self.database = database
        self.filler = FillerEngine(
            self.places, database.url, socket_folder(database.url), room_mib * MIB
        )
        self.applications: dict[str, Application] = {}

    async def start(self) -> None:
        """Have everything answer, before any site."""
        await self.controller.prepare()
        await self.engine.start()
        await self.filler.start()

    async def stop(self) -> None:
        await self.filler.stop()
        await super().stop()

    async def put(self, declared: Application) -> None:
        """Declare an application, the others staying."""
        self.applications[declared.name] = declared
        await self.declare(territory(*self.applications.values()))

    async def remove(self, name: str) -> None:
        """Declare an application no more."""
        del self.applications[name]
        await self.declare(territory(*self.applications.values()))

    async def learn_header_sets(self) -> None:
        """Have nginx know every header set that answers were kept with."""
        await self.declare(self.territory.held)

    async def declare(self, declared: Territory) -> None:
        """Put a territory in force; return once nginx answers by its configuration."""
        path = self.engine.folder / "nginx.conf"
        before, workers = path.read_text(), await self._workers()
        await super().declare(declared)
        if path.read_text() == before:
            return

        async def renewed() -> bool:
            now = await self._workers()
            return bool(now) and not workers & now

        await eventually(renewed, within_s=15)

    async def _workers(self) -> frozenset[int]:
        """Return nginx's processes that take new connections."""
        pid = (await self.engine.status()).pid
        if pid is None:
            return frozenset()
        return frozenset(one for one in children_of(pid) if _takes_connections(one))

    async def kill_filler(self) -> None:
        """End the filler's process at once, as the kernel does when memory is short."""
        pid = (await self.filler.status()).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: self.filler.running() is None)

    async def filler_pid(self) -> int:
        """Return the filler's own process."""
        pid = (await self.filler.status()).pid
        assert pid is not None
        return pid

    async def figures(self) -> FillerFigures:
        """Ask the filler of itself."""
        transport = httpx.AsyncHTTPTransport(uds=str(self.places.filler_socket))
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.get("http://filler/", headers={"X-Beffroi-Door": "platform"})
        return msgspec.json.decode(answer.content, type=FillerFigures)


class Site:
    """One application of a stage, its origin and its visitors."""

    def __init__(self, stage: PageStage, declared: Application, origin: Origin) -> None:
        self.stage = stage
        self.application = declared
        self.origin = origin
        self.host = declared.canonical_host
        self.token = purge_token(stage.key, declared.name).reveal()
        self._visitors: list[Visitor] = []

    async def visitor(self, agent: str = BROWSER) -> Visitor:
        """A newcomer, who stays until the test ends."""
        made = Visitor(
            self.stage.settings.https_port, self.host, await self.stage.trusting(), agent
        )
        self._visitors.append(made)
        return made

    def shown(self) -> set[str]:
        """Return the names of the pages that nginx finds by itself."""
        found = set()
        for folder in ("links", "apart"):
            root = self.stage.places.store / folder / self.host
            found |= {
                f"/{path.relative_to(root)}" for path in root.rglob("*@*") if path.is_symlink()
            }
        return found

    async def expired(self, target: str) -> None:
        """Wait until nginx shows a page no more."""
        await eventually(lambda: f"{target}@" not in self.shown(), within_s=10)

    async def close(self) -> None:
        """See the visitors off."""
        for one in self._visitors:
            await one.leave()

    async def visitors(self, number: int, agent: str = BROWSER) -> list[Visitor]:
        """Several newcomers."""
        return [await self.visitor(agent) for _ in range(number)]

    async def purge(
        self, target: str = "/", *, token: str | None = None, host: str = "", **headers: str
    ) -> Seen:
        """Have pages forgotten as an application does, over the socket of the door."""
        told = {
            "Host": host or self.host,
            "Authorization": f"Bearer {self.token if token is None else token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        reader, writer = await asyncio.open_unix_connection(self.stage.engine.door_socket)
        try:
            writer.write(f"PURGE {target} HTTP/1.1\r\n{lines}\r\n".encode())
            return await read_answer(reader)
        finally:
            writer.close()


@asynccontextmanager
async def opened_site(
    stage: PageStage,
    *,
    pages: PageRules | None = None,
    visitors: VisitorLimits | None = None,
    name: str = "",
) -> AsyncIterator[Site]:
    """Declare an application that an origin serves, as long as the test lasts."""
    name = name or f"site-{next(_numbers)}"
    declared = msgspec.structs.replace(
        application(name, f"{name}.ville.localhost"),
        kind=ApplicationKind.COMMAND,
        pages=pages or PageRules(),
        visitors=visitors or VisitorLimits(),
    )
    folder = stage.places.instances / name
    async with opened_origin(folder) as origin:
        stage.routes.point(name, folder)
        await stage.put(declared)
        site = Site(stage, declared, origin)
        try:
            yield site
        finally:
            await site.close()
            await stage.remove(name)


def _takes_connections(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().strip(b"\0 ") == b"nginx: worker process"
    except (FileNotFoundError, ProcessLookupError):
        return False
