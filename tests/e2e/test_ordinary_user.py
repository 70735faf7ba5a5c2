"""The platform as an ordinary user runs it: no root, no control groups, other ports."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
import yaml

from beffroi.kernel.processes.model import Identity
from beffroi.kernel.processes.sandbox import as_identity, bubblewrap_path
from tests.support.town import free_port
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already"),
]
_ROOT = Path(__file__).parents[2]
_USER = Identity(65534, 65534)
_PAGE = """
import os
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = f"user {os.getuid()}, database {'DATABASE_URL' in os.environ}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
"""
_TERRITORY = {
    "territory": {"name": "bourg", "title": "Bourg", "domain": "bourg.localhost"},
    "organisations": {"mairie": {"title": "Mairie"}},
    "sites": {"mairie": {"title": "Mairie", "latitude": 48, "longitude": 0}},
    "hosts": {"poste": {"site": "mairie", "cpus": 1, "memory_gib": 4, "disk_gib": 10}},
    "applications": {
        "accueil": {
            "organisation": "mairie",
            "title": "Accueil",
            "kind": "static",
            "source": {"folder": "accueil"},
        },
        "service": {
            "organisation": "mairie",
            "title": "Service",
            "kind": "python",
            "source": {"folder": "service"},
            "interface": "asgi",
            "entry": "page:app",
            "database": True,
        },
    },
}


@pytest.fixture
async def https_port() -> AsyncIterator[int]:
    """Run the platform as nobody, who may enter the folders of the code."""
    folder = Path(tempfile.mkdtemp(prefix="bt-", dir="/tmp"))
    for name, file, text in (
        ("accueil", "index.html", "<h1>Bienvenue</h1>"),
        ("service", "page.py", _PAGE),
    ):
        (folder / name).mkdir()
        (folder / name / file).write_text(text)
    (folder / "territory.yaml").write_text(yaml.safe_dump(_TERRITORY))
    for path in (folder, *folder.rglob("*")):
        os.chown(path, _USER.uid, _USER.gid)
    port = free_port()
    with (folder / "up.log").open("wb") as said:
        platform = _started(folder, port, said)
    try:
        assert await eventually(lambda: "Ready." in _said(folder), within_s=60), _said(folder)
        yield port
    finally:
        os.killpg(platform.pid, signal.SIGINT)
        await eventually(lambda: platform.poll() is not None and _is_gone(platform.pid), 30)
        shutil.rmtree(folder)


def _started(folder: Path, https_port: int, said: BinaryIO) -> "subprocess.Popen[bytes]":
    command = (sys.executable, "-m", "beffroi.app.cli", "up", str(folder / "territory.yaml"))
    return subprocess.Popen(
        [*_open_view(), *as_identity(_USER), *command, "--data", str(folder / "data")],
        env={
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin",
            "BEFFROI_HTTP_PORT": str(free_port()),
            "BEFFROI_HTTPS_PORT": str(https_port),
            "LANG": "C.UTF-8",
        },
        cwd=folder,
        stdout=said,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _open_view() -> list[str]:
    """Show the machine as it is, but with the code where others may enter its folders."""
    line = [str(bubblewrap_path()), "--dev-bind", "/", "/"]
    needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix), _ROOT / "src"]
    closed = {
        parent
        for folder in needed
        for parent in folder.parents
        if not parent.stat().st_mode & stat.S_IXOTH
    }
    for parent in sorted(closed):
        line += ["--perms", "0755", "--tmpfs", str(parent)]
    for folder in needed:
        if closed & set(folder.parents):
            for parent in reversed(folder.parents[:-1]):
                line += ["--perms", "0755", "--dir", str(parent)]
            line += ["--ro-bind", str(folder), str(folder)]
    return [*line, "--"]


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def _said(folder: Path) -> str:
    return (folder / "up.log").read_text()


async def test_an_ordinary_user_hosts_applications_with_https_and_a_database(
    https_port: int,
) -> None:
    async with httpx.AsyncClient(verify=False) as visitor:  # noqa: S501 - the names are local
        answers = [
            await visitor.get(
                f"https://127.0.0.1:{https_port}/",
                headers={"Host": host},
                extensions={"sni_hostname": host},
            )
            for host in ("accueil.mairie.bourg.localhost", "service.mairie.bourg.localhost")
        ]
    assert [answer.text for answer in answers] == [
        "<h1>Bienvenue</h1>",
        f"user {_USER.uid}, database True",
    ]
