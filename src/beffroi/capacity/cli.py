"""Commands on capacity: parse, call one verb, show."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.model import Decision, Inventory, Plan, Reason
from beffroi.capacity.savings import savings_of_plan
from beffroi.capacity.savings_figures import told_savings
from beffroi.capacity.savings_terms import Savings
from beffroi.capacity.store import PlanSummary
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.capacity.written_plan import write_plan
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.command_line import (
    JsonOption,
    follow_operation,
    platform,
    show_json,
    show_table,
    told_language,
)
from beffroi.kernel.operations.model import Operation

_Files = Annotated[
    list[Path],
    typer.Argument(help="plan.yaml, or exports: RVTools, CSV, libvirt, Proxmox.", exists=True),
]


def plan(
    files: _Files,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the plan, its moves and its hosts.")
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
    planner = PlannerProcess(deadline_s)
    loaded = asyncio.run(planner.read(files))
    if keep:
        wanted = WantedPlan(keep, loaded.inventory, loaded.savings)
        follow_operation(platform().ask("POST", "/api/plans", Operation, wanted), as_json=as_json)
        return
    made = _planned(planner, loaded.inventory)
    savings = savings_of_plan(made, loaded.savings) if loaded.savings else None
    if out is not None:
        write_plan(made, out, told_language())
    if as_json:
        show_json({"plan": made, "savings": savings})
    else:
        _show_left_out(loaded, told_language())
        _show_plan(made, told_language())
        if savings:
            _show_savings(savings, told_language())
    if not made.proof.holds:
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


def _planned(planner: PlannerProcess, inventory: Inventory) -> Plan:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        return asyncio.run(
            planner.plan(
                inventory,
                lambda now: bar.update(task, completed=now.share, description=now.doing),
            )
        )


def _show_plan(made: Plan, language: Language) -> None:
    console = Console(highlight=False, soft_wrap=True)
    proof = made.proof
    before = sum(one.decision is not Decision.BUY for one in made.hosts)
    values = {"before": before, "after": proof.hosts, "bound": proof.bound.hosts}
    console.print(sentence(language, "capacity.told.hosts", **values), style="bold", markup=False)
    key = "optimal" if proof.gap == 0 else "gap"
    told = sentence(language, f"capacity.pages.{key}", gap=proof.gap)
    console.print(f"{told} {_told(proof.bound.why, language)}", markup=False)
    for check in proof.checks:
        mark = "✓" if check.holds else "✗"
        rule = sentence(language, f"capacity.rules.{check.rule}")
        console.print(f"  {mark} {rule} ({check.looked_at})", markup=False)
        for breach in check.breaches[:5]:
            console.print(f"      {_told(breach, language)}", markup=False)
    stranded = sum(len(one.stranded) for one in proof.replays)
    counts = {"losses": len(proof.replays), "stranded": stranded, "moves": len(made.moves)}
    console.print(sentence(language, "capacity.told.replays", **counts), markup=False)
    for remark in made.remarks:
        console.print(_told(remark, language), markup=False)
    show_table(
        [
            sentence(language, f"capacity.pages.{title}")
            for title in ("host", "model", "decision", "why")
        ],
        [
            (
                one.host.name,
                one.host.model,
                sentence(language, f"capacity.decisions.{one.decision}"),
                _told(one.why, language),
            )
            for one in made.hosts
        ],
    )


def _show_left_out(loaded: LoadedInventory, language: Language) -> None:
    for note in loaded.notes:
        typer.echo(note.told(language))
    if loaded.excluded:
        names = ", ".join(one.name for one in loaded.excluded)
        typer.echo(
            sentence(language, "capacity.told.left_out", count=len(loaded.excluded), names=names)
        )


def _show_savings(savings: Savings, language: Language) -> None:
    told = told_savings(savings, language)
    titles = ("saved_by", "kwh", "eur", "kg")
    show_table(
        [sentence(language, f"capacity.savings.{title}") for title in titles],
        [(one.name, one.kwh, one.eur, one.kg) for one in told.parts],
    )
    values = {"purchase": told.purchase, "amortisation": told.amortisation, "net": told.net}
    typer.echo(sentence(language, "capacity.savings.purchase", **values))


def _told(why: Reason, language: Language) -> str:
    return sentence(language, f"capacity.reasons.{why.code}", **why.values)


COMMANDS: Mapping[str, Callable[..., Any]] = {"plan": plan, "plans": plans}
