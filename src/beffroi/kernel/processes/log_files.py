"""The files that processes append their output to: bounded, read from the end, followed."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

_ROTATE_ABOVE_BYTES = 5 * 1024 * 1024
_KEPT = 3
_TAIL_BYTES = 256 * 1024
_FOLLOW_PERIOD_S = 0.3
_COPIED_AT_ONCE_BYTES = 1024**3


def rotate(path: Path, above_bytes: int = _ROTATE_ABOVE_BYTES) -> bool:
    """Start a log file anew when it is large; keep the last three.

    The writer holds the file open for appending, so its content is copied and the file cut:
    a line written between the two is lost, which a log of output can bear.
    """
    try:
        if path.stat().st_size <= above_bytes:
            return False
    except FileNotFoundError:
        return False
    for number in range(_KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    being_copied = path.with_name(f"{path.name}.new")
    with path.open("rb") as source, being_copied.open("wb") as target:
        while os.sendfile(target.fileno(), source.fileno(), source.tell(), _COPIED_AT_ONCE_BYTES):
            source.seek(target.seek(0, os.SEEK_END))
    being_copied.replace(_copy_of(path))
    os.truncate(path, 0)
    return True


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines, oldest first; none when nothing was written."""
    chunk = _bytes_from(path, _tail_start(path))
    return _lines(chunk)[-count:] if count else []


async def follow(path: Path, *, lines_before: int = 50) -> AsyncIterator[str]:
    """Give the last lines, then each new one, across rotations, until the reader leaves."""
    copied = _birth(_copy_of(path))
    lines, position = _complete_lines(path, _tail_start(path))
    for line in lines[-lines_before:] if lines_before else ():
        yield line
    while True:
        await asyncio.sleep(_FOLLOW_PERIOD_S)
        if copied != _birth(_copy_of(path)):
            copied = _birth(_copy_of(path))
            rest, _ = _complete_lines(_copy_of(path), position)
            position = 0
            for line in rest:
                yield line
        if _size(path) < position:
            position = 0
        lines, position = _complete_lines(path, position)
        for line in lines:
            yield line


def _copy_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def _birth(path: Path) -> tuple[int, int] | None:
    """Tell one copy from the next."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _tail_start(path: Path) -> int:
    return max(0, _size(path) - _TAIL_BYTES)


def _complete_lines(path: Path, position: int) -> tuple[list[str], int]:
    """Return the whole lines from a position on, and where the next one begins."""
    chunk = _bytes_from(path, position)
    complete = chunk.rfind(b"\n") + 1
    return _lines(chunk[:complete]), position + complete


def _bytes_from(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read()
    except FileNotFoundError:
        return b""


def _lines(chunk: bytes) -> list[str]:
    return chunk.decode(errors="replace").splitlines()
