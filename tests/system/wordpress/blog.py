"""A real WordPress of Debian with MariaDB, of the test's own, that carries our plugin."""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from beffroi.kernel.processes.commands import run_command
from tests.integration.integrations.purge_door import PurgeDoor
from tests.integration.integrations.staleness import Answer
from tests.support.sources import ROOT
from tests.support.town import free_port
from tests.support.waiting import eventually, scaled

WORDPRESS = Path("/usr/share/wordpress")
THEME = Path("/usr/share/wordpress/wp-content/themes/twentytwentyone")
PLUGIN = ROOT / "integrations" / "wordpress" / "beffroi-pages"
HOST = "blog.example"
_DEEDS = Path(__file__).with_name("deeds.php")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_LINKS = re.compile(rf'href=["\']https://{HOST}(/[^"\'#]*)["\']')
_GROUP = re.compile(r'"([^"]*)"')
_NOT_PAGES = ("/wp-", "/xmlrpc", "/?p=", "/secret/")
_ENTRIES = ("/", "/feed/", "/nouvelle/", "/prevue/", "/rien/", "/mairie/", "/author/maire/")
_CONFIGURATION = """<?php
define( 'DB_NAME', 'blog' ); define( 'DB_USER', 'root' ); define( 'DB_PASSWORD', '' );
define( 'DB_HOST', 'localhost:{folder}/mariadb.sock' );
define( 'WP_HOME', 'https://{host}' ); define( 'WP_SITEURL', 'https://{host}' );
define( 'DISABLE_WP_CRON', true ); define( 'WP_HTTP_BLOCK_EXTERNAL', true );
define( 'AUTH_KEY', 'a' ); define( 'SECURE_AUTH_KEY', 'b' ); define( 'LOGGED_IN_KEY', 'c' );
define( 'NONCE_KEY', 'd' ); define( 'AUTH_SALT', 'e' ); define( 'SECURE_AUTH_SALT', 'f' );
define( 'LOGGED_IN_SALT', 'g' ); define( 'NONCE_SALT', 'h' );
$_SERVER['HTTPS'] = 'on';
$table_prefix = 'wp_';
defined( 'ABSPATH' ) || define( 'ABSPATH', __DIR__ . '/' );
require_once ABSPATH . 'wp-settings.php';
"""
_ROUTER = """<?php
$path = urldecode( parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH ) );
if ( is_file( __DIR__ . $path ) ) { return false; }
$_SERVER['SCRIPT_NAME'] = '/index.php';
require __DIR__ . '/index.php';
"""


class Blog:
    """A WordPress that answers, and the commands of its editor."""

    def __init__(self, folder: Path, port: int, door: PurgeDoor) -> None:
        self.door = door
        self.errors = folder / "errors.log"
        self.environment = {
            **door.environment,
            "PATH": _PATH,
            "BEFFROI_HOSTS": HOST,
            "WORDPRESS_FOLDER": str(folder / "wordpress"),
        }
        self.php = ("php", "-d", f"error_log={self.errors}", "-d", "log_errors=1")
        self._visitor = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Host": HOST},
            trust_env=False,
            timeout=scaled(30),
        )

    async def have(self, deed: str) -> str:
        """Let the editor do something; keep what it purged apart."""
        self.door.asked.clear()
        command = [*self.php, str(_DEEDS), deed]
        ended = await run_command(command, deadline_s=scaled(60), environment=self.environment)
        assert ended.status == 0, ended.output
        return ended.output

    async def visit(self, method: str, path: str, **options: object) -> httpx.Response:
        """Ask as a visitor without cookies, unless they are given."""
        self._visitor.cookies.clear()
        return await self._visitor.request(method, path, **options)  # type: ignore[arg-type]

    async def answer(self, path: str) -> Answer:
        """Return what a visitor sees of a page and what the platform keeps with it."""
        response = await self.visit("GET", path)
        seen = response.content + response.headers.get("location", "").encode()
        caching = response.headers.get("cache-control", "")
        tags = _GROUP.findall(response.headers.get("cache-groups", ""))
        digest = hashlib.sha256(seen).hexdigest()
        return Answer(response.status_code, digest, frozenset(tags), "public" in caching)

    async def pages(self) -> Mapping[str, Answer]:
        """Visit what links lead to, feeds, an archive of an author, addresses without page."""
        found: dict[str, Answer] = {}
        waiting = list(_ENTRIES)
        while waiting:
            path = waiting.pop()
            if path in found or path.startswith(_NOT_PAGES):
                continue
            found[path] = await self.answer(path)
            waiting += _LINKS.findall((await self.visit("GET", path)).text)
        return found

    async def answers(self) -> bool:
        """Tell whether WordPress is up."""
        try:
            return (await self.visit("GET", "/readme.html")).is_success
        except httpx.TransportError:
            return False

    async def close(self) -> None:
        """Take no more visitors."""
        await self._visitor.aclose()


def missing_packages() -> list[str]:
    """Name the packages that a blog needs and this system lacks."""
    wanted = {
        "php-cli": shutil.which("php", path=_PATH),
        "mariadb-server": shutil.which("mariadbd", path=_PATH),
        "wordpress": WORDPRESS.is_dir(),
        "wordpress-theme-twentytwentyone": THEME.is_dir(),
    }
    return [package for package, found in wanted.items() if not found]


@asynccontextmanager
async def opened_blog(folder: Path, door: PurgeDoor) -> AsyncIterator[Blog]:
    """Install WordPress in a folder and serve it."""
    wordpress = folder / "wordpress"
    await asyncio.to_thread(shutil.copytree, WORDPRESS, wordpress)
    shutil.copytree(PLUGIN, wordpress / "wp-content" / "plugins" / "beffroi-pages")
    (wordpress / "wp-config.php").write_text(_CONFIGURATION.format(folder=folder, host=HOST))
    (wordpress / "router.php").write_text(_ROUTER)
    port = free_port()
    blog = Blog(folder, port, door)
    async with _mariadb(folder), _running(_server(blog, port), blog.environment):
        try:
            await blog.have("install")
            await eventually(blog.answers, within_s=20)
            yield blog
        finally:
            await blog.close()


def _server(blog: Blog, port: int) -> list[str]:
    folder = blog.environment["WORDPRESS_FOLDER"]
    return [*blog.php, "-S", f"127.0.0.1:{port}", "-t", folder, f"{folder}/router.php"]


@asynccontextmanager
async def _mariadb(folder: Path) -> AsyncIterator[None]:
    data, socket = folder / "mariadb", folder / "mariadb.sock"
    user = ["--user=root"] if os.geteuid() == 0 else []
    entering = "--auth-root-authentication-method=normal"
    made = await run_command(
        ["mariadb-install-db", "--no-defaults", f"--datadir={data}", entering, *user],
        deadline_s=scaled(60),
        environment={"PATH": _PATH},
    )
    assert made.status == 0, made.output
    options = ["--skip-networking", f"--socket={socket}", f"--pid-file={folder}/mariadb.pid"]
    command = ["mariadbd", "--no-defaults", f"--datadir={data}", *options, *user]
    async with _running(command, {"PATH": _PATH}):
        client = ["mariadb", "--no-defaults", f"--socket={socket}", "-uroot"]
        make = [*client, "-e", "create database blog"]

        async def made_database() -> bool:
            ended = await run_command(make, deadline_s=10, environment={"PATH": _PATH})
            return ended.status == 0

        await eventually(made_database, within_s=30)
        yield


@asynccontextmanager
async def _running(command: list[str], environment: Mapping[str, str]) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), scaled(20))
