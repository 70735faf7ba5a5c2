"""A PostgreSQL that somebody else runs."""

from beffroi.engines.model import EngineState, EngineStatus
from beffroi.kernel.database import Database, fetch_value
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.processes.model import RunningProcess
from beffroi.kernel.secrets import Secret


class JoinedPostgresql:
    """Watches a server that the platform neither starts nor stops."""

    name = "postgresql"

    def __init__(self, url: Secret) -> None:
        self.url = url

    async def start(self) -> None:
        """Check that it answers."""
        await self._version()

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
            return EngineStatus(self.name, "", "database.url", EngineState.ELSEWHERE, silences=1)
        return EngineStatus(self.name, version, "database.url", EngineState.ELSEWHERE)

    async def _version(self) -> str:
        async with await Database(self.url).dedicated() as connection:
            return str(await fetch_value(connection, "show server_version"))
