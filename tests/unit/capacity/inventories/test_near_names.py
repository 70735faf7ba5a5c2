"""Names that may be meant by those that are not known."""

from pathlib import Path

from beffroi.capacity.inventories.near_names import NearNames
from tests.unit.capacity.inventories.written_files import refusal
from tests.unit.capacity.inventories.written_files import written as put


def test_the_nearest_name_is_told() -> None:
    names = NearNames({"esx-1", "esx-2", "bck"})
    assert names.near("esx-1.drancy.fr") == "esx-1"
    assert NearNames(()).near("esx-1") == "-"


def test_after_many_missing_names_only_those_told_before_have_a_near_one() -> None:
    names = NearNames([f"esx-{number}" for number in range(10_000)])
    assert names.near("esx-77.drancy.fr") == "esx-77"
    assert names.near("esx-78.drancy.fr") == "esx-78"
    assert names.near("esx-79.drancy.fr") == "-"
    assert names.near("esx-77.drancy.fr") == "esx-77"


def test_every_row_that_names_an_unknown_host_is_told(tmp_path: Path) -> None:
    rows = "".join(f"vm{number};1;2;esx-{number % 50}.drancy.fr\n" for number in range(400))
    hosts = "".join(f"esx-{number};a;m;8;64\n" for number in range(50))
    found = refusal(
        put(tmp_path, "w.csv", f"name;cpu_cores;memory_gib;host\n{rows}"),
        put(tmp_path, "h.csv", f"name;site;model;cpu_cores;memory_gib\n{hosts}"),
    )
    assert found == [("row_name_unknown", line, 1) for line in range(2, 402)]
