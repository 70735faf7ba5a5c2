"""Watched folders: files are taken once whole, and moved away once read."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from beffroi.exchange.errors import ExchangeError

_DONE, _FAILED = "done", "failed"
_REPORT: Final = ".report.json"
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
_LISTED_MOST: Final = 10_000

Size = tuple[int, int]


class FolderReport(msgspec.Struct, frozen=True):
    """What became of a file, written beside it.

    Attributes:
        mistakes: Each with its place, sentence and remedy.
    """

    file: str
    read_at: datetime
    rows: int
    changed: int
    late: int
    refused: int
    mistakes: Sequence[Mapping[str, object]]


class FolderUnusableError(ExchangeError):
    """A folder cannot be used as its feed needs it."""


class WatchedFolder:
    """A folder of one feed.

    Args:
        folder: Where files come.
        pattern: Names of files that are meant.
        within: What it may not lead out of, whoever puts symbolic links there.
    """

    def __init__(self, folder: Path, pattern: str, within: Path) -> None:
        self._folder = folder
        self._within = within
        self._pattern = pattern
        self._sizes: dict[str, Size] = {}

    def whole(self) -> list[Path]:
        """Return the files that did not change since this was asked last, the oldest first.

        The folder is made where it is missing.

        Raises:
            FolderUnusableError: It leads elsewhere.
        """
        self._refuse_elsewhere(self._folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        found = dict(self._found())
        whole = [name for name, size in found.items() if self._sizes.get(name) == size]
        self._sizes = found
        return [self._folder / name for name in sorted(whole, key=lambda one: (found[one][1], one))]

    def is_unchanged(self, file: Path) -> bool:
        """Tell whether a file is there as it was when it was told to be whole."""
        try:
            told = file.lstat()
        except FileNotFoundError:
            return False
        is_same = self._sizes.get(file.name) == (told.st_size, told.st_mtime_ns)
        return is_same and stat.S_ISREG(told.st_mode)

    def put_away(self, file: Path, report: FolderReport) -> None:
        """Move a file to what is done, or to what failed, where a report lies beside it."""
        aside = self._folder / (_FAILED if report.refused else _DONE)
        self._refuse_elsewhere(aside)
        aside.mkdir(exist_ok=True)
        place = _free(aside, file.name)
        content = msgspec.json.format(msgspec.json.encode(report), indent=2)
        Path(f"{place}{_REPORT}").write_bytes(content)
        file.replace(place)
        self._sizes.pop(file.name, None)

    def let_go(self, before: datetime) -> int:
        """Delete files that were read without a mistake before a moment; tell how many."""
        aside = self._folder / _DONE
        self._refuse_elsewhere(aside)
        gone = 0
        for report in aside.glob(f"*{_REPORT}"):
            if report.lstat().st_mtime < before.timestamp():
                Path(str(report).removesuffix(_REPORT)).unlink(missing_ok=True)
                report.unlink()
                gone += 1
        return gone

    def _refuse_elsewhere(self, folder: Path) -> None:
        if not folder.resolve().is_relative_to(self._within.resolve()):
            raise FolderUnusableError("exchange.feed_folder_elsewhere", folder=folder.name)

    def _found(self) -> Iterator[tuple[str, Size]]:
        with os.scandir(self._folder) as entries:
            found = 0
            for entry in entries:
                if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED):
                    continue
                if not entry.is_file(follow_symlinks=False):
                    continue
                if not Path(entry.name).match(self._pattern):
                    continue
                try:
                    told = entry.stat(follow_symlinks=False)
                    if _renamed(entry):
                        continue
                except FileNotFoundError:
                    # Who put it there took it away again.
                    continue
                yield entry.name, (told.st_size, told.st_mtime_ns)
                found += 1
                if found == _LISTED_MOST:
                    return


def _renamed(entry: os.DirEntry[str]) -> bool:
    """Give a file whose name is no UTF-8 one that is, as Windows would read it."""
    try:
        entry.name.encode()
    except UnicodeEncodeError:
        place = Path(entry.path)
        told = os.fsencode(entry.name).decode("cp1252", "replace")
        place.rename(_free(place.parent, told))
        return True
    return False


def _free(folder: Path, name: str) -> Path:
    """Return a path in a folder that nothing has yet."""
    place, number = folder / name, 1
    while place.exists():
        number += 1
        place = folder / f"{name}.{number}"
    return place
