"""A PostgreSQL that somebody else runs."""

from typing import LiteralString

from beffroi.engines.model import EngineState, EngineStatus
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.secrets import Secret

_OLDEST = 16
_CLOSE_TO_OTHERS: LiteralString = (
    "select format('revoke connect on database %%I from public', current_database())"
)


class JoinedPostgresql:
    """Watches a server that the platform neither starts nor stops."""

    name = "postgresql"

    def __init__(self, url: Secret) -> None:
        self.url = url

    async def start(self) -> None:
        """Check that it is recent enough; keep applications out of the platform's database.

        Raises:
            UnavailableError: It does not answer, or is older than 16, which first lets the
                platform's role own the databases it makes for applications.
        """
        version = await self._version()
        if int(version.partition(".")[0]) < _OLDEST:
            raise UnavailableError("engines.postgresql_old", version=version, oldest=_OLDEST)
        async with await Database(self.url).dedicated() as connection:
            statement = await fetch_value(connection, _CLOSE_TO_OTHERS)
            await connection.execute(str(statement).encode())

    async def stop(self) -> None:
        """Leave it running."""

    def running(self) -> RunningProcess | None:
        """Tell nothing: its process is not ours."""
        return None

    async def status(self) -> EngineStatus:
        """Ask it for its version."""
        try:
            version = await self._version()
        except UnavailableError:
            return EngineStatus(
                self.name, "", "BEFFROI_DATABASE_URL", EngineState.ELSEWHERE, silences=1
            )
        return EngineStatus(self.name, version, "BEFFROI_DATABASE_URL", EngineState.ELSEWHERE)

    async def _version(self) -> str:
        async with await Database(self.url).dedicated() as connection:
            return str(await fetch_value(connection, "show server_version"))
