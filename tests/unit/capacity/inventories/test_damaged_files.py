"""Files of every kind with something broken in them: a result or an error told, nothing else."""

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.capacity.inventories.inventory_file import load_inventory
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.sizing_series_files import read_series
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.inventories.written_files import Cell, book, written

CSV = b'name;site;model;cpu_cores;memory_gib\nh1;a;m;8;64\n"h2";b;m;8,5;"64 GiB"\n'
TABLE = "nom;vCPU;RAM (Gio);s\u00e9par\u00e9es;critique\npaie;4;16,5;x;oui\nged;2;4;;non\n".encode()
JSON = (
    b'{"resources": [{"type": "qemu", "vmid": 1, "name": "a", "node": "n", "status": "running",'
    b' "maxcpu": 2, "maxmem": 4294967296, "maxdisk": 9, "tags": "plb_affinity_x"},'
    b' {"type": "node", "node": "n", "maxcpu": 8, "maxmem": 68719476736}],'
    b' "configs": {"1": {"scsi0": "l:1,size=3G"}}, "ha_rules": [], "nodes": {"n": {}}}'
)
XML = (
    b"<domain type='kvm' id='3'><name>a</name><memory unit='KiB'>4194304</memory>"
    b"<vcpu placement='static'>2</vcpu><devices><hostdev type='pci'/></devices></domain>\n"
)
YAML = b"""sites: {lille: {}}
host_models:
  blade: {cores: 32, memory_gib: 384, power: [{load: 0, power_w: 82}, {load: 1, power_w: 320}]}
hosts: {lame: {model: blade, site: lille, count: 2}}
buys: [blade]
imports: [{file: w.csv}]
workloads: {ged: {cores: 2, memory_gib: 8, host: lame-1}}
rules: [{workloads: [ged], fixed: true, sites: [lille]}]
windows: {}
"""
SERIES = (
    b"timestamp;vm;cpu_percent;mem_mib\n25/10/2026 02:30;a;5;10\n25/10/2026 02:30;a;7,5;10\n"
    b"1792888200;b;;9\n"
)
METRICS = b"clock,host,key,value\n1792888200,a,system.cpu.util,5\n1792888500,a,mem_bytes,7\n"
RRD = b'{"a": [{"time": 1792888200, "cpu": 0.5, "maxcpu": 2, "mem": 1048576}]}'
DOMSTATS = (
    b"2026-10-25T02:30:00\nDomain: 'a'\n  cpu.time=9\n  balloon.rss=4\n"
    b"2026-10-25T02:35:00+01:00\nDomain: 'a'\n  cpu.time=99\n  balloon.rss=4\n"
)
ODS = (
    b'<?xml version="1.0"?><office:document-content'
    b' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    b' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    b' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
    b"<office:body><office:spreadsheet>"
    b'<table:table table:name="s"><table:table-row>'
    b'<table:table-cell office:value-type="string"><text:p>name</text:p></table:table-cell>'
    b'<table:table-cell office:value-type="string"><text:p>cpu_cores</text:p></table:table-cell>'
    b'<table:table-cell office:value-type="string"><text:p>memory_gib</text:p></table:table-cell>'
    b"</table:table-row><table:table-row>"
    b'<table:table-cell office:value-type="string"><text:p>a</text:p></table:table-cell>'
    b'<table:table-cell table:number-columns-repeated="2" office:value-type="float"'
    b' office:value="2">'
    b"<text:p>2</text:p></table:table-cell></table:table-row>"
    b"</table:table></office:spreadsheet></office:body></office:document-content>"
)
MANIFEST = b"""<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>"""
FILES = {"h.csv": CSV, "t.csv": TABLE, "p.json": JSON, "d.xml": XML, "plan.yaml": YAML}
Change = tuple[int, int, bytes]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.integers(0, 12),
        st.binary(max_size=4)
        | st.sampled_from(
            [b'"', b"\n", b";", b"<", b"&", b"-", b"9" * 20, b"1e999", b"null", b"[", b"{", b"\0"]
        ),
    ),
    min_size=1,
    max_size=4,
)
SETTINGS = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def _damaged(content: bytes, changes: list[Change]) -> bytes:
    """Replace some bytes by others, at places that fall within the content."""
    for at, removed, put in changes:
        place = at % (len(content) + 1)
        content = content[:place] + put + content[place + removed :]
    return content


def _ends_well(file: Path) -> None:
    with suppress(InvalidInputError):
        loaded = load_inventory([Import(file=file.name)], file.parent)
        assert loaded.inventory.workloads or loaded.inventory.hosts


@SETTINGS
@given(changes=CHANGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, name: str, changes: list[Change]
) -> None:
    written(tmp_path, "w.csv", "name;cpu_cores;memory_gib\npaie;1;2\n")
    file = tmp_path / name
    file.write_bytes(_damaged(FILES[name], changes))
    _ends_well(file)


@pytest.mark.parametrize("name", FILES)
def test_the_file_that_is_damaged_is_read_when_whole(tmp_path: Path, name: str) -> None:
    written(tmp_path, "w.csv", "name;cpu_cores;memory_gib\npaie;1;2\n")
    (tmp_path / name).write_bytes(FILES[name])
    found = load_inventory([Import(file=name)], tmp_path).inventory
    assert found.workloads or found.hosts


@SETTINGS
@given(changes=CHANGES)
@pytest.mark.parametrize("content", [SERIES, METRICS, RRD, DOMSTATS])
def test_a_damaged_file_of_series_is_read_or_refused(
    tmp_path: Path, content: bytes, changes: list[Change]
) -> None:
    file = tmp_path / "series"
    file.write_bytes(_damaged(content, changes))
    found = read_series(file, UnitRules())
    assert all(one.code.startswith("capacity.") for one in found.rejected)


def _xlsx(folder: Path) -> bytes:
    rows: list[list[Cell]] = [["name", "cpu_cores", "memory_gib"], ["a", 1, 2.5], ["b", 2, 4]]
    return book(folder, {"Machines": rows}).read_bytes()


def _ods(folder: Path) -> bytes:
    file = folder / "b.ods"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", ODS)
    return file.read_bytes()


@SETTINGS
@given(changes=CHANGES, picked=st.integers(0, 20), inside=st.booleans())
@pytest.mark.parametrize("made", [_xlsx, _ods])
def test_a_damaged_workbook_is_read_or_refused(
    tmp_path: Path,
    made: Callable[[Path], bytes],
    changes: list[Change],
    picked: int,
    *,
    inside: bool,
) -> None:
    content = made(tmp_path)
    file = tmp_path / "book.xlsx"
    if inside:
        content = _with_damaged_entry(content, picked, changes)
    file.write_bytes(content if inside else _damaged(content, changes))
    _ends_well(file)


def _with_damaged_entry(content: bytes, picked: int, changes: list[Change]) -> bytes:
    """Damage what an archive holds rather than the archive."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(output, "w") as again:
        names = archive.namelist()
        for number, name in enumerate(names):
            held = archive.read(name)
            again.writestr(name, _damaged(held, changes) if number == picked % len(names) else held)
    return output.getvalue()


@pytest.mark.parametrize("made", [_xlsx, _ods])
def test_the_workbook_that_is_damaged_is_read_when_whole(
    tmp_path: Path, made: Callable[[Path], bytes]
) -> None:
    file = tmp_path / "book.xlsx"
    file.write_bytes(made(tmp_path))
    found = load_inventory([Import(file=file.name)], tmp_path)
    assert "a" in [one.name for one in found.inventory.workloads]
