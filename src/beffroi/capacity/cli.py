"""Commands on capacity: parse, call one verb, show."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from beffroi.capacity.cli_progress import with_bar
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.report_process import ReportProcess
from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.planned_savings import PlanWithSavings, planned_with_savings
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.shown_plan import show_plan, show_remarks, show_savings
from beffroi.capacity.store import PlanSummary
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.capacity.written_plan import write_advice, write_plan
from beffroi.kernel.catalogue import sentence
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.http.command_line import (
    JsonOption,
    follow_operation,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.operations.model import Operation
from beffroi.kernel.result_folder import folder_for_results

_Files = Annotated[
    list[Path],
    typer.Argument(
        help="plan.yaml, territory.yaml, or exports: RVTools, CSV, libvirt, Proxmox.", exists=True
    ),
]


def plan(
    files: _Files,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the plan, its report (PDF) and its tables."),
    ] = None,
    keep: Annotated[
        str, typer.Option("--keep", help="Have the platform make the plan and keep it by a title.")
    ] = "",
    deadline_s: Annotated[
        float, typer.Option("--deadline", min=1, max=3600, help="Seconds that packing may take.")
    ] = 60.0,
    *,
    as_json: JsonOption = False,
) -> None:
    """Plan which hosts an inventory needs, with the proof; end with 1 when it does not hold."""
    planner, language = PlannerProcess(deadline_s), told_language()
    loaded = asyncio.run(planner.read(files))
    wanted = WantedPlan.of(keep, loaded)
    if keep:
        follow_operation(platform().ask("POST", "/api/plans", Operation, wanted), as_json=as_json)
        return
    if out is not None:
        folder_for_results(out)
    made = with_bar(partial(planned_with_savings, planner, wanted))
    if out is not None:
        write_plan(made.plan, out, language)
        write_advice(loaded.advice, out, language)
        title = "/".join(files[0].resolve().parts[-2:])
        _write_report(title, made, loaded.remarks, out)
    if as_json:
        show_json({"plan": made.plan, "savings": made.savings, "remarks": loaded.remarks})
    else:
        show_remarks(loaded.remarks, language)
        show_plan(made.plan, language)
        if made.savings:
            show_savings(made.savings, language)
    if not made.plan.proof.holds:
        raise typer.Exit(1)


def plans(*, as_json: JsonOption = False) -> None:
    """List the plans that the platform keeps, the newest first."""
    found = platform().ask("GET", "/api/plans", list[PlanSummary])
    if as_json:
        show_json(found)
        return
    language = told_language()
    titles = ("plan", "title", "date", "before", "after", "gap", "proof")
    show_table(
        [sentence(language, f"capacity.columns.{title}") for title in titles],
        [
            (
                one.id,
                one.title,
                f"{one.made_at:%Y-%m-%d %H:%M}",
                str(one.hosts_before),
                str(one.hosts_after),
                str(one.gap),
                sentence(
                    language, f"capacity.pages.proof_states.{'ok' if one.holds else 'failed'}"
                ),
            )
            for one in found
        ],
    )


def _write_report(title: str, made: PlanWithSavings, remarks: Remarks, folder: Path) -> None:
    request = ReportRequest(
        title=title,
        made_at=made.plan.made_at or SystemClock().now(),
        plan=made.plan,
        savings=made.savings,
        remarks=remarks,
        language=told_language(),
    )
    (folder / "plan.pdf").write_bytes(asyncio.run(ReportProcess().make(request)))


COMMANDS: Mapping[str, Callable[..., Any]] = {"plan": plan, "plans": plans}
