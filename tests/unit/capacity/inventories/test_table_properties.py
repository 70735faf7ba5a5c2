"""Tables of any content: what is written reads back, and no bad row goes untold."""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.model import Amounts
from tests.unit.capacity.inventories.written_files import read

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12
)
ROWS = st.lists(
    st.tuples(
        NAMES.filter(lambda name: not name.startswith(("#", "sep="))),
        st.integers(1, 4_000_000),
        st.integers(1, 60_000_000),
        st.integers(0, 9_000_000),
    ),
    max_size=20,
    unique_by=lambda row: row[0],
)
CELLS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", ""]),
        st.sampled_from(["1", "2,5", "-1", "x", "", "9999999"]),
        st.sampled_from(["1", "4 GiB", "1e9", "NaN", "", "0"]),
    ),
    max_size=12,
)


def _text(rows: list[tuple[object, ...]], separator: str) -> bytes:
    output = io.StringIO()
    csv.writer(output, delimiter=separator).writerows(rows)
    return output.getvalue().encode()


def _read(content: bytes) -> "tuple[list[tuple[str, Amounts]], set[int]]":
    with TemporaryDirectory() as folder:
        file = Path(folder) / "workloads.csv"
        file.write_bytes(content)
        found = read(file)
    workloads = [(one.name, one.amounts) for one in found.workloads]
    return workloads, {row.place.row for row in found.rejected}


@settings(deadline=None, max_examples=50)
@given(ROWS, st.sampled_from(";,\t"))
def test_what_is_written_reads_back(rows: list[tuple[str, int, int, int]], separator: str) -> None:
    heading = ("name", "cpu_milli", "memory_mib", "disk_gib")
    found, rejected = _read(_text([heading, *rows], separator))
    assert found == [(name, Amounts(*amounts)) for name, *amounts in rows]
    assert rejected == set()


@settings(deadline=None, max_examples=50)
@given(CELLS)
def test_every_row_is_a_workload_or_told_by_its_number(rows: list[tuple[str, str, str]]) -> None:
    heading = ("name", "cpu_cores", "memory_gib")
    found, rejected = _read(_text([heading, *rows], ";"))
    written = {number for number, row in enumerate(rows, start=2) if any(row)}
    assert rejected <= written
    assert len(found) == len(written) - len(rejected)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_no_content_breaks_a_reader(content: bytes) -> None:
    found, rejected = _read(content)
    assert rejected or found is not None


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=300))
def test_no_text_below_a_heading_breaks_a_reader(text: str) -> None:
    content = f"name;cpu_cores;memory_gib\n{text}".encode("utf-8", "replace")
    found, rejected = _read(content)
    assert len(found) + len(rejected) <= content.count(b"\n") + content.count(b"\r") + 2
