"""A platform's web side on one machine: real PostgreSQL, real nginx, sites of one test."""

import asyncio
import shutil
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec

from beffroi.delivery.certificate_files import challenge_webroot
from beffroi.delivery.controller import DeliveryController, DeliveryParts
from beffroi.delivery.drivers import LocalAuthority, known_issuers
from beffroi.delivery.model import AcmeSettings, DeliverySettings
from beffroi.delivery.routes import RouteTable
from beffroi.delivery.service import DeliveryService
from beffroi.delivery.store import DeliveryStore
from beffroi.engines.drivers import NginxBinary, NginxEngine
from beffroi.kernel.clock import Clock, SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import SealingKey
from beffroi.territory.model import Territory
from tests.unit.delivery.territories import territory

CONSOLE_HOST = "console.ville.localhost"


class HeldTerritory:
    """The territory that the test decides."""

    def __init__(self) -> None:
        self.held = territory()

    async def current(self) -> Territory:
        return self.held


class Reply(msgspec.Struct, frozen=True):
    """What an application was asked, told back by it."""

    application: str
    method: str
    path: str
    headers: dict[str, str]
    body: str


class Stage:
    """The parts of delivery, wired as the platform does."""

    def __init__(
        self,
        data: Path,
        binary: NginxBinary,
        database: Database,
        *,
        acme: AcmeSettings | None = None,
        clock: Clock | None = None,
        http_port: int | None = None,
        addresses: tuple[str, ...] = ("127.0.0.1",),
        exchange_sockets: tuple[Path, ...] = (),
    ) -> None:
        self.places = Places.of(data)
        self.clock = clock or SystemClock()
        self.territory = HeldTerritory()
        self.settings = DeliverySettings(
            addresses=addresses,
            http_port=http_port or free_port(),
            https_port=free_port(),
            console_host=CONSOLE_HOST,
            exchange_sockets=exchange_sockets,
            acme=acme,
        )
        self.engine = NginxEngine(
            self.places, binary, (self.settings.http_port, self.settings.https_port)
        )
        self.key = SealingKey.of_folder(data)
        self.store = DeliveryStore(database, self.key)
        self.authority = LocalAuthority(self.store, self.clock)
        self.routes = RouteTable(self.places)
        self.controller = DeliveryController(
            DeliveryParts(
                territory=self.territory,
                settings=self.settings,
                places=self.places,
                engine=self.engine,
                store=self.store,
                issuers=known_issuers(
                    self.authority, acme, self.store, challenge_webroot(self.places), self.clock
                ),
                clock=self.clock,
                key=self.key,
            )
        )
        self.service = DeliveryService(self.territory, self.settings, self.store, self.authority)

    async def declare(self, declared: Territory) -> None:
        """Put a territory in force and take every step that needs nobody else."""
        self.territory.held = declared
        await self.controller.prepare()

    @property
    def origin(self) -> str:
        return f"https://127.0.0.1:{self.settings.https_port}"

    async def trusting(self) -> ssl.SSLContext:
        """Trust the platform's own authority and nobody else."""
        return ssl.create_default_context(cadata=await self.service.authority_certificate())

    @asynccontextmanager
    async def browser(self, *, http2: bool = False) -> AsyncIterator["Browser"]:
        """A client that trusts the local authority and resolves every name to this machine."""
        async with httpx.AsyncClient(
            verify=await self.trusting(), http2=http2, trust_env=False, timeout=10
        ) as client:
            yield Browser(self, client)

    def files_of(self, application: str, files: Mapping[str, str | bytes]) -> Path:
        """Serve an application from files; return the folder it points to."""
        folder = self.places.releases / application
        www = folder / "www"
        for name, content in files.items():
            path = www / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        for path in (self.places.releases, folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        self.routes.point(application, folder)
        return folder

    async def stop(self) -> None:
        await self.engine.stop()
        shutil.rmtree(self.places.runtime, ignore_errors=True)


class Browser:
    """Asks for pages by host name; the handshake names the host as a browser's does."""

    def __init__(self, stage: Stage, client: httpx.AsyncClient) -> None:
        self._stage = stage
        self._client = client

    async def get(self, host: str, path: str = "/", **headers: str) -> httpx.Response:
        return await self.ask("GET", host, path, headers=headers)

    async def ask(
        self,
        method: str,
        host: str,
        path: str = "/",
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        name: str | None = None,
    ) -> httpx.Response:
        """Ask a host; ``name`` is what the handshake names where it is another."""
        return await self._client.request(
            method,
            f"{self._stage.origin}{path}",
            headers={"Host": host, **{k.replace("_", "-"): v for k, v in (headers or {}).items()}},
            content=body,
            extensions={"sni_hostname": name or host.partition(":")[0]},
        )


@asynccontextmanager
async def upstream(folder: Path, application: str) -> AsyncIterator[None]:
    """An application on ``folder/listen/http.sock`` that tells what it was asked.

    It upgrades on request and then echoes bytes; ``/slow`` is answered after 0.2 s.
    """
    (folder / "listen").mkdir(parents=True)
    for path in (folder.parent, folder, folder / "listen"):
        path.chmod(0o755)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, application)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    path = folder / "listen" / "http.sock"
    server = await asyncio.start_unix_server(answer, path)
    path.chmod(0o777)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, application: str
) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)
    }
    if headers.get("upgrade") == "websocket":
        writer.write(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
        while data := await reader.read(1000):
            writer.write(data.upper())
            await writer.drain()
        return
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    if path == "/slow":
        await asyncio.sleep(0.2)
    reply = msgspec.json.encode(Reply(application, method, path, headers, body.decode()))
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"X-Accel-Redirect: /inside\r\nStrict-Transport-Security: max-age=1\r\n"
        b"X-Content-Type-Options: theirs\r\nContent-Length: %d\r\n\r\n%s" % (len(reply), reply)
    )
    await writer.drain()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port
