"""The sites that the filler knows, from the file that the platform writes."""

from pathlib import Path
from typing import Final

import msgspec

from beffroi.delivery.sites import Sites, StoredSite
from beffroi.kernel.clock import Clock

_LEARNT_AFTER_S: Final = 1.0


class SiteList:
    """Finds the site of a host; a file that changed is read again at the next question."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._version: tuple[int, int] | None = None
        self._by_host: dict[str, StoredSite] = {}
        self._by_application: dict[str, StoredSite] = {}
        self._header_sets: dict[str, float] = {}

    def of_host(self, host: str) -> StoredSite | None:
        """Return the site that a host belongs to."""
        self._refresh()
        return self._by_host.get(host)

    def of_application(self, application: str) -> StoredSite | None:
        """Return an application's site."""
        self._refresh()
        return self._by_application.get(application)

    def every(self) -> tuple[StoredSite, ...]:
        """Return every site."""
        self._refresh()
        return tuple(self._by_application.values())

    def of_token(self, digest: str) -> StoredSite | None:
        """Return the site that purges with a token, by the token's digest."""
        self._refresh()
        found = (one for one in self._by_application.values() if one.purge_token_digest == digest)
        return next(found, None)

    def knows_header_set(self, name: str) -> bool:
        """Tell whether nginx serves answers with this header set alone.

        Its workers learn of it a moment after the platform: they are given that moment.
        """
        self._refresh()
        since = self._header_sets.get(name)
        return since is not None and self._clock.monotonic_s() - since >= _LEARNT_AFTER_S

    def _refresh(self) -> None:
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return
        version = (state.st_mtime_ns, state.st_ino)
        if version == self._version:
            return
        told = msgspec.json.decode(self._path.read_bytes(), type=Sites)
        self._version = version
        self._by_application = {one.application: one for one in told.sites}
        self._by_host = {host: one for one in told.sites for host in one.hosts}
        now = self._clock.monotonic_s()
        self._header_sets = {name: self._header_sets.get(name, now) for name in told.header_sets}
