"""Energy from power: what was told last holds until more is told, but not for ever."""

import asyncio
import logging
import math
import secrets
from typing import Final, Protocol

from beffroi.energy.ports import EnergyReading, MeterCapabilities
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
POLLED_EVERY_S: Final = 20.0
SILENT_AFTER_S: Final = 90.0
_ASKED_WITHIN_S: Final = 10.0


class HeldPower:
    """Adds up power that is told now and then.

    A silence ends the run: what was taken meanwhile is not known, and another run begins at 0.
    """

    def __init__(self, clock: Clock, silent_after_s: float = SILENT_AFTER_S) -> None:
        self._clock = clock
        self._silent_after_s = silent_after_s
        self._run = ""
        self._joules = 0.0
        self._watts = 0.0
        self._told_s = -math.inf
        self._counted_s = 0.0

    def tell(self, watts: float) -> None:
        """Take note of the power now; what no machine takes is as good as silence."""
        if not (math.isfinite(watts) and watts >= 0):
            return
        now_s = self._clock.monotonic_s()
        if self._is_silent(now_s):
            self._run, self._joules = secrets.token_hex(8), 0.0
        else:
            self._joules += self._watts * (now_s - self._counted_s)
        self._watts = watts
        self._told_s = self._counted_s = now_s

    def reading(self) -> EnergyReading | None:
        """Return the energy of this run so far; nothing while nothing is told."""
        now_s = self._clock.monotonic_s()
        if self._is_silent(now_s):
            return None
        self._joules += self._watts * (now_s - self._counted_s)
        self._counted_s = now_s
        return EnergyReading(self._joules, self._run, self._clock.now())

    def _is_silent(self, now_s: float) -> bool:
        return now_s - self._told_s > self._silent_after_s


class PowerSource(Protocol):
    """Something that tells the power of a machine when it is asked."""

    @property
    def capabilities(self) -> MeterCapabilities:
        """Say what it can tell."""
        ...

    async def watts(self) -> float:
        """Ask for the power now.

        Raises:
            BeffroiError: It does not answer, or with something that is no power.
        """
        ...

    async def close(self) -> None:
        """Let go of what was opened."""
        ...


class PolledMeter:
    """A meter that is asked every few seconds."""

    def __init__(
        self, name: str, source: PowerSource, clock: Clock, every_s: float = POLLED_EVERY_S
    ) -> None:
        self._name = name
        self._source = source
        self._clock = clock
        self._every_s = every_s
        self._held = HeldPower(clock, max(SILENT_AFTER_S, 3 * every_s))
        self._failing = False

    @property
    def capabilities(self) -> MeterCapabilities:
        """Say what it can tell."""
        return self._source.capabilities

    async def run(self) -> None:
        """Ask until cancelled; a meter that turns silent, or answers again, is told once."""
        try:
            while True:
                await self.ask()
                await self._clock.sleep(self._every_s)
        finally:
            await self._source.close()

    async def ask(self) -> None:
        """Ask once."""
        try:
            async with asyncio.timeout(_ASKED_WITHIN_S):
                watts = await self._source.watts()
        except (BeffroiError, OSError, TimeoutError) as error:
            if not self._failing:
                _logger.warning("energy meter=%s silent: %s", self._name, str(error) or "no answer")
            self._failing = True
            return
        if self._failing:
            _logger.info("energy meter=%s answers again", self._name)
        self._failing = False
        self._held.tell(watts)

    def reading(self) -> EnergyReading | None:
        """Return the energy counted so far, without waiting; nothing while it is silent."""
        return self._held.reading()
