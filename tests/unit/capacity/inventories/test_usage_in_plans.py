"""Usage series named by plan.yaml size its workloads, and say on what evidence."""

from pathlib import Path

from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.model import Amounts
from beffroi.capacity.sizing_advice import Statistic, Verdict
from tests.unit.capacity.inventories.written_files import loaded, refusal
from tests.unit.capacity.inventories.written_files import written as put

BEGIN = 1_750_000_200
WORKLOADS = "name;vcpu;memory_gib\nweb;4;8\ndb;4;16\nold;2;4\n"
PLAN = """\
imports: [{file: w.csv, vcpu_per_core: 4}]
usage:
  files: [series.csv]
  databases: ["db*"]
"""


def _series(days: int, machines: dict[str, tuple[float, float]]) -> str:
    rows = [
        f"{BEGIN + 3600 * hour};{name};{cpu};{mib}"
        for name, (cpu, mib) in machines.items()
        for hour in range(days * 24)
    ]
    return "\n".join(["timestamp;vm;cpu_percent;mem_mib", *rows]) + "\n"


def _loaded(folder: Path, plan: str = PLAN, days: int = 31) -> LoadedInventory:
    put(folder, "w.csv", WORKLOADS)
    put(
        folder, "series.csv", _series(days, {"web": (30, 2048), "db": (60, 14000), "ghost": (1, 1)})
    )
    return loaded(put(folder, "plan.yaml", plan))


def test_measured_workloads_have_profiles_and_the_others_keep_their_size(tmp_path: Path) -> None:
    web, db, old = _loaded(tmp_path).inventory.workloads
    assert web.amounts == Amounts(1200, 8192)
    assert set(web.cpu_by_hour) == {1200}
    assert db.amounts == Amounts(2400, 16384)
    assert (old.amounts, old.cpu_by_hour) == (Amounts(500, 4096), ())


def test_sizes_that_usage_changed_are_kept_as_they_were_allotted(tmp_path: Path) -> None:
    web, db = _loaded(tmp_path).allotted
    assert (web.name, web.amounts, web.cpu_by_hour) == ("web", Amounts(1000, 8192), ())
    assert (db.name, db.amounts) == ("db", Amounts(1000, 16384))


def test_nothing_is_kept_apart_where_sizes_stay(tmp_path: Path) -> None:
    assert _loaded(tmp_path, PLAN + "  cpu: allotted\n").allotted == ()


def test_advice_names_its_evidence(tmp_path: Path) -> None:
    found = _loaded(tmp_path)
    told = [(one.workload, one.resource.name, one.advised, one.verdict) for one in found.advice]
    assert told == [
        ("web", "CPU", 2000, Verdict.LOWER_BY_HALF),
        ("web", "MEMORY", 4096, Verdict.LOWER_BY_HALF),
        ("db", "CPU", 2400, Verdict.LOWER),
        ("db", "MEMORY", 16800, Verdict.RAISE),
    ]
    assert found.advice[2].evidence.statistic is Statistic.P99
    assert found.advice[0].evidence.samples == 31 * 24
    assert found.coincidence is not None
    assert found.coincidence.workloads == 2


def test_who_has_no_series_and_whose_series_is_nobody_s_are_told(tmp_path: Path) -> None:
    notes = {note.code: note.values.get("names") for note in _loaded(tmp_path).notes}
    assert (notes["without_series"], notes["series_of_nobody"]) == ("old", "ghost")


def test_advised_memory_and_allotted_cpu_are_chosen_in_the_file(tmp_path: Path) -> None:
    web, *_ = _loaded(tmp_path, PLAN + "  cpu: allotted\n  memory: advised\n").inventory.workloads
    assert (web.amounts, web.cpu_by_hour) == (Amounts(1000, 4096), ())


def test_a_window_too_short_changes_nothing_and_says_so(tmp_path: Path) -> None:
    found = _loaded(tmp_path, PLAN + "  since: 2025-06-20\n  until: 2025-06-29\n")
    assert found.inventory.workloads[0].amounts == Amounts(1000, 8192)
    assert {one.verdict for one in found.advice} == {Verdict.WINDOW_SHORT}
    assert found.advice[0].evidence.expected == 240


def test_a_series_with_mistakes_is_refused_row_by_row(tmp_path: Path) -> None:
    put(tmp_path, "w.csv", WORKLOADS)
    put(tmp_path, "series.csv", "timestamp;vm;cpu_percent\n1;web;x\nnever;web;1\n")
    assert refusal(put(tmp_path, "plan.yaml", PLAN)) == [
        ("not_a_number", 2, 3),
        ("not_an_instant", 3, 1),
    ]
