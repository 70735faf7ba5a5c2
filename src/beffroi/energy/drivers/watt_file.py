"""Power that something else writes into a file."""

from contextlib import suppress
from pathlib import Path

from beffroi.kernel.clock import Clock


class WattFile:
    """A file where the owner's wattmeter writes the power in watts, as a number."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._at_s = clock.monotonic_s()
        self._joules = 0.0

    def joules(self) -> float:
        """Add the power told now, for the time since the last reading; nothing while none is."""
        now_s = self._clock.monotonic_s()
        with suppress(OSError, ValueError):
            self._joules += max(0.0, float(self._path.read_text())) * (now_s - self._at_s)
        self._at_s = now_s
        return self._joules
