"""RVTools workbooks of both generations: who counts, how much, where, and what is refused."""

from pathlib import Path
from time import perf_counter

import pytest

from beffroi.capacity.inventories.findings import ExclusionReason
from beffroi.capacity.model import Amounts, Criticality
from tests.unit.capacity.inventories.written_files import Cell, book, loaded, read, rejected

INFO = [
    *("VM", "Powerstate", "Template", "SRM Placeholder", "DNS Name", "CPUs", "Memory"),
    *("Active Memory", "Provisioned MiB", "In Use MiB", "HA Restart Priority"),
    *("Cluster rule(s)", "Cluster rule name(s)", "Path", "Datacenter", "Cluster", "Host"),
]
HOST = [
    *("Host", "Datacenter", "Cluster", "Config status", "in Maintenance Mode", "CPU Model"),
    *("Speed", "# CPU", "Cores per CPU", "# Cores", "CPU usage %", "# Memory", "Vendor", "Model"),
]
PARTITION = ["VM", "Powerstate", "Disk", "Capacity MiB", "Consumed MiB", "Free MiB"]
DATASTORE = ["Name", "Type", "# VMs", "Capacity MiB", "In Use MiB", "# Hosts", "Hosts"]
DATABASE_NAMES = {
    "VM": "vInfoVMName",
    "Powerstate": "vInfoPowerstate",
    "Template": "vInfoTemplate",
    "SRM Placeholder": "vInfoSRMPlaceHolder",
    "CPUs": "vInfoCPUs",
    "Memory": "vInfoMemory",
    "Provisioned MiB": "vInfoProvisioned",
    "In Use MiB": "vInfoInUse",
    "Host": "vInfoHost",
    "Datacenter": "vInfoDataCenter",
    "Cluster": "vInfoCluster",
    "Path": "vInfoPath",
}
Rows = list[list[Cell]]


def _vm(name: str, **told: Cell) -> list[Cell]:
    row: dict[str, Cell] = {
        "VM": name,
        "Powerstate": "poweredOn",
        "Template": False,
        "SRM Placeholder": False,
        "CPUs": 4,
        "Memory": 8192,
        "Provisioned MiB": 102400,
        "In Use MiB": 51200,
        "HA Restart Priority": "clusterRestartPriority",
        "Path": "[san] vm/vm.vmx",
        "Datacenter": "Lille",
        "Cluster": "prod",
        "Host": "esx1",
    }
    row.update({key.replace("_", " "): value for key, value in told.items()})
    return [row.get(title) for title in INFO]


def _host(name: str, memory: Cell = 393216, site: str = "Lille") -> list[Cell]:
    row: dict[str, Cell] = {
        "Host": name,
        "Datacenter": site,
        "Cluster": "prod",
        "in Maintenance Mode": False,
        "# CPU": 2,
        "Cores per CPU": 16,
        "# Cores": 32,
        "# Memory": memory,
        "Vendor": "Dell Inc.",
        "Model": "PowerEdge R640",
    }
    return [row.get(title) for title in HOST]


def _book(folder: Path, vms: Rows, hosts: Rows | None = None, **tabs: Rows) -> Path:
    info: Rows = [[*INFO], *vms]
    host: Rows = [[*HOST], *(hosts or [_host("esx1")])]
    return book(folder, {"vInfo": info, "vHost": host, **tabs})


def test_machines_and_hosts_are_read(tmp_path: Path) -> None:
    hosts = [_host("esx1"), _host("esx2", 262144, "Roubaix")]
    found = loaded(_book(tmp_path, [_vm("a"), _vm("b", Host="esx2")], hosts)).inventory
    assert [one.amounts for one in found.workloads] == [Amounts(4000, 8192), Amounts(4000, 8192)]
    assert [one.host for one in found.workloads] == ["esx1", "esx2"]
    assert found.sites == ("Lille", "Roubaix")
    assert found.models["PowerEdge R640 (32 c, 384 GiB)"].amounts == Amounts(32000, 393216)
    assert found.hosts[1].model == "PowerEdge R640 (32 c, 256 GiB)"


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"Template": True}, ExclusionReason.TEMPLATE),
        ({"Template": "True"}, ExclusionReason.TEMPLATE),
        ({"SRM_Placeholder": True}, ExclusionReason.PLACEHOLDER),
        ({"Powerstate": "poweredOff"}, ExclusionReason.POWERED_OFF),
        ({"Powerstate": "suspended"}, ExclusionReason.POWERED_OFF),
    ],
)
def test_machines_that_do_not_run_are_listed(
    tmp_path: Path, told: dict[str, Cell], reason: ExclusionReason
) -> None:
    found = read(_book(tmp_path, [_vm("a"), _vm("b", **told), _vm("vCLS-1f2e")]))
    assert [(one.name, one.reason) for one in found.excluded] == [
        ("b", reason),
        ("vCLS-1f2e", ExclusionReason.CLUSTER_SERVICE),
    ]
    assert [one.name for one in found.workloads] == ["a"]


def test_headings_named_as_in_databases_are_known(tmp_path: Path) -> None:
    info: Rows = [[DATABASE_NAMES.get(title, title) for title in INFO], _vm("a")]
    titles = ["vHostName", "vHostDatacenter", "vHostNumCpuCores", "vHostMemorySize", "vHostModel"]
    host: Rows = [[*titles], ["esx1", "x", 8, 65536, "M"]]
    found = loaded(book(tmp_path, {"tabvInfo": info, "tabvHost": host})).inventory
    assert found.workloads[0].amounts == Amounts(4000, 8192)
    assert found.models["M"].amounts == Amounts(8000, 65536)


def test_old_workbooks_write_mb_and_group_thousands(tmp_path: Path) -> None:
    titles = [title.replace("MiB", "MB") for title in INFO]
    sheets: dict[str, Rows] = {"vInfo": [[*titles], _vm("a", Memory="16,384", CPUs="4")]}
    assert read(book(tmp_path, sheets)).workloads[0].amounts.memory_mib == 16384


def test_disks_count_on_datastores_of_one_host_alone(tmp_path: Path) -> None:
    stores: Rows = [
        [*DATASTORE],
        ["san", "VMFS", 2, 10485760, 1, 2, "esx1, esx2"],
        ["local1", "VMFS", 1, 1048576, 1, 1, "esx1"],
    ]
    partitions: Rows = [
        [*PARTITION],
        ["b", "on", "C:", 1, 30720, 1],
        ["b", "on", "D:", 1, 10240, 1],
    ]
    vms = [_vm("a"), _vm("b", Path="[local1] b/b.vmx"), _vm("c", Path="[local1] c/c.vmx")]
    file = _book(tmp_path, vms, vDatastore=stores, vPartition=partitions)
    found = read(file)
    assert [one.amounts.disk_gib for one in found.workloads] == [0, 40, 50]
    assert found.models["PowerEdge R640"].amounts.disk_gib == 1024
    assert [note.values.get("gib") for note in found.notes] == [None, 50]


@pytest.mark.parametrize(
    ("kinds", "names", "apart", "together"),
    [
        (None, "anti-affinity-db", "prod/anti-affinity-db", ""),
        (None, "Séparer les contrôleurs", "prod/Séparer les contrôleurs", ""),
        (None, "keep web together, DB apart", "prod/DB apart", "prod/keep web together"),
        ("AntiAffinityRule", "rule 7", "prod/rule 7", ""),
        (None, "rule 7", "", ""),
    ],
)
def test_cluster_rules_are_told_by_their_kind_or_their_name(
    tmp_path: Path, kinds: str | None, names: str, apart: str, together: str
) -> None:
    told: dict[str, Cell] = {"Cluster_rule(s)": kinds, "Cluster_rule_name(s)": names}
    found = read(_book(tmp_path, [_vm("a", **told)]))
    assert (found.workloads[0].apart, found.workloads[0].together) == (apart, together)
    unclear = [note.values["rules"] for note in found.notes if note.code == "rules_unclear"]
    assert unclear == ([] if apart or together else [names])


@pytest.mark.parametrize(
    ("priority", "criticality"),
    [
        ("high", Criticality.CRITICAL),
        ("clusterRestartPriority", Criticality.CRITICAL),
        ("low", Criticality.SHEDDABLE),
        ("disabled", Criticality.SHEDDABLE),
    ],
)
def test_the_restart_priority_tells_what_may_stop(
    tmp_path: Path, priority: str, criticality: Criticality
) -> None:
    found = read(_book(tmp_path, [_vm("a", HA_Restart_Priority=priority)]))
    assert found.workloads[0].criticality is criticality


def test_every_wrong_cell_is_told_with_its_tab(tmp_path: Path) -> None:
    vms = [_vm("a", Memory="much"), _vm("b", CPUs=0), _vm("b2", Memory=-5), _vm(""), _vm("c")]
    found = read(_book(tmp_path, [*vms, _vm("c")], [_host("esx1", 10**12)]))
    told = [
        (one.place.sheet, *cell) for one, cell in zip(found.rejected, rejected(found), strict=True)
    ]
    assert told == [
        ("vHost", "amount_absurd", 2, 12),
        ("vInfo", "not_a_number", 2, 7),
        ("vInfo", "amount_zero", 3, 6),
        ("vInfo", "amount_negative", 4, 7),
        ("vInfo", "name_missing", 5, 1),
        ("vInfo", "row_name_twice", 7, 1),
    ]
    assert found.rejected[0].finding().file.endswith("b.xlsx#vHost")


def test_a_missing_column_is_told(tmp_path: Path) -> None:
    sheets: dict[str, Rows] = {"vInfo": [["VM", "CPUs"], ["a", 1]]}
    assert rejected(read(book(tmp_path, sheets))) == [("column_missing", 1, 1)]


def test_a_workbook_without_its_main_tab_is_refused(tmp_path: Path) -> None:
    sheets: dict[str, Rows] = {"vHost": [[*HOST], _host("esx1")]}
    assert rejected(read(book(tmp_path, sheets))) == [("tab_missing", 1, 1)]


def test_the_photo_of_an_instant_is_told_to_be_one(tmp_path: Path) -> None:
    found = read(_book(tmp_path, [_vm("a")]), vcpu_per_core=4.0)
    assert found.workloads[0].amounts.cpu_milli == 1000
    assert found.notes[0].code == "instant_photo"


def test_three_thousand_machines_are_read_in_time(tmp_path: Path) -> None:
    file = _book(tmp_path, [_vm(f"vm-{number}") for number in range(3000)])
    began = perf_counter()
    found = loaded(file)
    assert len(found.inventory.workloads) == 3000
    assert perf_counter() - began < 5
