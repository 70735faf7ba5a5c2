"""nginx's access log as values: read in batches from where the last reading ended.

A cursor is a place in the text and what stood just before it. It is found again whichever way the
log was rotated: in the file itself, in one renamed beside it, or in a copy.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.clock import Clock

ROTATE_ABOVE_BYTES: Final = 64 * 1024 * 1024
ROTATED_KEPT: Final = 16
_CHUNK_BYTES: Final = 1024 * 1024
# The longest line nginx writes is far below: a header line has 16 KiB at most, each byte of it
# six characters as an escape, in three fields.
_LINE_MOST_BYTES: Final = 512 * 1024
_MARK_BYTES: Final = 256
# After a rotation each worker of nginx writes what it holds, a second old at most, to the former
# file.
_SETTLED_AFTER: Final = timedelta(seconds=5)


class Served(StrEnum):
    """Who gave the answer.

    A rendering is the filler's own question to an origin: no visitor waits for it by that line.
    """

    STORED = "stored"
    FILLER = "filler"
    APPLICATION = "application"
    FILES = "files"
    OWN = "own"
    RENDERING = "rendering"

    @classmethod
    def _missing_(cls, value: object) -> "Served":  # noqa: ARG003 - the enumeration's signature
        """Take what names nobody, as for a request that came over plain HTTP."""
        return cls.OWN


class Visit(msgspec.Struct, frozen=True, gc=False):
    """One request, answered.

    Attributes:
        path: As asked, without the query string.
        bytes: Sent to the visitor, headers included.
        cache: The answer's Cache-Status.
        content_type: Of the answer; empty for one without a body.
        signed_in: The request carried Authorization or a cookie that counts.
        upstream_times: Seconds at each place asked, as nginx writes them.
    """

    at: datetime
    host: str
    path: str = msgspec.field(name="uri")
    method: str
    status: int
    bytes: int
    request_s: float
    served: Served = Served.OWN
    cache: str = ""
    content_type: str = msgspec.field(name="type", default="")
    signed_in: bool = False
    upstream_times: str = msgspec.field(name="upstream_s", default="")
    remote_address: str = ""
    user_agent: str = ""

    @property
    def upstream_s(self) -> float:
        """Return the seconds spent at places asked; 0 when nobody was."""
        parts = self.upstream_times.replace(":", ",").split(",")
        return sum(float(part) for part in map(str.strip, parts) if part not in {"", "-"})


class Cursor(msgspec.Struct, frozen=True):
    """Where a reading ended.

    Attributes:
        inode: The file's number; a copy has another.
        mark: Digest of the text that stands before the offset.
    """

    inode: int
    offset: int
    mark: str


class Batch(msgspec.Struct, frozen=True):
    """Some lines of the log.

    Attributes:
        cursor: Where the next batch begins; keep it together with what was made of the visits.
        refused: How many lines were no visit.
        lost: The cursor's text is gone: what was written in between is not counted.
    """

    visits: tuple[Visit, ...]
    cursor: Cursor
    refused: int
    lost: bool = False


class VisitLog:
    """Reads one access log and its rotated files, ``<name>.1`` being the newest of these."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._decoder = msgspec.json.Decoder(Visit)

    def batches(self, cursor: Cursor | None) -> Iterator[Batch]:
        """Give what was written since, about a MiB at a time, until the end of today's file.

        Memory stays at a few MiB however much there is. The last line waits until it is whole.

        Args:
            cursor: Of the last batch that was dealt with; nothing to begin at the oldest file.
        """
        with ExitStack() as closing:
            files, offset, lost = _files_since(cursor, self._opened(closing))
            for former, number in enumerate(files, start=1 - len(files)):
                settled = self._settled(number)
                for batch in self._read(number, offset):
                    yield msgspec.structs.replace(batch, lost=lost)
                    lost = False
                if former and not settled:
                    return
                offset = 0

    def end(self) -> Cursor | None:
        """Return the cursor of a reader who wants only what comes; nothing without a log."""
        with ExitStack() as closing:
            files = self._opened(closing)
            return _cursor(files[-1], _whole_lines_end(files[-1])) if files else None

    def _opened(self, closing: ExitStack) -> list[int]:
        """Open today's file and the rotated ones, oldest first.

        Opening begins with the newest: a rotation meanwhile shows a file twice, and hides none.
        """
        names = (rotated_name(self._path, number) for number in range(1, ROTATED_KEPT + 1))
        found: dict[int, int] = {}
        for path in (self._path, *names):
            with suppress(FileNotFoundError):
                number = closing.enter_context(path.open("rb")).fileno()
                found.setdefault(os.fstat(number).st_ino, number)
        return list(found.values())[::-1]

    def _settled(self, number: int) -> bool:
        quiet_s = self._clock.now().timestamp() - os.fstat(number).st_mtime
        return quiet_s > _SETTLED_AFTER.total_seconds()

    def _read(self, number: int, offset: int) -> Iterator[Batch]:
        while chunk := os.pread(number, _CHUNK_BYTES, offset):
            whole = chunk.rfind(b"\n") + 1
            if whole == 0 and len(chunk) < _LINE_MOST_BYTES:
                return
            # Without an end after so much it is no line at all.
            whole = whole or len(chunk)
            visits, refused = self._decoded(chunk[:whole])
            offset += whole
            yield Batch(visits, _cursor(number, offset), refused)

    def _decoded(self, text: bytes) -> tuple[tuple[Visit, ...], int]:
        try:
            return tuple(self._decoder.decode_lines(text)), 0
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._decoded_one_by_one(text)

    def _decoded_one_by_one(self, text: bytes) -> tuple[tuple[Visit, ...], int]:
        visits: list[Visit] = []
        refused = 0
        for line in text.splitlines():
            try:
                # nginx escapes control characters alone: a visitor may send bytes that are no text.
                visits.append(self._decoder.decode(line.decode(errors="replace")))
            except msgspec.DecodeError:
                refused += 1
        return tuple(visits), refused


def rotate_visits(path: Path, above_bytes: int = ROTATE_ABOVE_BYTES) -> bool:
    """Rename a large log; whoever calls has nginx open a new one (SIGUSR1) when it was.

    Nothing is copied and no line is lost: until the signal nginx writes to the renamed file.
    """
    if not path.exists() or path.stat().st_size <= above_bytes:
        return False
    for number in range(ROTATED_KEPT - 1, 0, -1):
        older = rotated_name(path, number)
        if older.exists():
            older.replace(rotated_name(path, number + 1))
    path.replace(rotated_name(path, 1))
    return True


def rotated_name(path: Path, number: int) -> Path:
    """Return where a rotated log lies, 1 being the newest."""
    return path.with_name(f"{path.name}.{number}")


def _cursor(number: int, offset: int) -> Cursor:
    return Cursor(_inode(number), offset, _mark(number, offset))


def _inode(number: int) -> int:
    """Return a file's number as the signed 64 bits that a database column holds."""
    return os.fstat(number).st_ino & (2**63 - 1)


def _mark(number: int, offset: int) -> str:
    """Digest what stands before a place: each line ends with its request's random number."""
    begin = max(0, offset - _MARK_BYTES)
    return blake2b(os.pread(number, offset - begin, begin), digest_size=16).hexdigest()


def _files_since(cursor: Cursor | None, files: list[int]) -> tuple[list[int], int, bool]:
    """Tell which files to read, where to begin in the first, and whether text was lost."""
    if cursor is None:
        return files, 0, False
    own_first = sorted(range(len(files)), key=lambda place: _inode(files[place]) != cursor.inode)
    for place in own_first:
        if _holds(files[place], cursor):
            return files[place:], cursor.offset, False
    # Today's file at least was not read yet. Older ones may have been: to count less than there
    # was is bearable, to count twice is not.
    return files[-1:], 0, True


def _holds(number: int, cursor: Cursor) -> bool:
    if cursor.offset == 0:
        return _inode(number) == cursor.inode
    return os.fstat(number).st_size >= cursor.offset and _mark(number, cursor.offset) == cursor.mark


def _whole_lines_end(number: int) -> int:
    size = os.fstat(number).st_size
    begin = max(0, size - _LINE_MOST_BYTES)
    return begin + os.pread(number, size - begin, begin).rfind(b"\n") + 1
