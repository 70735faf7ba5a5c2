"""A declared meter becomes one that measures, and what its kind loads is loaded for it alone."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pysnmp.proto.api import v2c

from beffroi.energy.drivers.mqtt import MqttAccess, Quantity
from beffroi.energy.drivers.opening import opened_meter
from beffroi.energy.drivers.rapl import RaplMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.commands import run_command
from beffroi.territory.meters import Meter, MeterKind
from tests.contract.energy.redfish_server import redfish_server
from tests.contract.energy.rigs import free_udp_port, mqtt_broker, publish
from tests.contract.energy.snmp_agent import COMMUNITY, OID, SnmpAgent
from tests.support.clocks import ManualClock
from tests.support.town import free_port
from tests.support.waiting import eventually

_SHOWN_W = 230


@pytest.fixture
def secret_file(tmp_path: Path) -> str:
    path = tmp_path / "secret"
    path.write_text(f"{COMMUNITY}\n")
    return str(path)


async def _opened(meter: Meter, clock: ManualClock) -> PowerMeter:
    found = await opened_meter("s1", meter, clock)
    assert found is not None
    return found


async def _joules_of_ten_seconds(meter: PowerMeter, clock: ManualClock) -> float:
    async with _running(meter):
        await eventually(lambda: meter.reading() is not None)
        clock.move(10)
        found = meter.reading()
    assert found is not None
    return found.joules


@asynccontextmanager
async def _running(meter: PowerMeter) -> AsyncIterator[None]:
    task = asyncio.create_task(meter.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_where_none_is_declared_there_is_none(clock: ManualClock) -> None:
    assert await opened_meter("s1", Meter(), clock) is None


async def test_a_declared_unit_is_asked_by_snmp(clock: ManualClock, secret_file: str) -> None:
    port = free_udp_port()
    agent = SnmpAgent(port)
    agent.shown = v2c.Gauge32(_SHOWN_W * 10)
    meter = await _opened(
        Meter(
            kind=MeterKind.SNMP,
            address="127.0.0.1",
            port=port,
            oid=".".join(map(str, OID)),
            scale=0.1,
            secret_file=secret_file,
        ),
        clock,
    )
    try:
        assert await _joules_of_ten_seconds(meter, clock) == pytest.approx(_SHOWN_W * 10)
    finally:
        agent.stop()


async def test_a_declared_controller_is_asked_by_redfish(
    clock: ManualClock, secret_file: str, tmp_path: Path
) -> None:
    async with redfish_server(tmp_path) as server:
        server.show("EnvironmentMetrics", {"PowerWatts": {"Reading": _SHOWN_W}})
        address, _, port = server.url.removeprefix("https://").rpartition(":")
        meter = await _opened(
            Meter(
                kind=MeterKind.REDFISH,
                address=address,
                port=int(port),
                user="lecture",
                secret_file=secret_file,
                certificate=str(server.certificate),
            ),
            clock,
        )
        assert await _joules_of_ten_seconds(meter, clock) == pytest.approx(_SHOWN_W * 10)


async def test_a_declared_file_is_read(clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "watts"
    path.write_text(f"{_SHOWN_W}\n")
    meter = await _opened(Meter(kind=MeterKind.FILE, file=str(path)), clock)

    assert await _joules_of_ten_seconds(meter, clock) == pytest.approx(_SHOWN_W * 10)


async def test_a_declared_plug_is_listened_to() -> None:
    access = MqttAccess(address="127.0.0.1", port=free_port(), topic="p/power", quantity=Quantity.W)
    declared = Meter(
        kind=MeterKind.MQTT, address=access.address, port=access.port, topic=access.topic
    )
    meter = await opened_meter("s1", declared, SystemClock())
    assert meter is not None

    async def told() -> bool:
        await publish(access, f"{_SHOWN_W}")
        return meter.reading() is not None

    async with mqtt_broker(access.port), _running(meter):
        await eventually(told)
    assert meter.capabilities.name == "MQTT"


async def test_the_processors_measure_where_there_are_counters(clock: ManualClock) -> None:
    if RaplMeter.found() is None:
        with pytest.raises(InvalidInputError) as raised:
            await opened_meter("s1", Meter(kind=MeterKind.RAPL), clock)
        assert raised.value.code == "energy.rapl_absent"
    else:
        assert (await _opened(Meter(kind=MeterKind.RAPL), clock)).reading() is not None


@pytest.mark.parametrize("kind", [MeterKind.REDFISH, MeterKind.SNMP, MeterKind.MQTT])
@pytest.mark.parametrize("content", [None, " \n"])
async def test_a_secret_that_cannot_be_read_is_told(
    kind: MeterKind, content: str | None, clock: ManualClock, tmp_path: Path
) -> None:
    path = tmp_path / "none"
    if content is not None:
        path.write_text(content)
    meter = Meter(
        kind=kind,
        address="a",
        user="" if kind is MeterKind.SNMP else "lecture",
        oid="1.3.6",
        topic="t",
        secret_file=str(path),
    )

    with pytest.raises(InvalidInputError) as raised:
        await opened_meter("s1", meter, clock)

    assert raised.value.code == "energy.secret_file_unreadable"


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_certificate_that_is_none_is_told(
    content: str | None, clock: ManualClock, secret_file: str, tmp_path: Path
) -> None:
    path = tmp_path / "bmc.pem"
    if content is not None:
        path.write_text(content)
    meter = Meter(
        kind=MeterKind.REDFISH,
        address="a",
        user="lecture",
        secret_file=secret_file,
        certificate=str(path),
    )

    with pytest.raises(InvalidInputError) as raised:
        await opened_meter("s1", meter, clock)

    assert raised.value.code == "energy.certificate_unusable"


async def test_no_command_and_no_platform_loads_what_only_a_declared_meter_needs() -> None:
    asked = (
        "import sys, beffroi.app.cli, beffroi.app.running;"
        "print(sorted({'pysnmp', 'aiomqtt'} & sys.modules.keys()))"
    )

    ended = await run_command([sys.executable, "-c", asked], deadline_s=30)

    assert ended.output.strip() == "[]"
