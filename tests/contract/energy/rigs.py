"""A real server for each kind of meter, and a hand on what it shows."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import aiomqtt
from amqtt.broker import Broker  # type: ignore[import-untyped]
from pysnmp.proto.api import v2c

from beffroi.energy.drivers.mqtt import MqttAccess, MqttMeter, Quantity
from beffroi.energy.drivers.rapl import RaplCounter, RaplMeter
from beffroi.energy.drivers.redfish import RedfishAccess, RedfishPower
from beffroi.energy.drivers.snmp import Community, SnmpAccess, SnmpPower, SnmpUser
from beffroi.energy.drivers.watt_file import WattFile
from beffroi.energy.metered import PolledMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.secrets import Secret
from tests.contract.energy.redfish_server import redfish_server
from tests.contract.energy.snmp_agent import COMMUNITY, OID, SnmpAgent
from tests.support.clocks import ManualClock
from tests.support.town import free_port
from tests.support.waiting import eventually

_USER = SnmpUser("town", Secret("authentication"), Secret("confidential"))
_OID = ".".join(map(str, OID))
_NONSENSE = "quite a lot"
_RAPL_RANGE_UJ = 262_143_328_850


class Rig(Protocol):
    """A meter and what it measures."""

    @property
    def meter(self) -> PowerMeter:
        """The meter under test."""
        ...

    @property
    def counts_alone(self) -> bool:
        """Whether it goes on counting while nobody can read it."""
        ...

    async def take(self, watts: float) -> None:
        """Have the machine take a power from now on, and the meter told of it."""
        ...

    async def say_nonsense(self) -> None:
        """Have the meter told something that is no power."""
        ...

    async def fall_silent(self) -> None:
        """Take the meter's answers away."""
        ...


MakeRig = Callable[[Path, ManualClock], AbstractAsyncContextManager[Rig]]


class _Polled:
    counts_alone = False

    def __init__(
        self, meter: PolledMeter, show: Callable[[float | str], None], hide: Callable[[], None]
    ) -> None:
        self.meter = meter
        self._show = show
        self._hide = hide

    async def take(self, watts: float) -> None:
        self._show(watts)
        await self.meter.ask()

    async def say_nonsense(self) -> None:
        self._show(_NONSENSE)
        await self.meter.ask()

    async def fall_silent(self) -> None:
        self._hide()
        await self.meter.ask()


@asynccontextmanager
async def _watt_file(folder: Path, clock: ManualClock) -> AsyncIterator[Rig]:
    path = folder / "watts"

    def show(watts: float | str) -> None:
        path.write_text(f"{watts}\n")
        os.utime(path, (clock.now().timestamp(),) * 2)

    yield _Polled(PolledMeter("file", WattFile(path, clock), clock), show, path.unlink)


@asynccontextmanager
async def _redfish(folder: Path, clock: ManualClock) -> AsyncIterator[Rig]:
    async with redfish_server(folder) as server:
        access = RedfishAccess(
            url=server.url, user="", password=Secret(""), certificate=server.certificate
        )
        source = RedfishPower(access)

        def show(watts: float | str) -> None:
            server.show("EnvironmentMetrics", {"PowerWatts": {"Reading": watts}})

        yield _Polled(PolledMeter("controller", source, clock), show, server.take_away)
        await source.close()


def _snmp(user: SnmpUser | None) -> MakeRig:
    @asynccontextmanager
    async def make(_: Path, clock: ManualClock) -> AsyncIterator[Rig]:
        port = free_udp_port()
        agent = SnmpAgent(port, user)
        asker = user or Community(Secret(COMMUNITY))
        source = SnmpPower(
            SnmpAccess(address="127.0.0.1", port=port, oid=_OID, scale=10, asker=asker)
        )

        def show(watts: float | str) -> None:
            is_text = isinstance(watts, str)
            agent.shown = v2c.OctetString(watts) if is_text else v2c.Integer32(int(watts) // 10)

        def hide() -> None:
            agent.shown = v2c.NoSuchObject()

        yield _Polled(PolledMeter("unit", source, clock), show, hide)
        await source.close()
        agent.stop()

    return make


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class HeardMeter(MqttMeter):
    """Tells which message it has taken last."""

    heard = b""

    def take(self, payload: bytes) -> None:
        super().take(payload)
        self.heard = payload

    async def hear(self, access: MqttAccess, payload: str) -> None:
        """Have a plug send a message, and wait until it was taken."""
        self.heard = b""
        await publish(access, payload)
        await eventually(lambda: self.heard == payload.encode())


class _Plug:
    counts_alone = False

    def __init__(self, meter: HeardMeter, access: MqttAccess, clock: ManualClock) -> None:
        self.meter = meter
        self._access = access
        self._clock = clock
        self._watts = self._total_wh = 0.0
        self._since_s = clock.monotonic_s()

    async def take(self, watts: float) -> None:
        now_s = self._clock.monotonic_s()
        self._total_wh += self._watts * (now_s - self._since_s) / 3600
        self._watts, self._since_s = watts, now_s
        await self._send(self._message(watts, self._total_wh))

    async def say_nonsense(self) -> None:
        await self._send({"ENERGY": {"Power": _NONSENSE}, "apower": None, "aenergy": True})

    async def fall_silent(self) -> None:
        """Send nothing, as a plug does that is out of reach."""

    def _message(self, watts: float, total_wh: float) -> Mapping[str, object]:
        if self._access.topic.startswith("tele/"):
            return {"Time": "2026-11-22T10:00:00", "ENERGY": _tasmota(watts, total_wh)}
        return {"id": 0, "output": True, "apower": watts, "aenergy": {"total": total_wh}}

    async def _send(self, message: Mapping[str, object]) -> None:
        await self.meter.hear(self._access, json.dumps(message))


def _tasmota(watts: float, total_wh: float) -> Mapping[str, object]:
    return {"Total": total_wh / 1000, "Power": watts, "Voltage": 233, "Factor": 1.0}


async def publish(access: MqttAccess, payload: str, *, retain: bool = False) -> None:
    async with aiomqtt.Client(access.address, access.port) as plug:
        await plug.publish(access.topic, payload, retain=retain, qos=1)


@asynccontextmanager
async def mqtt_broker(port: int) -> AsyncIterator[Broker]:
    anonymous = {
        "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
    }
    listeners = {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}}
    broker = Broker({"listeners": listeners, "plugins": anonymous})
    await broker.start()
    try:
        yield broker
    finally:
        await broker.shutdown()


@asynccontextmanager
async def listening(meter: HeardMeter, access: MqttAccess) -> AsyncIterator[None]:
    """Run a meter; it has subscribed when this begins."""
    task = asyncio.create_task(meter.run())

    async def heard() -> bool:
        await publish(access, "null")
        return meter.heard == b"null"

    try:
        await eventually(heard)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _mqtt(topic: str, path: str, quantity: Quantity) -> MakeRig:
    @asynccontextmanager
    async def make(_: Path, clock: ManualClock) -> AsyncIterator[Rig]:
        port = free_port()
        access = MqttAccess(
            address="127.0.0.1", port=port, topic=topic, path=path, quantity=quantity
        )
        meter = HeardMeter(access, clock)
        async with mqtt_broker(port), listening(meter, access):
            yield _Plug(meter, access, clock)

    return make


class _Processor:
    counts_alone = True

    def __init__(self, zone: Path, clock: ManualClock) -> None:
        self._zone = zone
        self._clock = clock
        self._microjoules = _RAPL_RANGE_UJ - 1_000_000
        self._watts = 0.0
        self._since_s = clock.monotonic_s()
        (zone / "name").write_text("package-0\n")
        (zone / "max_energy_range_uj").write_text(f"{_RAPL_RANGE_UJ}\n")
        self._show(f"{self._microjoules}")
        meter = RaplMeter.found(zone.parent)
        assert meter is not None
        self.meter = RaplCounter(meter, clock, "boot")

    async def take(self, watts: float) -> None:
        now_s = self._clock.monotonic_s()
        self._microjoules += round(self._watts * (now_s - self._since_s) * 1e6)
        self._watts, self._since_s = watts, now_s
        self._show(f"{self._microjoules % _RAPL_RANGE_UJ}")

    async def say_nonsense(self) -> None:
        self._show(_NONSENSE)

    async def fall_silent(self) -> None:
        (self._zone / "energy_uj").unlink()

    def _show(self, text: str) -> None:
        (self._zone / "energy_uj").write_text(f"{text}\n")


@asynccontextmanager
async def _rapl(folder: Path, clock: ManualClock) -> AsyncIterator[Rig]:
    zone = folder / "intel-rapl:0"
    zone.mkdir()
    yield _Processor(zone, clock)


RIGS: Mapping[str, MakeRig] = {
    "watt file": _watt_file,
    "RAPL": _rapl,
    "Redfish": _redfish,
    "SNMPv2c": _snmp(None),
    "SNMPv3": _snmp(_USER),
    "Tasmota power": _mqtt("tele/plug/SENSOR", "ENERGY.Power", Quantity.W),
    "Tasmota energy": _mqtt("tele/plug/SENSOR", "ENERGY.Total", Quantity.KWH),
    "Shelly power": _mqtt("plug/status/switch:0", "apower", Quantity.W),
    "Shelly energy": _mqtt("plug/status/switch:0", "aenergy.total", Quantity.WH),
}
