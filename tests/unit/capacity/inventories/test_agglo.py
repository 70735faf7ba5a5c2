"""The regression inventories: the host of their first line, groups and criticality."""

from pathlib import Path

import pytest

from beffroi.capacity.model import Amounts, Criticality, Policy
from tests.support.sources import ROOT
from tests.unit.capacity.inventories.written_files import loaded, read, rejected
from tests.unit.capacity.inventories.written_files import written as put

SETS = ROOT.parent / "shared" / "data" / "capacity" / "agglo"
TEXT = (
    "#host_cpu_m,25600,host_mem_MiB,245760,host_disk_GiB,2300,LB,22\n"
    "vm,class,vcpu,cpu_p95_milli,mem_MiB,disk_GiB,anti_affinity_group,cross_site,critical\n"
    "0,app+,4,2810,6144,55,25,1,0\n"
    "1,web,2,1090,4096,55,,0,1\n"
)


def test_the_first_line_is_the_host_on_sale(tmp_path: Path) -> None:
    found = loaded(put(tmp_path, "a.csv", TEXT)).inventory
    assert found.models["agglo"].amounts == Amounts(25600, 245760, 2300)
    assert (found.buys, found.sites, found.hosts) == (("agglo",), ("a", "b"), ())
    assert found.policy == Policy(cpu_share=1, memory_share=1, disk_share=1)
    first, second = found.workloads
    assert first.amounts == Amounts(2810, 6144, 55)
    assert (first.apart, first.across_sites) == ("25", True)
    assert (first.criticality, second.criticality) == (Criticality.SHEDDABLE, Criticality.CRITICAL)


def test_a_first_line_without_the_host_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv", TEXT.replace("245760", "much"))
    assert rejected(read(file)) == [("agglo_host_missing", 1, 1)]


@pytest.mark.skipif(not SETS.is_dir(), reason="the inventories are not beside the repository")
@pytest.mark.parametrize("name", ["agglo_bal_300_s0.csv", "agglo_cpu_3000_s0.csv"])
def test_real_sets_are_read_whole(name: str) -> None:
    found = loaded(SETS / name).inventory
    assert len(found.workloads) == int(name.split("_")[2])
