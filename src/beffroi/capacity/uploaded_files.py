"""Files that a person uploads, read as an inventory."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.kernel.errors import InvalidInputError

_FILES_MOST: Final = 20
# Such a file names the others, which stand beside it.
PLAN_FILES: Final = frozenset({".yaml", ".yml"})


def refuse_file_count(files: Mapping[str, bytes]) -> None:
    """Refuse none, and more than 20.

    Raises:
        InvalidInputError: There is no file, or too many.
    """
    if not 1 <= len(files) <= _FILES_MOST:
        raise InvalidInputError("capacity.files_count", count=len(files), most=_FILES_MOST)


async def read_uploaded(
    read: Callable[[Sequence[Path]], Awaitable[LoadedInventory]], files: Mapping[str, bytes]
) -> LoadedInventory:
    """Read an inventory from contents by file name; no name leads out of its folder.

    Args:
        read: Reads files of a folder that is gone afterwards.
        files: Contents by file name.
    """
    with TemporaryDirectory(prefix="beffroi-plan-") as folder:
        paths = [Path(folder) / Path(name).name for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            await asyncio.to_thread(path.write_bytes, content)
        declared = [path for path in paths if path.suffix in PLAN_FILES]
        return await read(declared or paths)
