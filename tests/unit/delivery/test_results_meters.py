"""What the machine takes, as its kernel and its meters tell."""

from pathlib import Path

from beffroi.delivery.results_meters import PlatformMeters
from beffroi.delivery.results_usage import HOST, NGINX
from beffroi.energy.drivers.rapl import RaplMeter
from beffroi.energy.drivers.watt_file import WattFile
from tests.support.clocks import ManualClock
from tests.support.processes import launched, shell_plan
from tests.support.waiting import eventually


def _zone(folder: Path, name: str, microjoules: int, counts: str = "package-0") -> Path:
    zone = folder / name
    zone.mkdir(exist_ok=True)
    (zone / "name").write_text(f"{counts}\n")
    (zone / "energy_uj").write_text(f"{microjoules}\n")
    (zone / "max_energy_range_uj").write_text("1000000\n")
    return zone


def test_a_machine_without_counters_has_no_meter(tmp_path: Path) -> None:
    assert RaplMeter.found(tmp_path) is None
    assert RaplMeter.found(tmp_path / "absent") is None


def test_counters_of_whole_processors_are_added_and_may_pass_their_end(tmp_path: Path) -> None:
    _zone(tmp_path, "intel-rapl:0", 900_000)
    _zone(tmp_path, "intel-rapl:1", 0)
    _zone(tmp_path, "intel-rapl:0:0", 5, "dram")
    _zone(tmp_path, "intel-rapl:2", 0, "psys")
    meter = RaplMeter.found(tmp_path)
    assert meter is not None
    _zone(tmp_path, "intel-rapl:0", 100_000)
    _zone(tmp_path, "intel-rapl:1", 300_000)
    _zone(tmp_path, "intel-rapl:0:0", 99, "dram")
    _zone(tmp_path, "intel-rapl:2", 700_000, "psys")
    assert meter.joules() == 0.5
    assert meter.joules() == 0.5


def test_a_wattmeters_file_is_summed_over_time(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "watts"
    meter = WattFile(path, clock)
    path.write_text("120.5\n")
    clock.move(10)
    assert meter.joules() == 1205
    path.write_text("broken")
    clock.move(10)
    assert meter.joules() == 1205
    path.write_text("100")
    clock.move(1)
    assert meter.joules() == 1305


def test_a_wattmeter_that_cannot_be_read_adds_nothing(tmp_path: Path) -> None:
    clock = ManualClock()
    meters = [WattFile(tmp_path / "absent", clock), WattFile(tmp_path, clock)]
    clock.move(10)
    assert [meter.joules() for meter in meters] == [0, 0]


async def test_the_time_of_ended_children_stays_with_their_parent(tmp_path: Path) -> None:
    """Workers come and go; what they took is not lost with them."""
    work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    script = f"({work}); touch done; exec tail -f /dev/null"
    plan = shell_plan(tmp_path, f"cd {tmp_path}; {script}")
    meters = PlatformMeters(ManualClock(), None)
    with launched(plan) as process:
        await eventually((tmp_path / "done").exists, within_s=20)
        [machine, reading] = meters.readings({NGINX: process.pid})
    assert (machine.subject, reading.subject) == (HOST, NGINX)
    assert reading.cpu_s > 0.02
    assert machine.cpu_s > reading.cpu_s
    assert reading.memory_bytes > 0


def test_a_part_that_does_not_run_has_no_reading() -> None:
    meters = PlatformMeters(ManualClock(), None)
    read = meters.readings({NGINX: 2**22 + 1})
    assert [one.subject for one in read] == [HOST]
