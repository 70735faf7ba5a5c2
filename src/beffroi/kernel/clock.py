"""Time, passed in so that a test can hold it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the platform asks of time."""

    def now(self) -> datetime:
        """Return the wall-clock time, with its zone."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds that never go back."""
        ...

    async def sleep(self, duration_s: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - the one place

    def monotonic_s(self) -> float:
        """Return the seconds since some fixed point."""
        return time.monotonic()

    async def sleep(self, duration_s: float) -> None:
        """Wait without holding the event loop."""
        await asyncio.sleep(duration_s)
