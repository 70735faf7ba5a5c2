"""A folder of the machine."""

import asyncio
import errno
import os
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
        try:
            await asyncio.to_thread(_copy, folder, into)
        except shutil.Error as error:
            _, _, reason = error.args[0][0]
            if os.strerror(errno.ENOSPC) in reason:
                raise
            raise FailedError(
                "hosting.source_unreadable", source=source.folder, reason=reason
            ) from error
        return source.folder


def _copy(folder: Path, into: Path) -> None:
    shutil.copytree(folder, into, symlinks=True, ignore=lambda _, names: LEFT_OUT & set(names))
