"""Power or energy that a smart plug sends to an MQTT broker.

What common plugs send, PLUG being the name that they were given:

- Tasmota: topic ``tele/PLUG/SENSOR``, path ``ENERGY.Power`` (W) or ``ENERGY.Total`` (kWh), every
  300 s unless ``TelePeriod 20`` is set.
- Shelly, second generation and later: topic ``PLUG/status/switch:0``, path ``apower`` (W) or
  ``aenergy.total`` (Wh).
- Shelly, first generation: topic ``shellies/PLUG/relay/0/power`` (W), no path.
"""

import logging
import math
import secrets
import ssl
from enum import StrEnum
from pathlib import Path
from typing import Final

import aiomqtt
import msgspec

from beffroi.energy.metered import SILENT_AFTER_S, HeldPower
from beffroi.energy.ports import Coverage, EnergyReading, MeterCapabilities
from beffroi.kernel.clock import Clock
from beffroi.kernel.secrets import Secret

_logger = logging.getLogger(__name__)
_AGAIN_AFTER_S: Final = (1, 2, 5, 10, 30, 60)
_KEPT_ALIVE_S: Final = 30


class Quantity(StrEnum):
    """What the number of a message is."""

    W = "W"
    WH = "Wh"
    KWH = "kWh"


_JOULES: Final = {Quantity.WH: 3600.0, Quantity.KWH: 3.6e6}


class MqttAccess(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages of which broker tell it.

    Attributes:
        certificate: File of the broker's certificate, or of its authority; empty: no TLS.
        path: Where in the JSON of a message the number stands, names joined by points; empty: the
            message is the number.
        silent_after_s: Above the time between two messages.
    """

    address: str
    topic: str
    quantity: Quantity
    path: str = ""
    port: int = 1883
    user: str = ""
    password: Secret = Secret("")
    certificate: Path | None = None
    silent_after_s: float = SILENT_AFTER_S


class MqttMeter:
    """Listens to one plug."""

    # Our margin: makers of plugs state less, for loads well above those of a small server.
    capabilities = MeterCapabilities("MQTT", Coverage.MACHINE, accuracy=0.05)

    def __init__(self, access: MqttAccess, clock: Clock) -> None:
        self._access = access
        self._clock = clock
        self._held = HeldPower(clock, access.silent_after_s)
        self._counter = self._begun = 0.0
        self._counter_told_s = -math.inf
        self._run = secrets.token_hex(8)
        self._failing = False

    async def run(self) -> None:
        """Listen until cancelled; connect again after 1 s, then ever more, 60 s at most."""
        failures = 0
        while True:
            try:
                async with self._client() as client:
                    await client.subscribe(self._access.topic)
                    async for message in client.messages:
                        failures = 0
                        # Nobody knows how old a message is that the broker kept.
                        if not message.retain:
                            self.take(_bytes(message.payload))
            except (aiomqtt.MqttError, OSError) as error:
                self._fail(f"{error}")
            await self._clock.sleep(_AGAIN_AFTER_S[min(failures, len(_AGAIN_AFTER_S) - 1)])
            failures += 1

    def take(self, payload: bytes) -> None:
        """Take one message; what is no number is told once and left out."""
        number = _number(payload, self._access.path)
        if number is None or not (math.isfinite(number) and number >= 0):
            self._fail(f"{self._access.path or 'the message'} is no quantity")
            return
        if self._failing:
            _logger.info("energy meter=%s tells again", self._access.topic)
        self._failing = False
        if self._access.quantity is Quantity.W:
            self._held.tell(number)
            return
        joules = number * _JOULES[self._access.quantity]
        now_s = self._clock.monotonic_s()
        silent_s = now_s - self._counter_told_s
        if joules < self._counter or silent_s > self._access.silent_after_s:
            # The plug was reset, or silent: what it took meanwhile is not known.
            self._run, self._begun = secrets.token_hex(8), joules
        self._counter, self._counter_told_s = joules, now_s

    def reading(self) -> EnergyReading | None:
        """Return the energy counted so far, without waiting; nothing while the plug is silent."""
        if self._access.quantity is Quantity.W:
            return self._held.reading()
        silent_s = self._clock.monotonic_s() - self._counter_told_s
        if silent_s > self._access.silent_after_s:
            return None
        return EnergyReading(self._counter - self._begun, self._run, self._clock.now())

    def _client(self) -> aiomqtt.Client:
        access = self._access
        context = None
        if access.certificate is not None:
            context = ssl.create_default_context(cafile=str(access.certificate))
        return aiomqtt.Client(
            access.address,
            access.port,
            username=access.user or None,
            password=access.password.reveal() or None,
            tls_context=context,
            keepalive=_KEPT_ALIVE_S,
        )

    def _fail(self, why: str) -> None:
        if not self._failing:
            _logger.warning("energy meter=%s silent: %s", self._access.topic, why)
        self._failing = True


def _bytes(payload: object) -> bytes:
    return payload if isinstance(payload, bytes) else str(payload).encode()


def _number(payload: bytes, path: str) -> float | None:
    try:
        found: object = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError):
        return None
    for name in path.split(".") if path else ():
        if not isinstance(found, dict) or name not in found:
            return None
        found = found[name]
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        return float(found)
    except OverflowError:
        return None
