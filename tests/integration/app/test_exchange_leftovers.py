"""Processes of the exchange that a killed platform left behind."""

import shutil
from pathlib import Path

from beffroi.app.exchange_engine import end_leftovers
from beffroi.engines.drivers.engine_process import EngineProcess
from beffroi.kernel.places import Places
from beffroi.kernel.processes.model import ProcessPlan


async def _answers() -> bool:
    return True


async def test_those_beyond_the_setting_end_and_the_others_stay(tmp_path: Path) -> None:
    places = Places.of(tmp_path / "data")
    left = {}
    for number in (1, 2, 3):
        process = EngineProcess(f"exchange-{number}", places, sandboxed=False)
        plan = ProcessPlan(
            unit=f"exchange-{number}",
            command=("/bin/sleep", "60"),
            folder=process.folder,
            log_path=process.log_path,
            environment={"PATH": "/usr/bin:/bin"},
        )
        await process.start(plan, _answers, 5)
        left[number] = process
    await end_leftovers(places, 1)
    assert [number for number, one in left.items() if one.running() is not None] == [1]
    await end_leftovers(places, 0)
    assert left[1].running() is None
    shutil.rmtree(places.runtime)
