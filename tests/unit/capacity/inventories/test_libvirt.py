"""What virsh writes: domains, hosts, disks; and XML that is refused."""

from pathlib import Path

import pytest

from beffroi.capacity.inventories.findings import ExclusionReason
from beffroi.capacity.model import Amounts
from tests.unit.capacity.inventories.written_files import loaded, read, refusal, rejected
from tests.unit.capacity.inventories.written_files import written as put

DOMAIN = """\
<domain type='kvm'{id}>
  <name>{name}</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
  <memory unit='{unit}'>{memory}</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
  <vcpu placement='static' current='{vcpus}'>8</vcpu>
  <cputune><shares>2048</shares></cputune>
  <os><type arch='x86_64' machine='pc-q35-6.2'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='/var/lib/libvirt/images/{name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>{devices}
  </devices>
</domain>
"""
NODEINFO = """\
CPU model:           x86_64
CPU(s):              64
CPU frequency:       2600 MHz
CPU socket(s):       1
Core(s) per socket:  16
Thread(s) per core:  2
NUMA cell(s):        2
Memory size:         264241152 KiB
"""
DOMSTATS = """\
Domain: 'web'
  block.count=2
  block.0.name=vda
  block.0.allocation=1073741824
  block.0.capacity=21474836480
  block.0.physical=1073745920
  block.1.name=vdb
  block.1.capacity=1

Domain: 'db'
  block.count=1
  block.0.capacity=107374182400
"""
CAPABILITIES = """\
<capabilities>
  <host>
    <cpu><arch>x86_64</arch></cpu>
    <topology><cells num='1'><cell id='0'>
      <memory unit='KiB'>65011712</memory>
      <cpus num='4'>
        <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
        <cpu id='1' socket_id='0' die_id='0' core_id='1' siblings='1,3'/>
        <cpu id='2' socket_id='0' die_id='0' core_id='0' siblings='0,2'/>
        <cpu id='3' socket_id='0' die_id='0' core_id='1' siblings='1,3'/>
      </cpus>
    </cell></cells></topology>
  </host>
  <guest><arch name='x86_64'><domain type='kvm'/></arch></guest>
</capabilities>
"""


def _domain(name: str, memory: int | str = 4, unit: str = "GiB", **told: str) -> str:
    values = {"id": "", "vcpus": "2", "devices": "", **told}
    return DOMAIN.format(name=name, memory=memory, unit=unit, **values)


@pytest.mark.parametrize(
    ("memory", "unit", "mib"),
    [
        (4194304, "KiB", 4096),
        (4194304, "k", 4096),
        (4096, "MiB", 4096),
        (4096, "M", 4096),
        (4, "G", 4096),
        (4, "GB", 3815),
        (4096, "MB", 3907),
        (4294967296, "bytes", 4096),
    ],
)
def test_memory_is_taken_in_its_unit(tmp_path: Path, memory: int, unit: str, mib: int) -> None:
    found = read(put(tmp_path, "web.xml", _domain("web", memory, unit)))
    assert found.workloads[0].amounts == Amounts(2000, mib)


def test_memory_without_a_unit_is_in_kib(tmp_path: Path) -> None:
    text = _domain("web", 1048576).replace("<memory unit='GiB'>", "<memory>")
    assert read(put(tmp_path, "web.xml", text)).workloads[0].amounts.memory_mib == 1024


def test_several_domains_stand_in_one_file(tmp_path: Path) -> None:
    text = "<?xml version='1.0'?>\n" + _domain("a") + "<?xml version='1.0'?>\n" + _domain("b")
    found = read(put(tmp_path, "all.xml", text))
    assert [one.name for one in found.workloads] == ["a", "b"]
    assert found.places["b"].row == 18


def test_a_folder_is_a_host_with_its_domains_and_their_disks(tmp_path: Path) -> None:
    put(tmp_path, "site/kvm1/nodeinfo.txt", NODEINFO)
    put(tmp_path, "site/kvm1/domains.xml", _domain("web", id=" id='3'") + _domain("old"))
    put(tmp_path, "site/kvm1/domstats.txt", DOMSTATS)
    put(tmp_path, "site/kvm2/capabilities.xml", CAPABILITIES)
    put(tmp_path, "site/kvm2/domstats.txt", DOMSTATS)
    put(tmp_path, "site/kvm2/db.xml", _domain("db", id=" id='1'"))
    found = loaded(tmp_path / "site")
    hosts = {
        host.name: found.inventory.models[host.model].amounts for host in found.inventory.hosts
    }
    assert hosts == {"kvm1": Amounts(32000, 258048), "kvm2": Amounts(2000, 63488)}
    assert {one.name: one.host for one in found.inventory.workloads} == {
        "web": "kvm1",
        "db": "kvm2",
    }
    read_alone = read(tmp_path / "site")
    assert [one.amounts.disk_gib for one in read_alone.workloads] == [21, 100]
    assert [(one.name, one.reason) for one in found.excluded] == [
        ("old", ExclusionReason.POWERED_OFF)
    ]


def test_a_domain_that_holds_a_device_of_its_host_stays_there(tmp_path: Path) -> None:
    put(tmp_path, "kvm1/nodeinfo.txt", NODEINFO)
    devices = "<hostdev mode='subsystem' type='pci' managed='yes'/>"
    put(tmp_path, "kvm1/gpu.xml", _domain("gpu", devices=devices))
    found = loaded(tmp_path / "kvm1")
    assert found.inventory.workloads[0].fixed
    assert {note.code for note in found.notes} >= {"disks_unknown", "running_unknown"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_domain("a", memory=-4), ("not_a_number", 1, 1)),
        (_domain("a", memory=4, unit="stones"), ("unit_unknown", 1, 1)),
        (_domain("a", memory=10**9), ("amount_absurd", 1, 1)),
        (_domain("a", vcpus="0"), ("amount_zero", 1, 1)),
        (_domain("a", vcpus="two"), ("not_a_number", 1, 1)),
        (_domain("").replace("<name></name>", ""), ("element_missing", 1, 1)),
        (_domain("a").replace("vcpu", "cpus"), ("element_missing", 1, 1)),
        (_domain("a") + _domain("a"), ("imported_twice", 16, 1)),
        ("<domain><name>a</domain>", ("not_xml", 1, 1)),
        ("<html/>", ("file_kind_unknown", 1, 1)),
    ],
)
def test_a_domain_that_cannot_be_meant_is_refused(
    tmp_path: Path, text: str, told: tuple[str, int, int]
) -> None:
    assert rejected(read(put(tmp_path, "a.xml", text))) == [told]


@pytest.mark.parametrize(
    "head",
    [
        "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE domain SYSTEM 'http://localhost/evil.dtd'>",
        "<!doctype domain [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>",
    ],
)
def test_entities_are_refused(tmp_path: Path, head: str) -> None:
    text = head + _domain("a").replace("<name>a", "<name>&x;")
    assert rejected(read(put(tmp_path, "a.xml", text))) == [("xml_with_type", 1, 1)]


def test_nodeinfo_in_another_language_is_refused_with_the_missing_lines(tmp_path: Path) -> None:
    text = NODEINFO.replace("NUMA cell(s)", "Cellule(s) NUMA")
    assert refusal(put(tmp_path, "nodeinfo.txt", text)) == [("nodeinfo_incomplete", 1, 1)]
