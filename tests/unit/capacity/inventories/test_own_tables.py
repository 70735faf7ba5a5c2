"""workloads.csv and hosts.csv, as French and English spreadsheets save them."""

from pathlib import Path

import pytest

from beffroi.capacity.inventories.kinds import ByteUnits
from beffroi.capacity.model import Amounts, Criticality, PowerPoint
from tests.unit.capacity.inventories.written_files import (
    Cell,
    book,
    loaded,
    read,
    refusal,
    rejected,
)
from tests.unit.capacity.inventories.written_files import written as put

FRENCH = (
    "nom;commune;vCPU;mémoire (Gio);disque Gio;hôte;séparées;deux sites;critique\n"
    "paie;drancy;4;16,5;100;esx1;bases;oui;oui\n"
    "site;bobigny;2;4;1 000;;;;non\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_french_table_is_read_in_every_encoding_of_spreadsheets(
    tmp_path: Path, encoding: str
) -> None:
    found = read(put(tmp_path, "workloads.csv", FRENCH, encoding))
    assert found.rejected == ()
    paie, site = found.workloads
    assert (paie.name, paie.organisation, paie.host) == ("paie", "drancy", "esx1")
    assert paie.amounts == Amounts(4000, 16896, 100)
    assert (paie.apart, paie.across_sites) == ("bases", True)
    assert site.amounts == Amounts(2000, 4096, 1000)
    assert site.criticality is Criticality.SHEDDABLE


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str) -> None:
    text = "name;cpu_milli;memory_mib\na;250;512\n".replace(";", separator)
    assert read(put(tmp_path, "w.csv", text)).workloads[0].amounts == Amounts(250, 512)


def test_the_line_in_which_excel_names_its_separator_is_not_a_heading(tmp_path: Path) -> None:
    text = "sep=;\nname;cpu_milli;memory_mib\na;250;512\n"
    found = read(put(tmp_path, "w.csv", text))
    assert [one.name for one in found.workloads] == ["a"]
    assert found.places["a"].row == 3


def test_virtual_processors_are_shared_and_measured_cores_are_not(tmp_path: Path) -> None:
    text = "name;vcpu;cpu_p95_milli;memory_mib\na;4;;512\nb;4;900;512\n"
    found = read(put(tmp_path, "w.csv", text), vcpu_per_core=3.0)
    assert [one.amounts.cpu_milli for one in found.workloads] == [1334, 900]
    assert found.allotted_milli == {"a": 4000, "b": 4000}


def test_every_mistake_of_every_row_is_told_at_its_cell(tmp_path: Path) -> None:
    text = (
        "name;cpu_cores;memory_gib;critical\n"
        "a;2;-4;oui\n"
        ";1;1;oui\n"
        "b;x;1000000000;peut-être\n"
        "c;0;;oui\n"
        "a;1;1;oui\n"
        "d;1;1;oui;de trop\n"
        "e;1;1;oui\n"
    )
    found = read(put(tmp_path, "w.csv", text))
    assert rejected(found) == [
        ("amount_negative", 2, 3),
        ("name_missing", 3, 1),
        ("not_a_number", 4, 2),
        ("amount_absurd", 4, 3),
        ("not_a_choice", 4, 4),
        ("amount_zero", 5, 2),
        ("amount_missing", 5, 3),
        ("row_name_twice", 6, 1),
        ("row_too_long", 7, 1),
    ]
    assert [one.name for one in found.workloads] == ["e"]


def test_a_row_after_a_cell_of_several_lines_keeps_its_number(tmp_path: Path) -> None:
    text = 'name;cpu_cores;memory_gib;note\n"a";1;1;"two\nlines"\nb;1;-1;\n'
    assert rejected(read(put(tmp_path, "w.csv", text))) == [("amount_negative", 4, 3)]


@pytest.mark.parametrize(
    ("heading", "code", "column"),
    [
        ("name;vcpu;memory", "unit_missing", 3),
        ("name;vcpu;RAM_MB", "unit_ambiguous", 3),
        ("nom;vcpu;mémoire (Go)", "unit_ambiguous", 3),
        ("name;cpu_ghz;memory_gib", "clock_unknown", 2),
        ("name;cpu;memory_gib", "unit_missing", 2),
        ("name;vcpu", "column_missing", 1),
        ("vcpu;memory_gib;name;nom", "column_twice", 4),
    ],
)
def test_a_heading_that_cannot_be_used_is_told_once(
    tmp_path: Path, heading: str, code: str, column: int
) -> None:
    text = heading + "\n" + "a;1;1;1\n" * 3
    told = rejected(read(put(tmp_path, "w.csv", text), kind="workloads"))
    assert told == [(code, 1, column)]


def test_byte_units_and_the_clock_settle_what_the_heading_leaves_open(tmp_path: Path) -> None:
    file = put(tmp_path, "w.csv", "name;cpu_ghz;RAM_MB\na;5.2;4096\n")
    asked = {"byte_units": ByteUnits.BINARY, "ghz_per_core": 2.6}
    assert read(file, **asked).workloads[0].amounts == Amounts(2000, 4096)


def test_a_unit_in_the_cell_counts_where_the_heading_has_none(tmp_path: Path) -> None:
    found = read(put(tmp_path, "w.csv", "name;vcpu;memory\na;1;2 GiB\nb;1;512 MiB\nc;1;3\n"))
    assert [one.amounts.memory_mib for one in found.workloads] == [2048, 512]
    assert rejected(found) == [("unit_missing", 4, 3)]


def test_columns_that_are_not_read_are_told(tmp_path: Path) -> None:
    found = read(put(tmp_path, "w.csv", "name;vcpu;memory_gib;OS;aprat\na;1;1;Debian;x\n"))
    assert [(note.code, note.values["columns"]) for note in found.notes] == [
        ("columns_ignored", "OS, aprat")
    ]


def test_hosts_of_one_make_and_several_sizes_have_models_of_their_own(tmp_path: Path) -> None:
    text = (
        "hôte;modèle;site;cœurs;RAM Gio;disque Gio;repos_w;charge_w;prix_eur\n"
        "esx1;R640;lille;32;384;900;110;400,5;\n"
        "esx2;R640;lille;32;256;900;110;400,5;\n"
        "esx3;R640;roubaix;32;384;900;110;400,5;\n"
    )
    found = read(put(tmp_path, "hosts.csv", text))
    assert [host.model for host in found.hosts] == [
        "R640 (32 c, 384 GiB)",
        "R640 (32 c, 256 GiB)",
        "R640 (32 c, 384 GiB)",
    ]
    model = found.models["R640 (32 c, 384 GiB)"]
    assert model.amounts == Amounts(32000, 393216, 900)
    assert model.power == (PowerPoint(0.0, 110.0), PowerPoint(1.0, 400.5))
    assert model.price_eur is None


def test_workloads_and_hosts_are_loaded_together_from_bare_files(tmp_path: Path) -> None:
    hosts = put(tmp_path, "hosts.csv", "host;site;cpu_cores;memory_gib\nesx1;lille;8;64\n")
    workloads = put(tmp_path, "w.csv", "name;vcpu;memory_gib;host\na;1;1;esx1\n")
    found = loaded(workloads, hosts).inventory
    assert (found.sites, found.origin) == (("lille",), ("w.csv", "hosts.csv"))
    assert found.workloads[0].host == "esx1"


def test_disks_do_not_count_where_no_host_tells_its_own(tmp_path: Path) -> None:
    hosts = put(tmp_path, "hosts.csv", "host;site;cpu_cores;memory_gib\nesx1;lille;8;64\n")
    workloads = put(tmp_path, "w.csv", "name;vcpu;memory_gib;disk_gib;iops\na;1;1;50;9\n")
    found = loaded(workloads, hosts)
    assert found.inventory.workloads[0].amounts == Amounts(1000, 1024)
    assert [note.code for note in found.notes] == ["disks_not_counted", "io_not_counted"]
    put(tmp_path, "hosts.csv", "host;cpu_cores;memory_gib;disk_gib\nesx1;8;64;100\n")
    assert loaded(workloads, hosts).inventory.workloads[0].amounts.disk_gib == 50


def test_a_host_without_a_size_takes_that_of_its_declared_model(tmp_path: Path) -> None:
    put(tmp_path, "hosts.csv", "host;model;site\nesx1;blade;lille\n")
    text = "host_models: {blade: {cores: 8, memory_gib: 64}}\nimports: [{file: hosts.csv}]\n"
    found = loaded(put(tmp_path, "plan.yaml", text)).inventory
    assert found.models[found.hosts[0].model].amounts == Amounts(8000, 65536)
    assert refusal(tmp_path / "hosts.csv") == [("row_name_unknown", 2, 1)]


def test_a_host_that_no_file_holds_is_told_with_the_nearest(tmp_path: Path) -> None:
    hosts = put(tmp_path, "hosts.csv", "host;site;cpu_cores;memory_gib\nesx1;lille;8;64\n")
    workloads = put(tmp_path, "w.csv", "name;vcpu;memory_gib;host\na;1;1;esx2\nb;1;1;esx1\n")
    assert refusal(workloads, hosts) == [("row_name_unknown", 2, 1)]


def test_a_workload_of_two_files_is_refused_in_the_second(tmp_path: Path) -> None:
    first = put(tmp_path, "a.csv", "name;vcpu;memory_gib\na;1;1\nb;1;1\n")
    second = put(tmp_path, "b.csv", "name;vcpu;memory_gib\nc;1;1\nb;1;1\n")
    assert refusal(first, second) == [("imported_twice", 3, 1)]


def test_a_workload_that_is_left_out_is_listed_and_its_mistakes_are_not_told(
    tmp_path: Path,
) -> None:
    file = put(tmp_path, "w.csv", "name;vcpu;memory_gib\nold-1;1;-1\nold-2;1;1\na;1;1\n")
    found = read(file, leave_out=("old-*",))
    assert (found.rejected, [one.name for one in found.workloads]) == ((), ["a"])
    assert [one.name for one in found.excluded] == ["old-1", "old-2"]


def test_sheets_of_a_workbook_are_tables_too(tmp_path: Path) -> None:
    sheets: dict[str, list[list[Cell]]] = {
        "Machines": [["nom", "vCPU", "mémoire (Gio)", "hôte"], ["a", 2, 4.5, "h1"]],
        "Hôtes": [["hôte", "modèle", "site", "cœurs", "RAM (Gio)"], ["h1", "R1", "x", 16, 128]],
    }
    found = loaded(book(tmp_path, sheets)).inventory
    assert found.workloads[0].amounts == Amounts(2000, 4608)
    assert found.models["R1"].amounts == Amounts(16000, 131072)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n", "file_empty"),
        (b"a;b\n1;2\n", "file_kind_unknown"),
        (b"name;\x81\n", "file_not_text"),
        (b"name;vcpu\0;memory\n", "file_not_text"),
        (b"PK\x03\x04 not a workbook", "workbook_unreadable"),
    ],
)
def test_a_file_that_is_no_inventory_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    assert [told[0] for told in refusal(file)] == [code]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv") == [("file_missing", 1, 1)]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('"a;1;2\nb;1;2\n', 2),
        ('a;1;2\n"b;1;2\nc;1;2;"\n', 3),
        ('a;1;2\nb;1;"2\nc;1;2\n', 3),
    ],
)
def test_a_quote_that_swallows_rows_is_told_where_it_opens(
    tmp_path: Path, rows: str, line: int
) -> None:
    file = put(tmp_path, "w.csv", f"name;cpu_cores;memory_gib\n{rows}")
    assert refusal(file) == [("quote_not_closed", line, 1)]


def test_a_quote_within_a_text_is_doubled(tmp_path: Path) -> None:
    heading = "name;cpu_cores;memory_gib;notes\n"
    good = put(tmp_path, "good.csv", heading + 'a;1;2;"says ""yes; no""\nthen; more"\nb;1;2;\n')
    assert [one.name for one in read(good).workloads] == ["a", "b"]
    bad = put(tmp_path, "bad.csv", heading + 'a;1;2;"says "yes""\n')
    assert refusal(bad) == [("file_not_csv", 2, 1)]


def test_a_fixed_workload_tells_its_host(tmp_path: Path) -> None:
    text = "name;cpu_cores;memory_gib;host;fixed\na;1;2;;oui\nb;1;2;;non\n"
    assert refusal(put(tmp_path, "w.csv", text)) == [("fixed_without_host", 2, 5)]
    text = "name;cpu_cores;memory_gib;fixed\na;1;2;oui\n"
    assert refusal(put(tmp_path, "w.csv", text)) == [("fixed_without_host", 2, 4)]


def test_a_heading_alone_is_no_inventory(tmp_path: Path) -> None:
    assert refusal(put(tmp_path, "w.csv", "name;cpu_cores;memory_gib\n")) == [
        ("inventory_empty", 1, 1)
    ]
