"""What people ask of the territory: check it, compare it, apply it."""

import asyncio
import logging
from pathlib import Path

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Connection, Database, Scope
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.log import Event, append
from beffroi.territory import store
from beffroi.territory.difference import Change, differences
from beffroi.territory.loading import LoadedTerritory, load_territory
from beffroi.territory.model import Territory
from beffroi.territory.store import Versioned

_OPERATOR = Scope(everything=True)
_logger = logging.getLogger(__name__)


class Applied(msgspec.Struct, frozen=True):
    """The version that holds, and what changed to reach it: nothing when the files say the same."""

    version: int
    changes: tuple[Change, ...]


class TerritoryService:
    """The verbs of the territory, for the operator of the platform."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def current(self) -> Versioned[Territory] | None:
        """Return the territory that holds, or nothing before the first one is applied."""
        async with self._database.transaction(_OPERATOR) as connection:
            return await store.current(connection)

    async def check(self, file: Path) -> Territory:
        """Read a territory file and change nothing.

        Raises:
            TerritoryInvalidError: The file has mistakes.
        """
        return (await asyncio.to_thread(load_territory, file)).territory

    async def diff(self, file: Path) -> tuple[Change, ...]:
        """Tell what applying a file would change.

        Raises:
            TerritoryInvalidError: The file has mistakes.
        """
        asked = await self.check(file)
        held = await self.current()
        return differences(held.document if held is not None else None, asked)

    async def apply(self, file: Path, actor: str, expected_version: int | None = None) -> Applied:
        """Make a file the territory that holds, and tell the log.

        Args:
            file: The territory file.
            actor: Who asks.
            expected_version: The version that the asker has seen, 0 for none; unchecked if absent.

        Raises:
            TerritoryInvalidError: The file has mistakes.
            ConflictError: Another version holds by now.
        """
        asked = await asyncio.to_thread(load_territory, file)
        async with self._database.transaction(_OPERATOR) as connection:
            await store.lock(connection)
            held = await store.current(connection)
            version = held.version if held is not None else 0
            if expected_version is not None and expected_version != version:
                raise ConflictError(
                    "territory.version_moved", current=version, expected=expected_version
                )
            changes = differences(held.document if held is not None else None, asked.territory)
            if changes:
                version += 1
                await self._record(connection, version, actor, asked, changes)
        _logger.info("territory.apply actor=%s version=%s changes=%s", actor, version, len(changes))
        return Applied(version, changes)

    async def _record(
        self,
        connection: Connection,
        version: int,
        actor: str,
        asked: LoadedTerritory,
        changes: tuple[Change, ...],
    ) -> None:
        versioned = Versioned(
            version=version,
            applied_at=self._clock.now(),
            actor=actor,
            source_digest=asked.digest,
            document=asked.territory,
        )
        await store.insert(connection, versioned)
        await append(connection, *(_event(change, version) for change in changes))


def _event(change: Change, version: int) -> Event:
    kind = f"territory.{change.noun}_{change.kind}"
    return Event(kind, change.name, change.organisation, {"version": version})
