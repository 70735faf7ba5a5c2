"""What every meter owes: energy where it was seen, and nothing where it was not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.energy.metered import SILENT_AFTER_S
from tests.contract.energy.rigs import RIGS, Rig
from tests.support.clocks import ManualClock


@pytest.fixture(params=sorted(RIGS))
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Rig]:
    async with RIGS[request.param](tmp_path, clock) as made:
        yield made


def _joules(rig: Rig) -> float:
    found = rig.meter.reading()
    assert found is not None
    return found.joules


def _run(rig: Rig) -> str:
    found = rig.meter.reading()
    assert found is not None
    return found.run


async def test_a_meter_counts_power_for_as_long_as_it_was_taken(
    rig: Rig, clock: ManualClock
) -> None:
    await rig.take(100)
    begun, run = _joules(rig), _run(rig)
    clock.move(60)
    await rig.take(200)
    assert _joules(rig) - begun == pytest.approx(6000)
    clock.move(30)
    await rig.take(0)
    assert _joules(rig) - begun == pytest.approx(12_000)
    assert _run(rig) == run


async def test_a_reading_says_when_it_was_taken(rig: Rig, clock: ManualClock) -> None:
    clock.move(30)
    await rig.take(100)
    found = rig.meter.reading()
    assert found is not None
    assert found.at == clock.now()


async def test_a_meter_that_falls_silent_counts_on_in_another_run(
    rig: Rig, clock: ManualClock
) -> None:
    """Nobody knows what was taken meanwhile, unless the meter counts by itself."""
    await rig.take(100)
    run = _run(rig)
    await rig.fall_silent()
    clock.move(SILENT_AFTER_S + 1)
    assert rig.meter.reading() is None
    await rig.take(100)
    clock.move(60)
    await rig.take(100)
    assert (_run(rig) == run) is rig.counts_alone
    if not rig.counts_alone:
        assert _joules(rig) == pytest.approx(6000)


async def test_what_is_no_power_is_as_good_as_silence(rig: Rig, clock: ManualClock) -> None:
    await rig.take(100)
    clock.move(10)
    await rig.say_nonsense()
    clock.move(SILENT_AFTER_S + 1)
    assert rig.meter.reading() is None


async def test_a_meter_says_what_it_can_tell(rig: Rig) -> None:
    capabilities = rig.meter.capabilities
    assert capabilities.name
    assert 0 < capabilities.accuracy < 0.5
