"""Plugs that are reset, brokers that go away and come back, messages that are too old."""

import asyncio
import json
import logging
from contextlib import suppress

import pytest

from beffroi.energy.drivers.mqtt import MqttAccess, MqttMeter, Quantity
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.secrets import Secret
from tests.contract.energy.rigs import HeardMeter, listening, mqtt_broker, publish
from tests.support.clocks import ManualClock
from tests.support.town import free_port
from tests.support.waiting import eventually


def _access(port: int = 1883, quantity: Quantity = Quantity.W, path: str = "") -> MqttAccess:
    return MqttAccess(
        address="127.0.0.1",
        port=port,
        topic="shellies/plug/relay/0/power",
        quantity=quantity,
        path=path,
    )


def _energy_meter(clock: ManualClock) -> MqttMeter:
    return MqttMeter(_access(quantity=Quantity.WH), clock)


async def test_a_message_may_be_the_number_itself(clock: ManualClock) -> None:
    access = _access(free_port())
    meter = HeardMeter(access, clock)
    async with mqtt_broker(access.port), listening(meter, access):
        await meter.hear(access, "23.5")
    clock.move(60)
    found = meter.reading()
    assert found is not None
    assert found.joules == pytest.approx(23.5 * 60)


async def test_a_message_that_the_broker_kept_is_not_taken_for_now(clock: ManualClock) -> None:
    access = _access(free_port())
    meter = HeardMeter(access, clock)
    async with mqtt_broker(access.port):
        await publish(access, "2000", retain=True)
        async with listening(meter, access):
            assert meter.reading() is None


async def test_a_meter_finds_its_broker_again() -> None:
    access = _access(free_port())
    meter = MqttMeter(access, SystemClock())
    running = asyncio.create_task(meter.run())

    async def told() -> bool:
        await publish(access, "100")
        return meter.reading() is not None

    async with mqtt_broker(access.port):
        await eventually(told, within_s=10)
        found = meter.reading()
        assert found is not None
    async with mqtt_broker(access.port):

        async def counts_on() -> bool:
            await publish(access, "1000000")
            now = meter.reading()
            return now is not None and now.joules > found.joules + 10_000

        await eventually(counts_on, within_s=15)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_broker_that_is_away_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "beffroi.energy")
    clock = ManualClock()
    meter = MqttMeter(_access(free_port()), clock)
    running = asyncio.create_task(meter.run())
    await eventually(lambda: caplog.records)
    for _ in range(3):
        await clock.advance(120)
        await asyncio.sleep(0.05)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert len(caplog.records) == 1
    assert meter.reading() is None


def test_a_plug_that_is_reset_counts_on_in_another_run(clock: ManualClock) -> None:
    meter = _energy_meter(clock)
    runs, joules = [], []
    for watt_hours in (1000, 1001, 0.5, 1.5):
        meter.take(str(watt_hours).encode())
        clock.move(30)
        found = meter.reading()
        assert found is not None
        runs.append(found.run)
        joules.append(found.joules)
    assert joules == pytest.approx([0, 3600, 0, 3600])
    assert runs[0] == runs[1] != runs[2] == runs[3]


NO_QUANTITIES = [b"", b"on", b"true", b"false", b"[1]", b'{"a": 1}', b"-4", b"1e999"]
ENDLESS = [pytest.param(b"[" * 100_000, id="brackets"), pytest.param(b"9" * 400, id="digits")]


@pytest.mark.parametrize("payload", [*NO_QUANTITIES, *ENDLESS])
def test_what_is_no_quantity_is_left_out(clock: ManualClock, payload: bytes) -> None:
    meter = MqttMeter(_access(), clock)
    meter.take(payload)
    assert meter.reading() is None


def test_a_number_is_found_deep_in_a_message(clock: ManualClock) -> None:
    meter = MqttMeter(_access(path="a.b.c"), clock)
    meter.take(json.dumps({"a": {"b": {"c": 60}}}).encode())
    clock.move(2)
    found = meter.reading()
    assert found is not None
    assert found.joules == 120


def test_a_password_is_never_shown() -> None:
    access = MqttAccess(
        address="", topic="", quantity=Quantity.W, user="town", password=Secret("confidential")
    )
    assert "confidential" not in f"{access}"
