"""Power that holds until more is told, and the asking of meters."""

import asyncio
import logging
import math
from contextlib import suppress
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.energy.metered import POLLED_EVERY_S, SILENT_AFTER_S, HeldPower, PolledMeter
from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.kernel.errors import UnavailableError
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually


class Gauge:
    """A source whose power, or silence, the test sets."""

    capabilities = MeterCapabilities("gauge", Coverage.MACHINE, accuracy=0.05)

    def __init__(self) -> None:
        self.shown: float | None = 100.0
        self.asked = 0
        self.closed = False

    async def watts(self) -> float:
        self.asked += 1
        if self.shown is None:
            raise UnavailableError("energy.watt_file_unreadable", path="gauge")
        return self.shown

    async def close(self) -> None:
        self.closed = True


def _was_asked(gauge: Gauge, times: int) -> bool:
    return gauge.asked == times


def test_power_holds_until_more_is_told(clock: ManualClock) -> None:
    held = HeldPower(clock)
    held.tell(100)
    clock.move(10)
    held.tell(40)
    clock.move(5)
    found = held.reading()
    assert found is not None
    assert found.joules == pytest.approx(1200)


def test_nothing_is_read_before_anything_is_told(clock: ManualClock) -> None:
    assert HeldPower(clock).reading() is None


@pytest.mark.parametrize("watts", [math.nan, math.inf, -1.0])
def test_what_no_machine_takes_is_as_good_as_silence(clock: ManualClock, watts: float) -> None:
    held = HeldPower(clock)
    held.tell(100)
    clock.move(SILENT_AFTER_S)
    held.tell(watts)
    assert held.reading() is not None
    clock.move(1)
    assert held.reading() is None


@given(
    st.lists(
        st.tuples(st.floats(0, 1000), st.floats(0.1, SILENT_AFTER_S * 2), st.booleans()),
        min_size=1,
        max_size=20,
    )
)
def test_energy_is_the_same_however_often_it_is_read(
    told: list[tuple[float, float, bool]],
) -> None:
    """Within a run it never goes back, and a silence begins another."""
    clock = ManualClock()
    often, seldom = HeldPower(clock), HeldPower(clock)
    runs: dict[str, float] = {}
    for watts, wait_s, reads in told:
        often.tell(watts)
        seldom.tell(watts)
        if reads:
            clock.move(wait_s / 2)
            found = often.reading()
            assert found is None or found.joules >= runs.get(found.run, 0)
            if found is not None:
                runs[found.run] = found.joules
            clock.move(wait_s / 2)
        else:
            clock.move(wait_s)
    ends = often.reading(), seldom.reading()
    if ends[0] is None or ends[1] is None:
        assert ends == (None, None)
    else:
        assert ends[0].joules == pytest.approx(ends[1].joules)


async def test_a_meter_that_turns_silent_is_told_once_and_when_it_answers_again(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "beffroi.energy")
    gauge = Gauge()
    meter = PolledMeter("lomme-1", gauge, clock)
    for shown in (100.0, None, None, 100.0, 100.0):
        gauge.shown = shown
        await meter.ask()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


async def test_a_meter_that_misses_one_question_goes_on(clock: ManualClock) -> None:
    gauge = Gauge()
    meter = PolledMeter("lomme-1", gauge, clock)
    for shown in (100.0, None, 100.0):
        gauge.shown = shown
        await meter.ask()
        clock.move(POLLED_EVERY_S)
    found = meter.reading()
    assert found is not None
    assert found.joules == pytest.approx(3 * POLLED_EVERY_S * 100)


async def test_a_meter_is_asked_every_few_seconds_until_it_is_stopped(clock: ManualClock) -> None:
    gauge = Gauge()
    running = asyncio.create_task(PolledMeter("lomme-1", gauge, clock).run())
    for number in range(1, 4):
        await eventually(partial(_was_asked, gauge, number))
        await asyncio.sleep(0)
        await clock.advance(POLLED_EVERY_S)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert gauge.asked >= 3
    assert gauge.closed
