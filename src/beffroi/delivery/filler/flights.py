"""Fills under way: many wait for one, and none outlives a purge that concerns it."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from beffroi.delivery.filler.outcomes import Outcome
from beffroi.delivery.page_keys import PageKey
from beffroi.delivery.page_model import Purge, PurgeKind


class Flight(msgspec.Struct, frozen=True, eq=False):
    """One fill: which page, for which application, after how many purges it began."""

    key: PageKey
    application: str
    began_after: int


class Flights:
    """Knows the fills under way and the purges they must heed."""

    def __init__(self) -> None:
        self._tasks: dict[PageKey, tuple[Flight, asyncio.Task[Outcome]]] = {}
        self._under_way: set[Flight] = set()
        self._purges: list[tuple[int, Purge]] = []
        self._count = 0

    async def join(
        self,
        key: PageKey,
        application: str,
        fill: Callable[[Flight], Awaitable[Outcome]],
    ) -> tuple[Outcome, bool]:
        """Fill a page, or wait for the fill that is under way.

        A visitor who leaves does not stop the fill that others wait for.

        Returns:
            The outcome, and whether it was this call that began the fill.
        """
        found = self._tasks.get(key)
        if found is None:
            flight = Flight(key, application, self._count)
            task = asyncio.create_task(self._flown(flight, fill), name=f"fill {key.path}")
            self._tasks[key] = (flight, task)
        else:
            task = found[1]
        return await asyncio.shield(task), found is None

    def is_under_way(self, key: PageKey) -> bool:
        """Tell whether newcomers would wait for a fill of this page."""
        return key in self._tasks

    def concerns_path(self, host: str, path: str) -> bool:
        """Tell whether a fill of this path is under way."""
        return any((one.key.host, one.key.path) == (host, path) for one in self._under_way)

    def heed(self, purge: Purge) -> None:
        """Let no fill that began before a purge be shown after it.

        Who comes from now on begins a new fill wherever the old one may be concerned: the tags
        of an answer that has not come yet are unknown.
        """
        self._count += 1
        if self._under_way:
            self._purges.append((self._count, purge))
        for key, (flight, _) in tuple(self._tasks.items()):
            unsure = purge.kind is PurgeKind.TAG and flight.application == purge.application
            if unsure or purge.matches(flight.application, key, frozenset()):
                del self._tasks[key]

    def may_show(self, flight: Flight, tags: frozenset[str]) -> bool:
        """Tell whether no purge since its beginning concerns a fill."""
        return not any(
            number > flight.began_after and purge.matches(flight.application, flight.key, tags)
            for number, purge in self._purges
        )

    async def _flown(self, flight: Flight, fill: Callable[[Flight], Awaitable[Outcome]]) -> Outcome:
        self._under_way.add(flight)
        try:
            return await fill(flight)
        finally:
            self._under_way.discard(flight)
            found = self._tasks.get(flight.key)
            if found is not None and found[0] is flight:
                del self._tasks[flight.key]
            oldest = min((one.began_after for one in self._under_way), default=self._count)
            self._purges = [entry for entry in self._purges if entry[0] > oldest]
