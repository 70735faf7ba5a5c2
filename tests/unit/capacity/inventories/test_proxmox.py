"""Exports of Proxmox VE: machines, nodes, disks, tags and HA."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.inventories.findings import ExclusionReason
from beffroi.capacity.model import Amounts, Criticality
from tests.unit.capacity.inventories.written_files import loaded, read, refusal, rejected

GIB = 1024**3


def _vm(vmid: int, **told: Any) -> dict[str, Any]:
    return {
        "id": f"qemu/{vmid}",
        "type": "qemu",
        "vmid": vmid,
        "name": f"vm{vmid}",
        "node": "pve1",
        "status": "running",
        "template": 0,
        "maxcpu": 4,
        "maxmem": 8 * GIB,
        "maxdisk": 32 * GIB,
        "cpu": 0.12,
        "mem": 2 * GIB,
        **told,
    }


def _node(name: str) -> dict[str, Any]:
    return {
        "id": f"node/{name}",
        "type": "node",
        "node": name,
        "status": "online",
        "maxcpu": 64,
        "maxmem": 256 * GIB,
        "maxdisk": 90 * GIB,
    }


def _storage(
    name: str, node: str, *, shared: int, content: str = "images,rootdir"
) -> dict[str, Any]:
    return {
        "id": f"storage/{node}/{name}",
        "type": "storage",
        "storage": name,
        "node": node,
        "shared": shared,
        "content": content,
        "maxdisk": 1000 * GIB,
        "disk": 5,
    }


def _export(folder: Path, told: Any) -> Path:
    file = folder / "pve.json"
    file.write_bytes(msgspec.json.encode(told))
    return file


@pytest.mark.parametrize("wrapped", [False, True])
def test_machines_and_nodes_are_read_as_pvesh_or_the_api_write_them(
    tmp_path: Path, *, wrapped: bool
) -> None:
    machines = [_vm(100, pool="drancy"), _vm(101, type="lxc")]
    listed = [*machines, _node("pve1"), _storage("local-lvm", "pve1", shared=0)]
    file = _export(tmp_path, {"data": listed} if wrapped else listed)
    found = loaded(file).inventory
    assert [one.name for one in found.workloads] == ["vm100", "vm101"]
    assert found.workloads[0].amounts == Amounts(4000, 8192, 32)
    assert (found.workloads[0].organisation, found.workloads[0].host) == ("drancy", "pve1")
    assert found.models[found.hosts[0].model].amounts == Amounts(64000, 262144, 1000)


def test_threads_count_as_cores_only_where_nothing_tells_cores(tmp_path: Path) -> None:
    nodes = {"pve1": {"data": {"cpuinfo": {"cores": 32, "sockets": 2, "cpus": 64}}}}
    told = {"resources": [_vm(100), _node("pve1"), _node("pve2")], "nodes": nodes}
    found = loaded(_export(tmp_path, told))
    cores = [found.inventory.models[one.model].amounts.cpu_milli for one in found.inventory.hosts]
    assert cores == [32000, 64000]
    assert [note.values["hosts"] for note in found.notes if note.code == "threads_as_cores"] == [
        "pve2"
    ]


def test_stopped_machines_and_templates_are_listed(tmp_path: Path) -> None:
    listed = [_vm(100, status="stopped"), _vm(101, template=1), _vm(102), _node("pve1")]
    found = read(_export(tmp_path, listed))
    assert [(one.name, one.reason) for one in found.excluded] == [
        ("vm100", ExclusionReason.POWERED_OFF),
        ("vm101", ExclusionReason.TEMPLATE),
    ]


def test_disks_count_where_they_are_local(tmp_path: Path) -> None:
    resources = [
        _vm(100),
        _vm(101),
        _node("pve1"),
        _storage("local-lvm", "pve1", shared=0),
        _storage("backup", "pve1", shared=0, content="backup,iso"),
        _storage("ceph", "pve1", shared=1),
    ]
    config = {
        "scsi0": "local-lvm:vm-100-disk-0,iothread=1,size=32G",
        "scsi1": "ceph:vm-100-disk-1,size=1T",
        "efidisk0": "local-lvm:vm-100-disk-2,size=4M",
        "ide2": "local:iso/x.iso,media=cdrom,size=9G",
        "cpulimit": "1.5",
        "hostpci0": "0000:01:00",
    }
    found = read(_export(tmp_path, {"resources": resources, "configs": {"100": config}}))
    first, second = found.workloads
    assert (first.amounts, first.fixed) == (Amounts(1500, 8192, 33), True)
    assert second.amounts.disk_gib == 0
    assert next(iter(found.models.values())).amounts.disk_gib == 1000
    assert [note.values.get("count") for note in found.notes if note.code == "disks_unknown"] == [1]


def test_tags_and_rules_of_ha_tell_who_stands_where(tmp_path: Path) -> None:
    resources = [
        _vm(100, tags="prod;plb_anti_affinity_db"),
        _vm(101, tags="plb_affinity_web"),
        _vm(102, tags="plb_pin_pve1"),
        _vm(103),
        _node("pve1"),
    ]
    rules = [
        {
            "rule": "ha-1",
            "type": "resource-affinity",
            "affinity": "negative",
            "resources": "vm:103,vm:101",
        },
        {
            "rule": "ha-2",
            "type": "resource-affinity",
            "affinity": "negative",
            "resources": "vm:100",
        },
        {"rule": "ha-3", "type": "node-affinity", "nodes": "pve1", "resources": "vm:100"},
    ]
    ha = [{"sid": "vm:100", "state": "started"}]
    found = read(_export(tmp_path, {"resources": resources, "ha_resources": ha, "ha_rules": rules}))
    placed = [(one.apart, one.together, one.fixed, one.criticality) for one in found.workloads]
    assert placed == [
        ("plb_anti_affinity_db", "", False, Criticality.CRITICAL),
        ("ha-1", "plb_affinity_web", False, Criticality.SHEDDABLE),
        ("", "", True, Criticality.SHEDDABLE),
        ("ha-1", "", False, Criticality.SHEDDABLE),
    ]
    second = [note.values["rules"] for note in found.notes if note.code == "rules_second"]
    assert second == ["vm100: ha-2"]


def test_every_wrong_entry_is_told_by_its_number(tmp_path: Path) -> None:
    listed = [
        _node("pve1"),
        _vm(100, maxmem="8G"),
        _vm(101, maxmem=-1),
        _vm(102, maxcpu=None),
        _vm(103, maxmem=1 << 62),
        _vm(104, name="vm105"),
        _vm(105),
        _node("pve1"),
    ]
    found = read(_export(tmp_path, listed))
    assert [(code, row) for code, row, _ in rejected(found)] == [
        ("not_a_number", 2),
        ("amount_negative", 3),
        ("amount_missing", 4),
        ("amount_absurd", 5),
        ("imported_twice", 7),
        ("imported_twice", 8),
    ]
    assert [one.name for one in found.workloads] == ["vm105"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "file_not_json"),
        (b"[1, 2]", "proxmox_resources_missing"),
        (b'{"data": null}', "proxmox_resources_missing"),
        (b"[" * 100_000, "file_not_json"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    assert refusal(file) == [(code, 1, 1)]


@pytest.mark.parametrize(
    ("part", "told", "column", "row"),
    [
        ("nodes", [], "nodes", 1),
        ("nodes", {"pve1": 5}, "nodes.pve1", 1),
        ("configs", {"1": {}, "2": None}, "configs.2", 2),
        ("ha_rules", 5, "ha_rules", 1),
        ("ha_rules", [{}, "x"], "ha_rules", 2),
        ("ha_resources", {}, "ha_resources", 1),
        ("ha_resources", {"data": 3}, "ha_resources", 1),
        ("resources", [_vm(1), None], "resources", 2),
    ],
)
def test_a_part_of_another_shape_is_refused_by_its_name(
    tmp_path: Path, part: str, told: object, column: str, row: int
) -> None:
    (refused,) = read(_export(tmp_path, {"resources": [_vm(1)], part: told})).rejected
    assert (refused.code, refused.column, refused.place.row) == (
        "capacity.proxmox_part_misshapen",
        column,
        row,
    )


def test_parts_that_are_absent_or_nothing_are_no_mistake(tmp_path: Path) -> None:
    whole: dict[str, Any] = {
        "resources": [_vm(1)],
        "nodes": None,
        "configs": {},
        "ha_rules": {"data": []},
    }
    assert read(_export(tmp_path, whole)).rejected == ()


def test_a_machine_that_is_pinned_without_a_node_is_refused(tmp_path: Path) -> None:
    file = _export(tmp_path, {"resources": [_vm(1, node="", tags="plb_pin_pve1"), _node("pve1")]})
    assert refusal(file) == [("fixed_without_host", 1, 1)]


KEYS = ("type", "vmid", "name", "node", "status", "template", "maxcpu", "maxmem", "tags", "shared")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4), min_size=1, max_size=4),
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("configs", "nodes", "ha_resources", "ha_rules"), VALUES)
    ),
)
def test_every_entry_is_read_listed_or_told(
    tmp_path_factory: pytest.TempPathFactory,
    changes: list[dict[str, Any]],
    beside: dict[str, Any],
) -> None:
    resources = [{**_vm(100 + number), **one} for number, one in enumerate(changes)]
    folder = tmp_path_factory.mktemp("pve")
    found = read(_export(folder, {"resources": [_vm(99), *resources], **beside}))
    machines = [one for one in resources if one["type"] in ("qemu", "lxc", "node")]
    refused = [row for row in found.rejected if row.code != "capacity.proxmox_part_misshapen"]
    told = [*found.workloads, *found.hosts, *found.excluded, *refused]
    assert len(told) == 1 + len(machines)
