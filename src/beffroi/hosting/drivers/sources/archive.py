"""A tar or zip archive."""

import asyncio
import errno
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from beffroi.kernel.errors import FailedError
from beffroi.kernel.units import GIB, told_bytes
from beffroi.territory.model import Source

_UNPACKED_MOST_BYTES = 2 * GIB
_BLOCK_BYTES = 1024 * 1024
# What the two libraries raise on archives that are damaged, encrypted or of an unknown kind.
_UNREADABLE = (
    EOFError,
    NotImplementedError,
    OSError,
    RuntimeError,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class ArchiveSource:
    """Unpacks the archive; one folder at its top is looked through."""

    async def fetch(self, source: Source, into: Path) -> str:
        """Unpack the files."""
        archive = Path(source.archive)
        if not archive.is_file():
            raise FailedError("hosting.source_missing", source=source.archive)
        try:
            await asyncio.to_thread(_unpack, archive, into)
        except _UNREADABLE as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise FailedError(
                "hosting.archive_unreadable", archive=source.archive, reason=error
            ) from error
        await asyncio.to_thread(_look_through_single_folder, into)
        return source.archive


def _unpack(archive: Path, into: Path) -> None:
    into.mkdir()
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            _unpack_zip(archive, packed, into)
        return
    with tarfile.open(archive) as packed:
        _refuse_large(archive, (entry.size for entry in packed))
        packed.extractall(into, filter="data")
        # The sums of a compressed archive are checked where it ends, after the last file.
        while packed.fileobj.read(_BLOCK_BYTES):
            pass


def _unpack_zip(archive: Path, packed: zipfile.ZipFile, into: Path) -> None:
    """Unpack as the tar filter does: nothing outside, and what may be executed still may."""
    _refuse_large(archive, (entry.file_size for entry in packed.infolist()))
    for entry in packed.infolist():
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts:
            raise zipfile.BadZipFile(f"«{entry.filename}» leads out of it")
        written = Path(packed.extract(entry, into))
        if entry.external_attr >> 16 & stat.S_IXUSR and written.is_file():
            written.chmod(written.stat().st_mode | stat.S_IXUSR)


def _refuse_large(archive: Path, sizes_bytes: Iterable[int]) -> None:
    """Add up the sizes that the archive declares, and stop reading it once they are too much."""
    total = 0
    for size_bytes in sizes_bytes:
        total += size_bytes
        if total > _UNPACKED_MOST_BYTES:
            raise FailedError(
                "hosting.archive_large",
                archive=archive,
                size=told_bytes(total),
                most=told_bytes(_UNPACKED_MOST_BYTES),
            )


def _look_through_single_folder(into: Path) -> None:
    entries = list(into.iterdir())
    if len(entries) != 1 or not entries[0].is_dir() or entries[0].is_symlink():
        return
    inner = into.with_name(into.name + ".inner")
    entries[0].rename(inner)
    into.rmdir()
    inner.rename(into)
