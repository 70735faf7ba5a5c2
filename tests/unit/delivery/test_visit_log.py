"""Each line of the access log is read once, across rotations, cuts and lines that are none."""

import os
import resource
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.delivery.visit_log import (
    ROTATED_KEPT,
    Batch,
    Cursor,
    Served,
    VisitLog,
    rotate_visits,
    rotated_name,
)
from tests.support.clocks import ManualClock
from tests.unit.delivery.visit_lines import NOON, line

_AGES_S = 3600


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture
def log(path: Path) -> VisitLog:
    return VisitLog(path, ManualClock(NOON))


def _append(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(lines))


def _settle(path: Path) -> None:
    """Let a file have been written long before now."""
    then = NOON.timestamp() - _AGES_S
    os.utime(path, (then, then))


def _paths(batches: list[Batch]) -> list[str]:
    return [visit.path for batch in batches for visit in batch.visits]


def _read(log: VisitLog, cursor: Cursor | None) -> tuple[list[str], Cursor | None]:
    batches = list(log.batches(cursor))
    return _paths(batches), batches[-1].cursor if batches else cursor


def test_a_visit_is_what_nginx_wrote(path: Path, log: VisitLog) -> None:
    _append(
        path,
        line(7, served="filler", cache="beffroi; fwd=miss; stored", upstream_s="0.002, 0.010 : -"),
    )
    [batch] = log.batches(None)
    [visit] = batch.visits
    assert visit.host == "site.ville.localhost"
    assert visit.path == "/page/7"
    assert (visit.status, visit.bytes, visit.method) == (200, 8400, "GET")
    assert visit.served is Served.FILLER
    assert visit.upstream_s == pytest.approx(0.012)
    assert visit.at.utcoffset() is not None


def test_without_a_log_there_is_nothing_to_read(log: VisitLog) -> None:
    assert list(log.batches(None)) == []
    assert log.end() is None


def test_reading_goes_on_where_it_ended(path: Path, log: VisitLog) -> None:
    _append(path, line(1), line(2))
    first, cursor = _read(log, None)
    _append(path, line(3))
    second, _ = _read(log, cursor)
    assert first == ["/page/1", "/page/2"]
    assert second == ["/page/3"]


def test_a_last_line_waits_until_it_is_whole(path: Path, log: VisitLog) -> None:
    whole = line(2)
    _append(path, line(1), whole[:40])
    first, cursor = _read(log, None)
    _append(path, whole[40:])
    second, _ = _read(log, cursor)
    assert (first, second) == (["/page/1"], ["/page/2"])


def test_lines_that_are_no_visit_are_counted_and_hide_no_other(path: Path, log: VisitLog) -> None:
    broken = line(2).replace(b'"status":200', b'"status":009')
    _append(path, line(1), b"no json\n", broken, b'{"at":"never"}\n', b"\x00\xff\n", line(3))
    [batch] = log.batches(None)
    assert _paths([batch]) == ["/page/1", "/page/3"]
    assert batch.refused == 4


def test_bytes_that_are_no_text_do_not_lose_the_visit(path: Path, log: VisitLog) -> None:
    _append(path, line(1).replace(b"/page/1", b"/caf\xe9"), line(2, served=""))
    [batch] = log.batches(None)
    assert _paths([batch]) == ["/caf\N{REPLACEMENT CHARACTER}", "/page/2"]
    assert batch.visits[1].served is Served.OWN


def test_a_renamed_log_is_read_to_its_end_then_the_new_one(path: Path, log: VisitLog) -> None:
    _append(path, line(1), line(2))
    _, cursor = _read(log, None)
    _append(path, line(3))
    assert rotate_visits(path, above_bytes=10)
    _append(rotated_name(path, 1), line(4))
    _append(path, line(5))
    _settle(rotated_name(path, 1))
    found, _ = _read(log, cursor)
    assert found == ["/page/3", "/page/4", "/page/5"]


def test_a_log_just_renamed_may_still_grow_and_is_not_left_yet(path: Path, log: VisitLog) -> None:
    _append(path, line(1))
    assert rotate_visits(path, above_bytes=10)
    _append(path, line(3))
    now = NOON.timestamp()
    os.utime(rotated_name(path, 1), (now, now))
    early, cursor = _read(log, None)
    _append(rotated_name(path, 1), line(2))
    _settle(rotated_name(path, 1))
    late, _ = _read(log, cursor)
    assert (early, late) == (["/page/1"], ["/page/2", "/page/3"])


def test_a_log_copied_and_cut_is_read_on_in_its_copy(path: Path, log: VisitLog) -> None:
    _append(path, line(1), line(2))
    _, cursor = _read(log, None)
    _append(path, line(3))
    shutil.copy(path, rotated_name(path, 1))
    _settle(rotated_name(path, 1))
    os.truncate(path, 0)
    _append(path, line(4))
    found, _ = _read(log, cursor)
    assert found == ["/page/3", "/page/4"]


def test_where_the_place_is_gone_todays_file_alone_is_read_and_it_is_told(
    path: Path, log: VisitLog
) -> None:
    _append(path, line(1), line(2))
    _append(rotated_name(path, 1), line(0))
    _settle(rotated_name(path, 1))
    _, cursor = _read(log, None)
    path.unlink()
    _append(path, line(3), line(4), line(5))
    [batch] = log.batches(cursor)
    assert _paths([batch]) == ["/page/3", "/page/4", "/page/5"]
    assert batch.lost
    assert list(log.batches(batch.cursor)) == []


def test_a_reader_may_begin_at_the_end(path: Path, log: VisitLog) -> None:
    whole = line(2)
    _append(path, line(1), whole[:30])
    cursor = log.end()
    _append(path, whole[30:], line(3))
    found, _ = _read(log, cursor)
    assert found == ["/page/2", "/page/3"]


def test_a_small_log_is_not_rotated_and_the_oldest_goes(path: Path) -> None:
    _append(path, line(1))
    assert not rotate_visits(path)
    for number in range(ROTATED_KEPT + 3):
        _append(path, line(number))
        assert rotate_visits(path, above_bytes=10)
    names = sorted(entry.name for entry in path.parent.iterdir())
    assert names == sorted(f"access.log.{number}" for number in range(1, ROTATED_KEPT + 1))


def test_a_long_backlog_is_read_in_little_memory(path: Path, log: VisitLog) -> None:
    block = b"".join(line(number) for number in range(3000))
    with path.open("wb") as file:
        for _ in range(60):
            file.write(block)
    list(log.batches(log.end()))
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = sum(len(batch.visits) for batch in log.batches(None))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    assert read == 180_000
    assert path.stat().st_size > 50_000_000
    assert grown_kib < 20_000


_STEPS = st.lists(
    st.sampled_from(["write", "write half", "garbage", "rename", "copy and cut", "read"]),
    max_size=30,
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_STEPS)
def test_whatever_happens_each_line_is_read_once_and_in_order(
    tmp_path: Path, steps: list[str]
) -> None:
    folder = tmp_path / os.urandom(6).hex()
    folder.mkdir()
    path = folder / "access.log"
    log = VisitLog(path, ManualClock(NOON))
    written, garbage, read, rest = 0, 0, list[str](), b""
    cursor: Cursor | None = None
    for step in [*steps, "write", "read"]:
        if step == "read":
            found, cursor = _read(log, cursor)
            read += found
            continue
        _append(path, rest)
        rest = b""
        if step in {"write", "write half"}:
            whole = line(written)
            written += 1
            cut = len(whole) if step == "write" else len(whole) // 2
            _append(path, whole[:cut])
            rest = whole[cut:]
        elif step == "garbage":
            garbage += 1
            _append(path, line(-garbage).replace(b'"at"', b'"on"'))
        else:
            _rotated(path, by_copy=step == "copy and cut")
    assert read == [f"/page/{number}" for number in range(written)]


def _rotated(path: Path, *, by_copy: bool) -> None:
    rotate_visits(path, above_bytes=0)
    newest = rotated_name(path, 1)
    if newest.exists():
        _settle(newest)
    if by_copy and newest.exists() and not path.exists():
        shutil.copy(newest, path)
        newest.replace(newest.with_name("moved"))
        shutil.copy(path, newest)
        _settle(newest)
        os.truncate(path, 0)
    path.touch()
