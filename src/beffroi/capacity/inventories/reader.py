"""The worker that reads inventories: ``python -m beffroi.capacity.inventories.reader``."""

import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from beffroi.capacity.inventories.inventory_file import load_inventory, load_newcomers
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Told, answer_as_worker

# Address space, of which numpy and its threads alone take some 600 MiB.
_MEMORY_MOST_GIB: Final = 4


def read(files: list[str], _: Told) -> LoadedInventory:
    """Read plan.yaml, or files of any other kind together.

    Raises:
        InventoryInvalidError: They have mistakes, all of them told at once.
        InvalidInputError: They take more memory than a reader may.
    """
    return _loaded(load_inventory, files)


def read_newcomers(files: list[str], _: Told) -> LoadedInventory:
    """Read the workloads of who joins, wherever they run now.

    Raises:
        InventoryInvalidError: They have mistakes, all of them told at once.
        InvalidInputError: They take more memory than a reader may.
    """
    return _loaded(load_newcomers, files)


def _loaded(
    load: Callable[[Sequence[Import], Path], LoadedInventory], files: Sequence[str]
) -> LoadedInventory:
    try:
        return load([Import(file=file) for file in files], Path())
    except MemoryError as error:
        code = "capacity.files_need_memory"
        raise InvalidInputError(code, maximum_gib=_MEMORY_MOST_GIB) from error


def limit_memory() -> None:
    """Let this process fail before the machine runs out of memory for everything else."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MOST_GIB << 30, hard))


if __name__ == "__main__":
    limit_memory()
    answer_as_worker(list[str], read)
