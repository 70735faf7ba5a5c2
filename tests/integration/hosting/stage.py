"""A platform's hosting side on one machine: real PostgreSQL, real sandboxes."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from beffroi.app.adapters import KeptPages, PagePurgeDoor
from beffroi.delivery.drivers.filler_client import FillerClient
from beffroi.engines.databases import ApplicationDatabases
from beffroi.hosting import store
from beffroi.hosting.building import Builder
from beffroi.hosting.controller import HostingController
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.drivers.sandboxed_process import SandboxedProcessRuntime
from beffroi.hosting.launching import HostingTools
from beffroi.hosting.model import Deployment, HostingStep
from beffroi.hosting.service import Hosting
from beffroi.hosting.vault import Vault
from beffroi.kernel.clock import Clock, SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.operations import Operation, Operations, OperationState
from beffroi.kernel.places import Places
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.processes.sandbox import python_home
from beffroi.kernel.reconcile import Reconciler
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import SealingKey
from beffroi.territory.model import Application, ApplicationKind, HealthCheck, Source
from tests.support.waiting import eventually, scaled

OPERATOR = Actor("operator", Role.OPERATOR)
PYTHON = str(python_home() / "bin" / "python3")
SERVER = Path(__file__).parent / "programs" / "server.py"
START = f"{PYTHON} server.py"
ASIDE = Path("asleep")


class HeldTraffic:
    """Remembers where each application's visitors are led."""

    def __init__(self) -> None:
        self.folders: dict[str, Path | None] = {}
        self.changes: list[tuple[str, Path | None]] = []

    def point(self, application: str, folder: Path) -> None:
        self._change(application, folder)

    def stop(self, application: str) -> None:
        self._change(application, None)

    def rest(self, application: str) -> None:
        self._change(application, ASIDE)

    def forget(self, application: str) -> None:
        self.folders.pop(application, None)

    def _change(self, application: str, folder: Path | None) -> None:
        self.folders[application] = folder
        self.changes.append((application, folder))


class HeldVisits:
    """When the test says that people came last."""

    def __init__(self) -> None:
        self.last: dict[str, datetime] = {}

    async def last_visits(self) -> Mapping[str, datetime]:
        return dict(self.last)


class HeldAddresses:
    """Addresses made from host names."""

    def url_of(self, application: Application) -> str:
        return f"https://{application.canonical_host}"


class HeldApplications:
    """The declarations that the test decides."""

    def __init__(self) -> None:
        self.held: dict[str, Application] = {}

    async def applications(self) -> Mapping[str, Application]:
        return dict(self.held)


class Stage:
    """The parts of hosting, wired as the platform does."""

    def __init__(self, data: Path, database: Database, clock: Clock | None = None) -> None:
        self.places = Places.of(data)
        self.database = database
        self.clock = clock or SystemClock()
        self.wanted = HeldApplications()
        self.traffic = HeldTraffic()
        self.visits = HeldVisits()
        self.operations = Operations(database, self.clock)
        self.runtime = SandboxedProcessRuntime(self.places, best_limiter(self.places.runtime.name))
        key = SealingKey.of_folder(data)
        self.vault = Vault(database, key)
        self.tools = HostingTools(
            places=self.places,
            runtime=self.runtime,
            traffic=self.traffic,
            addresses=HeldAddresses(),
            databases=ApplicationDatabases(database.url),
            vault=self.vault,
            builder=Builder(self.places, self.runtime, self.clock),
            purge_door=PagePurgeDoor(self.places, key),
            stored_pages=KeptPages(FillerClient(self.places)),
            visits=self.visits,
        )
        self.deployer = Deployer(database, self.clock, self.tools)
        self.hosting = Hosting(database, self.operations, self.wanted, self.tools, self.deployer)
        self.controller = HostingController(
            database, self.clock, self.operations, self.wanted, self.runtime, self.deployer
        )

    def declare(self, application: Application) -> Application:
        """Put a declaration in force."""
        self.wanted.held[application.name] = application
        return application

    async def deploy(self, application: Application) -> Operation:
        """Declare an application, deploy its source as it is now, wait for the end."""
        self.declare(application)
        return await self.ended(await self.hosting.deploy(OPERATOR, application.name))

    async def ended(self, operation: Operation) -> Operation:
        """Wait until an operation is over."""

        async def over() -> Operation | None:
            found = await self.operations.get(operation.id, OPERATOR)
            return found if found.state is not OperationState.RUNNING else None

        found = await eventually(over, within_s=40)
        assert found is not None
        return found

    async def next_steps(self, name: str) -> list[HostingStep]:
        """Tell what the controller would do about one application."""
        steps = self.controller.plan(await self.controller.observe())
        return [step for step in steps if step.application == name]

    async def settle(self, name: str, most: int = 10) -> list[str]:
        """Take an application's steps until none is left; tell what was done."""
        told: list[str] = []
        for _ in range(most):
            steps = await self.next_steps(name)
            if not steps:
                return told
            told.append(f"{steps[0].act}: {await self.controller.apply(steps[0])}")
        raise AssertionError(f"still steps to take after {told}")

    @asynccontextmanager
    async def reconciling(self) -> AsyncIterator[Reconciler[Any, HostingStep]]:
        """Run the loop as the platform does."""
        reconciler = Reconciler("hosting", self.controller, self.clock, step_deadline_s=60)
        self.controller.on_exit = reconciler.wake
        task = asyncio.create_task(reconciler.run())
        try:
            yield reconciler
        finally:
            self.controller.on_exit = lambda: None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def deployments(self, name: str) -> list[Deployment]:
        """Return an application's deployments, oldest first."""
        async with self.database.transaction(EVERYTHING) as connection:
            return list(reversed(await store.deployments_of(connection, name)))

    async def get(self, application: Application, path: str = "/") -> httpx.Response:
        """Ask an application for a page, where the traffic is led now."""
        async with self._client(application) as client:
            return await client.get(path)

    async def page(self, application: Application) -> str:
        """Read an application's home page."""
        answer = await self.get(application)
        assert answer.status_code == 200, answer.text
        return answer.text.strip()

    async def tries(self, application: Application, code: str) -> Any:
        """Have an application run a text and tell its ``answer``."""
        async with self._client(application) as client:
            return json.loads((await client.post("/try", content=code)).text)

    def units(self, application: Application) -> list[str]:
        """Name all that runs for an application, its tasks and what drains included."""
        return sorted(
            unit
            for unit in self.runtime.running_units()
            if unit.partition(".")[0] == application.name
        )

    async def remove(self, name: str) -> None:
        """Withdraw an application and leave nothing of it running."""
        self.wanted.held.pop(name, None)
        await self.deployer.withdraw(name)

    async def stop(self) -> None:
        """End everything."""
        await self.operations.close()
        await self.controller.close()
        await self.deployer.stop_all()
        await self.deployer.close()
        shutil.rmtree(self.places.runtime)

    def _client(self, application: Application) -> httpx.AsyncClient:
        folder = self.traffic.folders[application.name]
        assert folder is not None, "its visitors are told that it is stopped"
        return httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(folder / "listen" / "http.sock")),
            base_url=f"http://{application.canonical_host}",
            timeout=scaled(20),
        )


class Sources:
    """Folders in which the applications of a test are written."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def write(self, name: str, files: Mapping[str, str]) -> Source:
        """Write files over those of an application's source."""
        folder = self.base / name
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        return Source(folder=str(folder))

    def serving(self, name: str, version: str = "one", **settings: Any) -> Application:
        """Write the tests' server as an application of a command; declare it."""
        source = self.write(name, {"server.py": SERVER.read_text(), "version": version})
        declared = Application(
            name=name,
            organisation="lomme",
            title=name.title(),
            kind=ApplicationKind.COMMAND,
            source=source,
            start=START,
            hosts=(f"{name}.lomme.example",),
            health=HealthCheck(within_s=int(scaled(20))),
        )
        return msgspec.structs.replace(declared, **settings)

    def static(self, name: str, files: Mapping[str, str], **settings: Any) -> Application:
        """Write files as a static application; declare it."""
        declared = Application(
            name=name,
            organisation="lomme",
            title=name.title(),
            kind=ApplicationKind.STATIC,
            source=self.write(name, files),
            hosts=(f"{name}.lomme.example",),
        )
        return msgspec.structs.replace(declared, **settings)
