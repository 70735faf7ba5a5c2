"""The report of a plan, made by ``python -m beffroi.capacity.reporting.worker``."""

from importlib.resources import files
from pathlib import Path

from beffroi.capacity.reporting.request import ReportFile, ReportRequest
from beffroi.capacity.reporting.writing import report_sheet
from beffroi.kernel.processes.workers import Told, answer_as_worker
from beffroi.kernel.typesetting import Typesetter


def make_report(request: ReportRequest, told: Told) -> ReportFile:  # noqa: ARG001 - as all workers
    """Set the report of a plan; the same request gives the same bytes."""
    template = Path(str(files("beffroi.capacity.reporting"))) / "templates" / "plan.typ"
    sheet = report_sheet(request)
    return ReportFile(Typesetter(template).typeset(sheet, made_at=request.made_at))


if __name__ == "__main__":
    answer_as_worker(ReportRequest, make_report)
