"""Has reports made by a process of its own: typst stays out of the platform."""

from typing import Final

from beffroi.capacity.reporting.request import ReportFile, ReportRequest
from beffroi.kernel.processes.workers import Progress, asked_of_worker

_WORKER: Final = "beffroi.capacity.reporting.worker"
_WITHIN_S: Final = 120.0


class ReportProcess:
    """Fills ``ReportMaker``."""

    async def make(self, request: ReportRequest) -> bytes:
        """Return a plan's report as PDF."""
        made = await asked_of_worker(
            _WORKER, request, ReportFile, _nobody_listens, deadline_s=_WITHIN_S
        )
        return made.content


def _nobody_listens(progress: Progress) -> None:
    del progress
