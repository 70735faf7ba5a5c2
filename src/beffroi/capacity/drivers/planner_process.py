"""Has plans made by a process of its own: numba and OR-Tools stay out of the platform."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from beffroi.capacity.growth import Foresight, ForesightRequest
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.model import Inventory, Plan, PlanRequest
from beffroi.kernel.processes.workers import Progress, Told, asked_of_worker

_READER: Final = "beffroi.capacity.inventories.reader"
_NEWCOMERS_READER: Final = "beffroi.capacity.inventories.newcomers_reader"
_PLANNER: Final = "beffroi.capacity.planner"
_FORESEER: Final = "beffroi.capacity.growth_planner"
_READ_WITHIN_S: Final = 120.0
_SEED: Final = 1
# What remains of a plan after its packing: order of moves, checks, replays.
_BESIDES_PACKING_S: Final = 240.0
# Some thirty searches at a tenth of the deadline each, when none ends before it.
_FORESIGHT_DEADLINES: Final = 4


class PlannerProcess:
    """Fills ``Planner``.

    Args:
        deadline_s: How long the packing may be searched for.
    """

    def __init__(self, deadline_s: float = 60.0) -> None:
        self._deadline_s = deadline_s

    async def read(self, files: Sequence[Path]) -> LoadedInventory:
        """Read an inventory from a person's files."""
        return await _read_by(_READER, files)

    async def read_newcomers(self, files: Sequence[Path]) -> LoadedInventory:
        """Read the workloads of who joins."""
        return await _read_by(_NEWCOMERS_READER, files)

    async def plan(self, inventory: Inventory, told: Told) -> Plan:
        """Plan for an inventory."""
        request = PlanRequest(inventory, self._deadline_s, _SEED)
        within_s = self._deadline_s + _BESIDES_PACKING_S
        return await asked_of_worker(_PLANNER, request, Plan, told, deadline_s=within_s)

    async def foresee(self, request: ForesightRequest, told: Told) -> Foresight:
        """Look ahead."""
        within_s = _FORESIGHT_DEADLINES * request.deadline_s + _BESIDES_PACKING_S
        return await asked_of_worker(_FORESEER, request, Foresight, told, deadline_s=within_s)


async def _read_by(worker: str, files: Sequence[Path]) -> LoadedInventory:
    names = [str(file) for file in files]
    return await asked_of_worker(
        worker, names, LoadedInventory, _nobody_listens, deadline_s=_READ_WITHIN_S
    )


def _nobody_listens(progress: Progress) -> None:
    del progress
