"""The machine is measured with what its host declares, as it is declared at that moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beffroi.app.adapters import TerritoryInForce
from beffroi.app.machine_meter import MachineMeter
from beffroi.kernel.clock import SystemClock
from beffroi.territory.service import TerritoryService
from tests.conftest import MakeDatabase
from tests.support.waiting import eventually

_TOWN = """
territory: {{name: essai, title: Essai, domain: localhost}}
sites: {{mairie: {{title: Mairie, latitude: 48, longitude: 0.2}}}}
hosts:
  s2: {{site: mairie, cpus: 2, memory_gib: 2, disk_gib: 100, meter: {{kind: rapl}}}}
  s1: {{site: mairie, cpus: 2, memory_gib: 2, disk_gib: 100, meter: {meter}}}
"""


class Declared:
    """A territory that a test changes, and the meter that follows it."""

    def __init__(self, folder: Path, territory: TerritoryService, wattmeter_file: str) -> None:
        self._file = folder / "territory.yaml"
        self._territory = territory
        self.meter = MachineMeter(TerritoryInForce(territory), wattmeter_file, SystemClock())

    async def declare(self, meter: str) -> None:
        """Apply a territory whose first host by name has a meter."""
        self._file.write_text(_TOWN.format(meter=meter))
        await self._territory.apply(self._file, "operator")
        self.meter.wake()

    def measures(self) -> bool:
        return self.meter.reading() is not None

    def is_without(self) -> bool:
        return self.meter.capabilities is None and self.meter.reading() is None


@pytest.fixture
def watts(tmp_path: Path) -> Path:
    path = tmp_path / "watts"
    path.write_text("120\n")
    return path


@pytest.fixture
async def territory(make_database: MakeDatabase) -> TerritoryService:
    return TerritoryService(await make_database("kernel", "territory"), SystemClock())


@pytest.fixture
async def declared(tmp_path: Path, territory: TerritoryService) -> AsyncIterator[Declared]:
    found = Declared(tmp_path, territory, "")
    async with _running(found.meter):
        yield found


@asynccontextmanager
async def _running(meter: MachineMeter) -> AsyncIterator[None]:
    task = asyncio.create_task(meter.run())
    await asyncio.sleep(0)
    yield
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_another_declaration_takes_over_without_a_new_start(
    declared: Declared, watts: Path
) -> None:
    await declared.declare("{kind: none}")
    await eventually(declared.is_without)

    await declared.declare(f"{{kind: file, file: {watts}}}")
    await eventually(declared.measures)
    first = declared.meter.reading()
    await declared.declare("{kind: none}")
    await eventually(declared.is_without)

    assert first is not None
    assert declared.is_without()


async def test_a_meter_that_cannot_be_opened_is_told_once_and_left_out(
    declared: Declared, watts: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "beffroi.app.machine_meter")
    redfish = "{kind: redfish, address: bmc, user: lecture, secret_file: /none/secret}"
    await declared.declare(redfish)
    await eventually(lambda: "/none/secret" in caplog.text)
    declared.meter.wake()
    await asyncio.sleep(0.1)
    assert caplog.text.count("/none/secret") == 1
    assert declared.is_without()

    await declared.declare(f"{{kind: file, file: {watts}}}")

    await eventually(declared.measures)


async def test_the_owners_wattmeter_measures_where_the_host_declares_nothing(
    tmp_path: Path, territory: TerritoryService, watts: Path
) -> None:
    declared = Declared(tmp_path, territory, str(watts))
    await declared.declare("{kind: none}")

    async with _running(declared.meter):
        await eventually(declared.measures)

    assert declared.is_without()
