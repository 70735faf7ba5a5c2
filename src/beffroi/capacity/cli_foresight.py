"""The command that looks ahead: parse, plan, look ahead, show."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from beffroi.capacity.cli_progress import with_bar
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.foresight_figures import told_runway, told_years
from beffroi.capacity.foresight_terms import (
    LEAST_CORES,
    LEAST_MEMORY_GIB,
    LEAST_PER_YEAR,
    MOST_CORES,
    MOST_DISK_GIB,
    MOST_MEMORY_GIB,
    MOST_PER_YEAR,
    MOST_YEARS,
    Start,
    WantedForesight,
    foresight_request,
    started,
)
from beffroi.capacity.growth import Foresight, HostDies, SiteCloses, WhatIf, changed
from beffroi.capacity.model import Inventory, Plan
from beffroi.capacity.newcomers import joining
from beffroi.capacity.outcomes import Outcome, PlannedChange, outcome_of, told_what_if
from beffroi.capacity.uploaded_files import PLAN_FILES
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.http.command_line import JsonOption, show_json, show_table, told_language
from beffroi.kernel.telling import NO_FIGURE, told_euros, told_figure

_Share = typer.Option("--per-year", min=LEAST_PER_YEAR, max=MOST_PER_YEAR, help="0.03: 3 % a year.")
_Cores = typer.Option("--cores", min=LEAST_CORES, max=MOST_CORES, help="Standard workload: cores.")
_Memory = typer.Option(
    "--memory-gib", min=LEAST_MEMORY_GIB, max=MOST_MEMORY_GIB, help="Standard workload: memory."
)
_Disk = typer.Option("--disk-gib", min=0, max=MOST_DISK_GIB, help="Standard workload: disk space.")
_Files = typer.Argument(help="plan.yaml, or exports: RVTools, CSV, libvirt, Proxmox.", exists=True)
_Joins = typer.Option("--joins", exists=True, help="Inventory files of who joins; repeatable.")


class LookedAhead(msgspec.Struct, frozen=True):
    """A plan, its future, and what changes would make of it."""

    plan: Outcome
    wanted: WantedForesight
    foresight: Foresight
    what_ifs: tuple[PlannedChange, ...]


def foresee(  # noqa: PLR0913 - each is an option of the command
    files: Annotated[list[Path], _Files],
    per_year: Annotated[float, _Share] = 0.03,
    years: Annotated[int, typer.Option("--years", min=1, max=MOST_YEARS, help="How far.")] = 5,
    cores: Annotated[float, _Cores] = 2.0,
    memory_gib: Annotated[float, _Memory] = 8.0,
    disk_gib: Annotated[float, _Disk] = 100.0,
    *,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Look at today's hosts, not at those of the plan.")
    ] = False,
    host_dies: Annotated[
        list[str] | None, typer.Option("--host-dies", help="What if it does; repeatable.")
    ] = None,
    site_closes: Annotated[
        list[str] | None, typer.Option("--site-closes", help="What if it does; repeatable.")
    ] = None,
    joins: Annotated[list[Path] | None, _Joins] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how long the platform suffices, what it then costs, and what if."""
    wanted = WantedForesight(
        start=Start.TODAY if as_is else Start.PLANNED,
        per_year=per_year,
        years=years,
        cores=cores,
        memory_gib=memory_gib,
        disk_gib=disk_gib,
    )
    planner = PlannerProcess()
    made = with_bar(partial(planner.plan, asyncio.run(planner.read(files)).inventory))
    base = started(made, wanted.start)
    losses: list[WhatIf] = [*map(HostDies, host_dies or ()), *map(SiteCloses, site_closes or ())]
    what_ifs = [*losses, *_newcomers(planner, base, joins or ())]
    inventories = [changed(base, one) for one in what_ifs]
    looked = LookedAhead(
        outcome_of(made),
        wanted,
        with_bar(partial(planner.foresee, foresight_request(made, wanted))),
        tuple(map(partial(_planned_change, planner), what_ifs, inventories)),
    )
    if as_json:
        show_json(looked)
    else:
        _show(looked, made, told_language())
    if not made.proof.holds:
        raise typer.Exit(1)


def _newcomers(planner: PlannerProcess, base: Inventory, files: Sequence[Path]) -> Iterator[WhatIf]:
    """Read each plan.yaml as a change of its own, all other files as one inventory."""
    plans = [file for file in files if file.suffix in PLAN_FILES]
    exports = [file for file in files if file not in plans]
    for together in (*([one] for one in plans), *([exports] if exports else ())):
        theirs = asyncio.run(planner.read_newcomers(together))
        yield joining(theirs.inventory, base)


def _planned_change(
    planner: PlannerProcess, what_if: WhatIf, inventory: Inventory
) -> PlannedChange:
    language = told_language()
    change = told_what_if(what_if, language)
    try:
        made = with_bar(partial(planner.plan, inventory))
    except InvalidInputError as error:
        return PlannedChange(change, None, error.message(language))
    return PlannedChange(change, outcome_of(made))


def _show(looked: LookedAhead, made: Plan, language: Language) -> None:
    wanted, found = looked.wanted, looked.foresight
    platform = sentence(language, f"capacity.ahead.starts.{wanted.start}")
    hosts = len(started(made, wanted.start).hosts)
    typer.echo(sentence(language, "capacity.ahead.looked_at", platform=platform, hosts=hosts))
    typer.echo(told_runway(wanted, found, SystemClock().now(), language))
    sizes = {
        name: told_figure(getattr(wanted, name), language)
        for name in ("cores", "memory_gib", "disk_gib")
    }
    room = msgspec.structs.asdict(found.room)
    typer.echo(sentence(language, "capacity.ahead.room", **sizes, **room))
    show_table(
        _titles(language, "year", "to_buy", "cost"),
        [
            (
                str(one.year),
                NO_FIGURE if one.hosts is None else str(one.hosts),
                one.cost,
            )
            for one in told_years(found, language)
        ],
    )
    if looked.what_ifs:
        typer.echo(sentence(language, f"capacity.ahead.changes.{wanted.start}"))
        show_table(
            _titles(language, "change", "hosts", "to_buy", "cost", "proof"),
            _rows(looked, language),
        )


def _rows(looked: LookedAhead, language: Language) -> list[tuple[str, ...]]:
    unchanged = PlannedChange(sentence(language, "capacity.ahead.unchanged"), looked.plan)
    return [_row(one, language) for one in (unchanged, *looked.what_ifs)]


def _row(one: PlannedChange, language: Language) -> tuple[str, ...]:
    outcome = one.outcome
    if outcome is None:
        return (one.change, NO_FIGURE, NO_FIGURE, NO_FIGURE, one.refusal)
    cost = outcome.cost_eur
    state = "ok" if outcome.holds else "failed"
    return (
        one.change,
        str(outcome.hosts),
        str(outcome.bought),
        NO_FIGURE if cost is None else told_euros(cost, language, cents=False),
        sentence(language, f"capacity.pages.proof_states.{state}"),
    )


def _titles(language: Language, *names: str) -> list[str]:
    return [sentence(language, f"capacity.ahead.columns.{name}") for name in names]


COMMANDS: Mapping[str, Callable[..., Any]] = {"foresee": foresee}
