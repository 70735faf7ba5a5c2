"""A clock that a test holds in its hand."""

import asyncio
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class ManualClock:
    """Time that moves only by ``advance``."""

    def __init__(self, start: datetime = _START) -> None:
        self._start = start
        self._elapsed_s = 0.0
        self._moved = asyncio.Condition()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed_s)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    async def sleep(self, duration_s: float) -> None:
        until = self._elapsed_s + duration_s
        async with self._moved:
            await self._moved.wait_for(lambda: self._elapsed_s >= until)

    def move(self, duration_s: float) -> None:
        """Move time where nobody sleeps on this clock."""
        self._elapsed_s += duration_s

    async def advance(self, duration_s: float) -> None:
        """Move time and wake those whose sleep is over."""
        async with self._moved:
            self._elapsed_s += duration_s
            self._moved.notify_all()
