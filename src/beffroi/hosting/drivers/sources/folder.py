"""A folder of the machine."""

import asyncio
import shutil
from pathlib import Path

from beffroi.hosting.fingerprints import LEFT_OUT
from beffroi.kernel.errors import FailedError
from beffroi.territory.model import Source


class FolderSource:
    """Copies the folder as it is now."""

    async def fetch(self, source: Source, into: Path) -> str:
        """Copy the files, links kept as links."""
        folder = Path(source.folder)
        if not folder.is_dir():
            raise FailedError("hosting.source_missing", source=source.folder)
        await asyncio.to_thread(_copy, folder, into)
        return source.folder


def _copy(folder: Path, into: Path) -> None:
    shutil.copytree(folder, into, symlinks=True, ignore=lambda _, names: LEFT_OUT & set(names))
