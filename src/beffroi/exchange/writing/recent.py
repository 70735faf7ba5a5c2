"""Entities that the writer met lately, so that those told again and again are not read anew."""

from collections.abc import Iterable, Mapping
from typing import Final
from weakref import WeakSet

import msgspec

from beffroi.exchange.store import FoundEntity, HeldEntity, Key
from beffroi.kernel.database import Connection
from beffroi.kernel.units import MIB

_REMEMBERED_BYTES: Final = 32 * MIB
_ONE_BYTES: Final = 16_384


class _Recent(msgspec.Struct, frozen=True, gc=False):
    version: str
    size: int
    held: HeldEntity


class RecentEntities:
    """What entities were at a version; PostgreSQL tells whether it still holds.

    Large documents are left to PostgreSQL. Each change adds to the size that an entity counts with:
    one that changed often is read anew now and then.

    Args:
        most_bytes: Of documents as text; in memory they take three times as much.
    """

    def __init__(self, most_bytes: int = _REMEMBERED_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: dict[Key, _Recent] = {}
        self._met: WeakSet[Connection] = WeakSet()

    def begin(self, connection: Connection) -> None:
        """Forget all where a connection is new.

        PostgreSQL may have come back, or another in its place, without its last transactions: it
        then gives their numbers, which are versions, to others. It closes all connections before.
        """
        if connection not in self._met:
            self._met.add(connection)
            self._kept.clear()
            self._bytes = 0

    def versions(self, keys: Iterable[Key]) -> Mapping[Key, str]:
        """Return the versions of those that are remembered."""
        kept = self._kept
        return {key: kept[key].version for key in keys if key in kept}

    def completed(self, found: Mapping[Key, FoundEntity]) -> Mapping[Key, HeldEntity]:
        """Return entities that were found, those from memory whose version still holds."""
        held = {key: one.held or self._kept[key].held for key, one in found.items()}
        self.keep(found.items())
        return held

    def keep(self, found: Iterable[tuple[Key, FoundEntity]]) -> None:
        """Remember entities as they were read, or are about to be committed whole."""
        for key, one in found:
            if one.held is not None:
                self._put(key, _Recent(one.version, one.size, one.held))

    def note(self, version: str, changed: Iterable[tuple[Key, HeldEntity, int]]) -> None:
        """Remember entities as they are about to be committed.

        Should the commit fail, no entity will ever have that version.

        Args:
            version: Of all of them.
            changed: Each with what its change takes, in bytes.
        """
        for key, held, size in changed:
            known = self._kept.get(key)
            if known is not None:
                self._put(key, _Recent(version, known.size + size, held))

    def _put(self, key: Key, recent: _Recent) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= before.size
        if recent.size > _ONE_BYTES:
            return
        self._kept[key] = recent
        self._bytes += recent.size
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._kept))
            self._bytes -= self._kept.pop(oldest).size
