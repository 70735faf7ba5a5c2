"""The examples of the documentation work, and name every key."""

import re
from pathlib import Path

import pytest

from beffroi.capacity.inventories.columns import HOST_COLUMNS, WORKLOAD_COLUMNS, headings_of
from beffroi.capacity.inventories.kinds import FileKind
from beffroi.capacity.inventories.plan_file import SECTIONS, PlanFile
from beffroi.territory.schema import file_schema
from tests.support.sources import ROOT
from tests.unit.capacity.inventories.written_files import loaded
from tests.unit.capacity.inventories.written_files import written as put

PAGE = (ROOT / "docs" / "capacity-files.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(csv|yaml)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


def test_the_example_is_a_plan_file_that_loads(tmp_path: Path) -> None:
    put(tmp_path, "workloads.csv", BLOCKS["csv"])
    put(tmp_path, "series.csv", "timestamp;vm;cpu_percent\n1790000000;ged;10\n")
    answer = loaded(put(tmp_path, "plan.yaml", BLOCKS["yaml"]))
    found, savings = answer.inventory, answer.savings
    assert savings is not None
    assert (savings.terms.pue_after.low, savings.terms.pue_before.high) == (1.4, 1.9)
    assert [host.name for host in found.hosts] == ["lame-1", "lame-2", "secours"]
    workloads = {one.name: one for one in found.workloads}
    assert workloads["db-1"].licence == "oracle"
    assert workloads["ged"].organisation == "bobigny"
    assert workloads["paie"].amounts.memory_mib == 16896


@pytest.mark.parametrize("noun", sorted(file_schema(PlanFile, ())["$defs"]))
def test_every_key_of_a_plan_file_is_in_the_documentation(noun: str) -> None:
    keyed = tuple(section.__name__ for section in SECTIONS.values())
    keys = file_schema(PlanFile, keyed)["$defs"][noun].get("properties", {})
    assert [key for key in keys if not re.search(rf"\b{key}\b", PAGE)] == []


def test_every_kind_of_file_is_in_the_documentation() -> None:
    kinds = [kind for kind in FileKind if kind is not FileKind.DETECTED]
    assert [kind for kind in kinds if f"`{kind}`" not in PAGE] == []


def test_every_column_that_the_documentation_names_is_known() -> None:
    table = PAGE.partition("## Columns")[2].partition("```")[0]
    rows = [line.split(" | ")[1] for line in table.splitlines() if line.count(" | ") == 2]
    named = re.findall(r"`([^`]+)`", re.sub(r" \(`.*?`\)", "", " ".join(rows[1:])))
    ignored = [
        set(headings_of(tuple(named), one).ignored) for one in (WORKLOAD_COLUMNS, HOST_COLUMNS)
    ]
    assert len(named) > 40
    assert set.intersection(*ignored) == set()
