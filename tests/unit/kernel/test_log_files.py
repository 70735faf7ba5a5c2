"""The files that processes append their output to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.kernel.processes.log_files import follow, last_lines, rotate
from tests.support.waiting import scaled


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "web.log"


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


async def _next(lines: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(scaled(5)):
        return [await anext(lines) for _ in range(count)]


def test_the_last_lines_come_oldest_first(path: Path) -> None:
    _append(path, "".join(f"line {number}\n" for number in range(100)))
    assert last_lines(path, 3) == ["line 97", "line 98", "line 99"]


def test_a_file_that_nobody_wrote_has_no_lines(path: Path) -> None:
    assert last_lines(path, 3) == []


def test_bytes_that_are_no_text_do_not_hide_the_rest(path: Path) -> None:
    path.write_bytes(b"sound\n\xff\xfe broken\nsound again\n")
    lines = last_lines(path, 3)
    assert lines[0] == "sound"
    assert lines[2] == "sound again"


def test_only_the_end_of_a_huge_file_is_read(path: Path) -> None:
    _append(path, "x" * 99 + "\n")
    with path.open("r+b") as file:
        file.truncate(3 * 1024**3)
    _append(path, "\nthe end\n")
    assert last_lines(path, 1) == ["the end"]


def test_a_small_file_is_not_rotated(path: Path) -> None:
    assert not rotate(path, above_bytes=10)
    _append(path, "short\n")
    assert not rotate(path, above_bytes=10)
    assert path.read_text() == "short\n"


def test_rotation_keeps_the_last_three(path: Path) -> None:
    for number in range(5):
        _append(path, f"generation {number}\n" * 10)
        assert rotate(path, above_bytes=10)
        assert path.read_text() == ""
    kept = [path.with_name(f"web.log.{number}").read_text().split("\n")[0] for number in (1, 2, 3)]
    assert kept == ["generation 4", "generation 3", "generation 2"]
    assert not path.with_name("web.log.4").exists()


async def test_following_gives_the_last_lines_then_each_new_one(path: Path) -> None:
    _append(path, "one\ntwo\nthree\n")
    lines = follow(path, lines_before=2)
    assert await _next(lines, 2) == ["two", "three"]
    _append(path, "four\nfi")
    assert await _next(lines, 1) == ["four"]
    _append(path, "ve\n")
    assert await _next(lines, 1) == ["five"]


async def test_following_may_skip_what_was_written_before(path: Path) -> None:
    _append(path, "one\n")
    reading = asyncio.create_task(_next(follow(path, lines_before=0), 1))
    await asyncio.sleep(0)
    _append(path, "two\n")
    assert await reading == ["two"]


async def test_following_may_begin_before_the_file_exists(path: Path) -> None:
    lines = follow(path)
    reading = asyncio.create_task(_next(lines, 1))
    await asyncio.sleep(0)
    _append(path, "first\n")
    assert await reading == ["first"]


async def test_a_line_being_written_when_following_begins_is_given_once_and_whole(
    path: Path,
) -> None:
    _append(path, "one\ntw")
    lines = follow(path)
    assert await _next(lines, 1) == ["one"]
    _append(path, "o\n")
    assert await _next(lines, 1) == ["two"]


async def test_following_goes_on_across_a_rotation_and_loses_no_line(path: Path) -> None:
    _append(path, "one\n")
    lines = follow(path)
    assert await _next(lines, 1) == ["one"]
    _append(path, "two\n")
    rotate(path, above_bytes=1)
    _append(path, "three, which is longer than all that was there before\n")
    assert await _next(lines, 2) == [
        "two",
        "three, which is longer than all that was there before",
    ]


async def test_following_sees_several_rotations_one_after_the_other(path: Path) -> None:
    lines = follow(path)
    seen: list[str] = []
    for number in range(4):
        _append(path, f"line {number}\n")
        seen += await _next(lines, 1)
        rotate(path, above_bytes=1)
    assert seen == [f"line {number}" for number in range(4)]
