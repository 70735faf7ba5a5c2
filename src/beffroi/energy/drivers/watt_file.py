"""Power that something else writes into a file."""

from contextlib import suppress
from pathlib import Path

from beffroi.energy.metered import SILENT_AFTER_S
from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import UnavailableError


class WattFile:
    """A file where the owner's wattmeter writes the power in watts, as a number."""

    # What servers owe (see Redfish); who has a better wattmeter has a wider interval than need be.
    capabilities = MeterCapabilities("watt file", Coverage.MACHINE, accuracy=0.05)

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

    async def watts(self) -> float:
        """Read the power.

        Raises:
            UnavailableError: There is no number, or nobody has written it for a while.
        """
        try:
            age_s = self._clock.now().timestamp() - self._path.stat().st_mtime
            watts = float(self._path.read_text())
        except (OSError, ValueError) as error:
            raise UnavailableError("energy.watt_file_unreadable", path=self._path) from error
        if age_s > SILENT_AFTER_S:
            raise UnavailableError("energy.watt_file_old", path=self._path, age_s=round(age_s))
        return watts

    async def close(self) -> None:
        """Do nothing: the file is opened for each reading."""
