"""What one run wrote to a log that many runs append to."""

from pathlib import Path

import pytest

from beffroi.hosting.output_marks import OutputMark


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "build.log"
    path.write_text("yesterday\n")
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_was_written_since_is_told(log: Path) -> None:
    mark = OutputMark.at_end_of(log)
    assert mark.last_lines(10) == []
    append(log, "one\ntwo\nthree\n")
    assert mark.last_lines(10) == ["one", "two", "three"]
    assert mark.last_lines(2) == ["two", "three"]


def test_a_log_that_did_not_exist_is_told_whole(tmp_path: Path) -> None:
    mark = OutputMark.at_end_of(tmp_path / "new.log")
    assert mark.last_lines(5) == []
    append(tmp_path / "new.log", "first\n")
    assert mark.last_lines(5) == ["first"]


def test_a_log_that_began_anew_is_told_from_its_start(log: Path) -> None:
    append(log, "x" * 1000 + "\n")
    mark = OutputMark.at_end_of(log)
    log.write_text("after\n")
    assert mark.last_lines(5) == ["after"]


def test_of_a_flood_the_end_is_told(log: Path) -> None:
    mark = OutputMark.at_end_of(log)
    append(log, "".join(f"line {number}\n" for number in range(100_000)))
    assert mark.last_lines(2) == ["line 99998", "line 99999"]


def test_bytes_that_are_no_text_are_told_as_well_as_can_be(log: Path) -> None:
    mark = OutputMark.at_end_of(log)
    with log.open("ab") as file:
        file.write(b"caf\xe9\n")
    assert mark.last_lines(1) == ["caf�"]
