"""The municipal site of Le Mans, run for tests: its pages, and what its editors have purged."""

import asyncio
import hashlib
import json
import re
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx

from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.secrets import Secret
from tests.integration.integrations.purge_door import PurgeDoor
from tests.integration.integrations.staleness import Answer
from tests.support.sources import ROOT
from tests.support.town import free_port
from tests.support.waiting import scaled

STORY = ROOT / "stories" / "le-mans" / "applications" / "site-municipal"
HOST = "www.ville.localhost"
_PROGRAM = Path(__file__).parent / "programs" / "municipal_site.py"
_LINKS = re.compile(r'(?:href|src)="(/[^"#?]*(?:\?page=\d+)?)"')
_GROUP = re.compile(r'"([^"]*)"')
_NOT_PAGES = ("/admin/", "/static/", "/recherche/")


class MunicipalSite:
    """A running site whose editors do what the tests say."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, door: PurgeDoor) -> None:
        self.door = door
        self._process = process
        self._visitor = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Host": HOST, "X-Forwarded-Proto": "https"},
            trust_env=False,
            timeout=scaled(30),
        )

    async def have(self, deed: str) -> Any:
        """Let an editor do something, or a command run; keep what it purged apart."""
        self.door.asked.clear()
        assert self._process.stdin is not None
        self._process.stdin.write(f"{deed}\n".encode())
        return await self.told()

    async def told(self) -> Any:
        """Read the answer to the last deed."""
        assert self._process.stdout is not None
        return json.loads(await asyncio.wait_for(self._process.stdout.readline(), scaled(60)))

    async def get(self, path: str) -> httpx.Response:
        """Visit a page, as the platform does: over its socket, without cookies."""
        self._visitor.cookies.clear()
        return await self._visitor.get(path)

    async def answer(self, path: str) -> Answer:
        """Return what a visitor sees of a page and what the platform keeps with it."""
        response = await self.get(path)
        seen = response.content + response.headers.get("location", "").encode()
        tags = _GROUP.findall(response.headers.get("cache-groups", ""))
        caching = response.headers.get("cache-control", "")
        digest = hashlib.sha256(seen).hexdigest()
        stored = "public" in caching and "set-cookie" not in response.headers
        return Answer(response.status_code, digest, frozenset(tags), stored)

    async def pages(self) -> Mapping[str, Answer]:
        """Visit everything that links lead to, the map of the site, and addresses without page."""
        found: dict[str, Answer] = {}
        waiting = [
            "/",
            "/sitemap.xml",
            "/robots.txt",
            "/ancienne-page",
            "/actualites/le-pont-rouvre/",
        ]
        while waiting:
            path = waiting.pop()
            if path in found or path.startswith(_NOT_PAGES):
                continue
            found[path] = await self.answer(path)
            if found[path].status == 200 and not path.startswith("/media/"):
                waiting += map(unquote, _LINKS.findall((await self.get(path)).text))
        return found

    async def close(self) -> None:
        """Take no more visitors."""
        await self._visitor.aclose()


@asynccontextmanager
async def opened_site(
    folder: Path, python: Path, database: Secret, door: PurgeDoor
) -> AsyncIterator[MunicipalSite]:
    """Found the site in an empty database and run it from a copy of its source."""
    source = folder / "source"
    shutil.copytree(STORY, source, ignore=shutil.ignore_patterns("__pycache__", "collected"))
    environment = {
        **_environment(database),
        "SITE_MEDIA_FOLDER": str(folder / "media"),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(source),
    }
    for command in ("collectstatic --noinput", "migrate --noinput", "seed"):
        ended = await run_command(
            [str(python), "manage.py", *command.split()],
            deadline_s=scaled(120),
            environment=environment,
            folder=source,
        )
        assert ended.status == 0, ended.output
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(str(python), str(_PROGRAM), str(port)),
        cwd=source,
        env={**environment, **door.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    site = MunicipalSite(process, port, door)
    try:
        await site.told()
        yield site
    finally:
        await site.close()
        process.kill()
        await process.communicate()


async def environment_with(folder: Path, *requirements: str) -> Path:
    """Make a Python environment with packages; return its interpreter."""
    uv, python = Path(sys.executable).with_name("uv"), folder / "bin" / "python"
    for arguments in (
        ("venv", "--quiet", f"--python={sys.executable}", str(folder)),
        ("pip", "install", "--quiet", f"--python={python}", *requirements),
    ):
        ended = await run_command([str(uv), *arguments], deadline_s=scaled(120))
        assert ended.status == 0, ended.output
    return python


def _environment(database: Secret) -> dict[str, str]:
    url = urlsplit(database.reveal())
    return {
        "PGHOST": parse_qs(url.query)["host"][0],
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.path.lstrip("/"),
        "DJANGO_SETTINGS_MODULE": "mairie.settings",
        "DJANGO_SECRET_KEY": "a-key-of-the-test-that-is-long-enough-for-django",
        "WAGTAIL_ADMIN_PASSWORD": "trois-mots-de-passe",
        "BEFFROI_PUBLIC_URL": f"https://{HOST}",
        "BEFFROI_HOSTS": HOST,
    }
