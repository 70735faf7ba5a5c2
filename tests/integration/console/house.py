"""A console with its people, asked over HTTP without a network."""

from pathlib import Path
from typing import Any, cast

import httpx
from litestar import Litestar

from beffroi.app.wiring import Platform
from beffroi.kernel.http.authentication import SESSION_COOKIE
from beffroi.kernel.operations import Operation, OperationState
from beffroi.kernel.processes.sandbox import python_home
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.secrets import Secret
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually

ADDRESS = "console.example.localhost"
ORIGIN = f"https://{ADDRESS}"
PASSWORD = "une phrase de passe"
HOSTILE = '<script>alert("mairie")</script> & Cie'
PEOPLE = {
    "olga": (Role.OPERATOR, ""),
    "gaston": (Role.MANAGER, "mairie"),
    "mireille": (Role.MEMBER, "mairie"),
    "edith": (Role.MANAGER, "ecole"),
}
_TOWN = f"""
territory: {{name: petit-bourg, title: Petit-Bourg & environs, domain: example.localhost}}
organisations:
  mairie: {{title: Mairie}}
  ecole: {{title: École}}
sites:
  mairie: {{title: Mairie, latitude: 48.0, longitude: 0.2}}
hosts:
  s1: {{site: mairie, cpus: 2, memory_gib: 4, disk_gib: 50}}
applications:
  vitrine:
    organisation: mairie
    title: '{HOSTILE}'
    kind: static
    source: {{folder: vitrine}}
  horloge:
    organisation: mairie
    title: Horloge
    kind: command
    source: {{folder: horloge}}
    start: {python_home() / "bin" / "python3"} clock.py
    secrets: [CLE_DU_BEFFROI]
    volumes: [archives]
    limits: {{memory_mib: 128, cpus: 0.5, processes: 16}}
    health: {{path: /, within_s: 10}}
    jobs:
      sonner: {{schedule: "0 * * * *", command: "echo ding"}}
  cantine:
    organisation: ecole
    title: Cantine secrète
    kind: static
    source: {{folder: vitrine}}
"""
_CLOCK = """
import os
from http.server import BaseHTTPRequestHandler
from socketserver import UnixStreamServer

class Clock(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"noon")

    def address_string(self):
        return "visitor"

print("<b>ding</b> \\x1b[32mgreen\\x1b[0m & dong", flush=True)
UnixStreamServer(os.environ["SOCKET"], Clock).serve_forever()
"""


def write_town(folder: Path) -> Path:
    """Write the territory and its sources; return the territory file."""
    for name, file, content in (
        ("vitrine", "index.html", "<h1>Petit-Bourg</h1>"),
        ("horloge", "clock.py", _CLOCK),
    ):
        (folder / name).mkdir()
        (folder / name / file).write_text(content)
    path = folder / "territory.yaml"
    path.write_text(_TOWN)
    return path


class House:
    """The console and those who live with it."""

    def __init__(self, app: Litestar, platform: Platform, server: PostgresServer) -> None:
        self.app = app
        self.platform = platform
        self.server = server
        self._clients: list[httpx.AsyncClient] = []

    async def furnish(self) -> None:
        """Make the accounts."""
        for name, (role, organisation) in PEOPLE.items():
            await self.platform.services.rights.put_account(PLATFORM, name, role, organisation)

    def visitor(self, language: str = "fr") -> httpx.AsyncClient:
        """Return a browser of nobody."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", self.app)),
            base_url=ORIGIN,
            headers={"Accept-Language": language, "Origin": ORIGIN},
        )
        self._clients.append(client)
        return client

    async def signed_in(self, name: str, language: str = "fr") -> httpx.AsyncClient:
        """Return a browser in which somebody has signed in."""
        client = self.visitor(language)
        answer = await client.post(f"/sign-in/{(await self.link(name)).reveal()}")
        assert answer.status_code == 303, answer.text
        assert SESSION_COOKIE in client.cookies
        return client

    async def link(self, name: str) -> Secret:
        """Return the secret of a one-time link."""
        return (await self.platform.services.rights.issue_link(PLATFORM, name)).secret

    async def deployed(self, name: str) -> Operation:
        """Deploy an application and wait for its end, good or bad."""
        services = self.platform.services
        return await self.ended((await services.hosting.deploy(PLATFORM, name)).id)

    async def ended(self, operation: str) -> Operation:
        """Wait for the end of an operation."""

        operations = self.platform.services.operations

        async def over() -> list[Operation]:
            found = await operations.get(operation, PLATFORM)
            return [] if found.state is OperationState.RUNNING else [found]

        ended: list[Operation] = await eventually(over, within_s=30)
        return ended[0]

    async def close(self) -> None:
        """Close every browser."""
        for client in self._clients:
            await client.aclose()
