"""Files that a person uploads, read as an inventory."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.ports import Planner
from beffroi.kernel.errors import InvalidInputError

_FILES_MOST: Final = 20
# Such a file names the others, which stand beside it.
_PLAN_FILES: Final = frozenset({".yaml", ".yml"})


def refuse_file_count(files: Mapping[str, bytes]) -> None:
    """Refuse none, and more than 20.

    Raises:
        InvalidInputError: There is no file, or too many.
    """
    if not 1 <= len(files) <= _FILES_MOST:
        raise InvalidInputError("capacity.files_count", count=len(files), most=_FILES_MOST)


async def read_uploaded(planner: Planner, files: Mapping[str, bytes]) -> LoadedInventory:
    """Read an inventory from contents by file name; no name leads out of its folder."""
    with TemporaryDirectory(prefix="beffroi-plan-") as folder:
        paths = [Path(folder) / Path(name).name for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            await asyncio.to_thread(path.write_bytes, content)
        declared = [path for path in paths if path.suffix in _PLAN_FILES]
        return await planner.read(declared or paths)
