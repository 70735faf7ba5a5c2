"""A tar or zip archive."""

import asyncio
import tarfile
import zipfile
from pathlib import Path

from beffroi.kernel.errors import FailedError
from beffroi.kernel.units import GIB, told_bytes
from beffroi.territory.model import Source

_UNPACKED_MOST_BYTES = 2 * GIB


class ArchiveSource:
    """Unpacks the archive; one folder at its top is looked through."""

    async def fetch(self, source: Source, into: Path) -> str:
        """Unpack the files."""
        archive = Path(source.archive)
        if not archive.is_file():
            raise FailedError("hosting.source_missing", source=source.archive)
        try:
            await asyncio.to_thread(_unpack, archive, into)
        except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
            raise FailedError(
                "hosting.archive_unreadable", archive=source.archive, reason=error
            ) from error
        await asyncio.to_thread(_look_through_single_folder, into)
        return source.archive


def _unpack(archive: Path, into: Path) -> None:
    into.mkdir()
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            _refuse_large(archive, sum(entry.file_size for entry in packed.infolist()))
            packed.extractall(into)  # noqa: S202 - zipfile drops absolute and parent paths
        return
    with tarfile.open(archive) as packed:
        _refuse_large(archive, sum(entry.size for entry in packed))
        packed.extractall(into, filter="data")


def _refuse_large(archive: Path, size_bytes: int) -> None:
    if size_bytes > _UNPACKED_MOST_BYTES:
        raise FailedError(
            "hosting.archive_large",
            archive=archive,
            size=told_bytes(size_bytes),
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
