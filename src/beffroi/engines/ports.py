"""What an engine's driver does."""

from typing import Protocol

from beffroi.engines.model import EngineStatus
from beffroi.kernel.processes.model import RunningProcess


class Engine(Protocol):
    """One service that the platform starts, or joins; every verb is idempotent."""

    name: str

    async def start(self) -> None:
        """Make it run and answer.

        Raises:
            UnavailableError: It does not within its deadline; its last lines are told.
        """
        ...

    async def stop(self) -> None:
        """End it, its clients told first."""
        ...

    def running(self) -> RunningProcess | None:
        """Find its process; nothing when it is not ours, or not running."""
        ...

    async def status(self) -> EngineStatus:
        """Read its state from the machine."""
        ...
