"""Real traces: adding up each machine's p95 asks for more than they ever take together.

The figures are of samples weighted by their duration. Counting each row of the Bitbrains file once,
whatever its duration, would give a sum of p95 of 0.365 of the capacity.
"""

from pathlib import Path

import numpy as np
import pytest

from beffroi.capacity.sizing import coincidence, cpu_advice
from beffroi.capacity.sizing_advice import Verdict
from beffroi.capacity.sizing_series import Measure, Samples, Usage, usage_of
from tests.support.sources import ROOT

DATA = ROOT.parent / "shared" / "data" / "capacity"
BITBRAINS = DATA / "bitbrains"
PLANETLAB = DATA / "planetlab" / "20110303_cpu_pct_u8.npz"

needs_bitbrains = pytest.mark.skipif(
    not BITBRAINS.is_dir(), reason="the Bitbrains traces are not beside the repository"
)
needs_planetlab = pytest.mark.skipif(
    not PLANETLAB.is_file(), reason="the PlanetLab traces are not beside the repository"
)


def _columns(file: Path) -> dict[str, np.ndarray]:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(file)
    return {name: table[name].to_numpy() for name in table.column_names}


def _bitbrains(*, capped: bool) -> tuple[list[Usage], list[int]]:
    """Return the usage of each machine and its cores, in thousandths."""
    tasks, rows = _columns(BITBRAINS / "tasks.parquet"), _columns(BITBRAINS / "fragments.parquet")
    usages, allotted = [], []
    for number, machine in enumerate(tasks["id"]):
        mine = rows["id"] == machine
        steps = np.rint(rows["duration"][mine] / 300_000).astype(int)
        cores = int(tasks["cpu_count"][number]) * 1000
        milli = np.repeat(rows["cpu_usage"][mine] * cores / tasks["cpu_capacity"][number], steps)
        first_s = int(tasks["submission_time"][number]) // 300_000 * 300
        instants = first_s + 300 * np.arange(len(milli), dtype=np.int64)
        samples = Samples(str(machine), Measure.CPU_MILLI, instants, milli)
        usages.append(usage_of(samples, cores if capped else 0))
        allotted.append(cores)
    return usages, allotted


@needs_bitbrains
def test_a_month_of_fifty_machines_of_a_host_of_enterprises() -> None:
    usages, allotted = _bitbrains(capped=False)
    found, whole = coincidence(usages), sum(allotted)
    assert found.mean_milli / whole == pytest.approx(0.160, abs=0.002)
    assert found.sum_of_p95_milli / whole == pytest.approx(0.352, abs=0.002)
    assert found.ratio == pytest.approx(0.831, abs=0.002)
    assert found.max_of_sum_milli / found.sum_of_max_milli == pytest.approx(0.676, abs=0.002)


@needs_bitbrains
def test_advice_on_real_machines_is_careful() -> None:
    usages, allotted = _bitbrains(capped=True)
    advice = [cpu_advice(usage, cores) for usage, cores in zip(usages, allotted, strict=True)]
    verdicts = [one.verdict for one in advice]
    assert verdicts.count(Verdict.AT_ITS_LIMIT) == 8
    assert verdicts.count(Verdict.WINDOW_SHORT) == 6
    assert all(one.advised * 2 >= one.allotted for one in advice)


@needs_planetlab
def test_a_day_of_a_thousand_machines_of_research() -> None:
    shares = np.load(PLANETLAB)["cpu"].astype(np.float64) / 100
    instants = 1_299_106_800 + 300 * np.arange(shares.shape[1], dtype=np.int64)
    usages = [
        usage_of(Samples(str(number), Measure.CPU_SHARE, instants, row), 1000)
        for number, row in enumerate(shares)
    ]
    found, whole = coincidence(usages), 1000 * len(usages)
    assert found.mean_milli / whole == pytest.approx(0.123, abs=0.001)
    assert found.sum_of_p95_milli / whole == pytest.approx(0.230, abs=0.001)
    assert found.ratio == pytest.approx(0.577, abs=0.001)
    assert found.max_of_sum_milli / found.sum_of_max_milli == pytest.approx(0.288, abs=0.001)
