"""The worker that reads inventories: ``python -m beffroi.capacity.inventories.reader``."""

from pathlib import Path

from beffroi.capacity.inventories.inventory_file import load_inventory
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.kernel.processes.workers import Told, answer_as_worker


def read(files: list[str], told: Told) -> LoadedInventory:  # noqa: ARG001 - as all workers
    """Read plan.yaml, or files of any other kind together.

    Raises:
        InventoryInvalidError: They have mistakes, all of them told at once.
    """
    return load_inventory([Import(file=file) for file in files], Path())


if __name__ == "__main__":
    answer_as_worker(list[str], read)
