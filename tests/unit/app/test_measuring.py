"""The machine that is measured, and what measures it."""

from pathlib import Path

import pytest

from beffroi.app.measuring import energy_meter, measured_host
from beffroi.app.settings import Settings
from beffroi.energy.drivers.rapl import RaplMeter
from beffroi.energy.drivers.watt_file import WattFile
from beffroi.kernel.processes.memory import memory_reading
from tests.support.clocks import ManualClock


def test_the_owners_wattmeter_wins(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "watts"
    path.write_text("50")
    meter = energy_meter(str(path), clock)
    assert isinstance(meter, WattFile)

    clock.move(10)

    assert meter.joules() == 500


def test_without_a_wattmeter_the_processors_counters_measure_where_there_are(
    clock: ManualClock,
) -> None:
    found, counted = energy_meter("", clock), RaplMeter.found()

    assert (found is None) == (counted is None)
    assert found is None or isinstance(found, RaplMeter)


@pytest.mark.parametrize("machine", ["epyc", "xeon", "small"])
def test_each_machine_that_may_be_set_has_a_power_curve(machine: str) -> None:
    host = measured_host(machine, 2)

    assert host.cpus == 2
    assert host.memory_bytes == memory_reading().total_bytes
    idle, busy = host.power.idle_w(), host.power.marginal_w(1.0)
    assert 0 < idle.low <= idle.value <= idle.high
    assert busy.value > 0


def test_twice_the_threads_take_twice_the_power_at_rest() -> None:
    one, two = (measured_host("epyc", cpus).power.idle_w().value for cpus in (1, 2))

    assert two == pytest.approx(2 * one)


def test_the_usual_machine_has_a_curve() -> None:
    assert measured_host(Settings().machine, 1).power.machine.source
