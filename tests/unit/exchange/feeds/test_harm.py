"""Files that are made to harm, or that break within: refused, with little memory."""

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from beffroi.exchange.feeds.declared import FeedFormat
from beffroi.exchange.feeds.reading import rows_of
from beffroi.exchange.feeds.rows import WrongFileError
from beffroi.kernel.units import MIB


def refused(file: Path, told: FeedFormat, rows: str = "", most_mib: int = 24) -> str:
    """Return the code of what is wrong with a file; no more than a little of it may be held."""
    tracemalloc.start()
    try:
        with pytest.raises(WrongFileError) as caught:
            for _ in rows_of(file, told, rows):
                pass
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < most_mib * MIB
    return caught.value.wrong.code


@pytest.mark.parametrize("unit", [b"x" * 1_000, b'"a\n",'])
def test_a_row_without_end_is_never_held_whole(tmp_path: Path, unit: bytes) -> None:
    file = tmp_path / "a.csv.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(b"a,b\n")
        packed.write(unit * (28 * MIB // len(unit)))
    assert refused(file, FeedFormat.CSV) == "exchange.feed_file_not_csv"


def test_a_row_without_end_in_a_zip_is_never_held_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("stops.txt", b"stop_id\n" + b"x" * (28 * MIB))
    assert refused(file, FeedFormat.GTFS_STOPS) == "exchange.feed_file_not_zip"


def test_elements_that_are_no_rows_are_not_held_without_end(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(b"<r>" + b"<a>text</a>" * 1_000_000 + b"<row><v>1</v></row></r>")
    assert refused(file, FeedFormat.XML, "row") == "exchange.feed_rows_apart"


def test_rows_in_groups_of_their_own_are_read_however_many(tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    group = b"<g><note>" + b"n" * 10_000 + b"</note><row><v>1</v></row></g>"
    file.write_bytes(b"<r>" + group * 1_200 + b"</r>")
    rows = [row.cells["v"] for row in rows_of(file, FeedFormat.XML, "row")]
    assert rows == ["1"] * 1_200


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_is_unpacked_in_the_usual_way_alone(tmp_path: Path, method: int) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("stops.txt", "stop_id\na\n")
    assert refused(file, FeedFormat.GTFS_STOPS) == "exchange.feed_file_not_zip"


def test_an_instant_beyond_the_calendar_is_told_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"at": pa.array([2**62], pa.timestamp("us"))}), file)
    assert refused(file, FeedFormat.PARQUET) == "exchange.feed_file_not_parquet"


def test_a_message_in_real_time_that_is_cut_off_is_told_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "a.pb.gz"
    file.write_bytes(gzip.compress(b"x" * 10_000)[:-20])
    assert refused(file, FeedFormat.GTFS_RT_ALERTS, most_mib=80) == "exchange.feed_file_unreadable"
