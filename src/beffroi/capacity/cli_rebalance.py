"""The command that rebalances: parse, call one verb, show."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from beffroi.capacity.cli_progress import with_bar
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.rebalancing_process import RebalancingProcess
from beffroi.capacity.model import Check
from beffroi.capacity.rebalanced import Rebalancing
from beffroi.capacity.rebalancing.model import Rebalanced
from beffroi.capacity.rebalancing.reading import read_model, read_placement
from beffroi.capacity.rebalancing_told import (
    HUNDREDTH_OF_HOST,
    ToldCost,
    broken_rules,
    told_costs,
    told_headline,
    told_loads,
    told_reason,
)
from beffroi.capacity.shown_plan import show_left_out
from beffroi.capacity.written_plan import write_table
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.command_line import JsonOption, show_json, show_table, told_language
from beffroi.kernel.result_folder import folder_for_results
from beffroi.kernel.telling import told_figure
from beffroi.kernel.units import told_duration

_BREACHES_SHOWN = 5
_CHALLENGE_FILES = 2
_LOOKED_AT_BYTES = 64


def rebalance(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="plan.yaml, or exports that tell hosts; or a model and an assignment of the"
            " ROADEF/EURO challenge 2012.",
            exists=True,
        ),
    ],
    most_moves: Annotated[
        int | None,
        typer.Option("--most-moves", min=0, max=1_000_000, help="Moves at most."),
    ] = None,
    deadline_s: Annotated[
        float, typer.Option("--deadline", min=1, max=3600, help="Seconds to search for.")
    ] = 30.0,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the moves and the placement.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Find a better placement on today's hosts; end with 1 when a rule is still broken."""
    if out is not None:
        folder_for_results(out)
    if _of_challenge(files):
        _reassign(files, most_moves, deadline_s, out, as_json=as_json)
        return
    loaded = asyncio.run(PlannerProcess().read(files))
    rebalancer = RebalancingProcess(deadline_s)
    made = with_bar(partial(rebalancer.rebalance, loaded.inventory, most_moves))
    if out is not None:
        _write(made, out, told_language())
    if as_json:
        show_json(made)
    else:
        show_left_out(loaded, told_language())
        _show(made, told_language())
    if not made.holds:
        raise typer.Exit(1)


def _show(made: Rebalancing, language: Language) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(told_headline(made, language), style="bold", markup=False)
    titles = [_word("host", language), _word("site", language)]
    titles += [sentence(language, f"capacity.rebalancing.shares.{one}") for one in made.resources]
    show_table(
        titles,
        [
            (one.host, one.site, *one.shares)
            for one in told_loads(made.hosts, made.resources, language)
        ],
    )
    _show_costs(told_costs(made.before, made.after, HUNDREDTH_OF_HOST, language), "part", language)
    if made.moves:
        console.print(_told_moving(made, language), markup=False)
        show_table(
            [_word(title, language) for title in ("number", "workload", "origin", "target", "why")],
            [
                (
                    str(one.move.number),
                    one.move.workload,
                    one.move.origin,
                    one.move.target,
                    told_reason(one.why, language),
                )
                for one in made.moves
            ],
        )
    _show_rules(made, console, language)


def _told_moving(made: Rebalancing, language: Language) -> str:
    gib = told_figure(made.copied_gib, language)
    if not made.stopped_s:
        return _word("moving_unstopped", language, gib=gib)
    return _word("moving", language, gib=gib, stopped=told_duration(made.stopped_s))


def _show_rules(made: Rebalancing, console: Console, language: Language) -> None:
    broken = broken_rules(made.checks_after)
    if not broken:
        mended = len(broken_rules(made.checks_before))
        key = "rules_mended" if mended else "rules_hold"
        console.print(_word(key, language, count=mended), markup=False)
        return
    for check in broken:
        _show_broken(check, console, language)
    console.print(_word("still_broken", language), markup=False)


def _show_broken(check: Check, console: Console, language: Language) -> None:
    console.print(f"  ✗ {sentence(language, f'capacity.rules.{check.rule}')}", markup=False)
    for breach in check.breaches[:_BREACHES_SHOWN]:
        console.print(f"      {told_reason(breach, language)}", markup=False)


def _show_costs(costs: Sequence[ToldCost], first: str, language: Language) -> None:
    show_table(
        [_word(title, language) for title in (first, "before", "after")],
        [(one.name, one.before, one.after) for one in costs],
    )


def _word(key: str, language: Language, **values: object) -> str:
    return sentence(language, f"capacity.rebalancing.{key}", **values)


def _write(made: Rebalancing, folder: Path, language: Language) -> None:
    steps = [(one.move, told_reason(one.why, language)) for one in made.moves]
    write_table(
        folder / "moves.csv",
        ("number", "workload", "origin", "target", "downtime_s", "hour_of_week", "why"),
        (
            (one.number, one.workload, one.origin, one.target, one.downtime_s, one.hour, why)
            for one, why in steps
        ),
    )
    write_table(folder / "placement.csv", ("workload", "host"), sorted(made.placement.items()))


def _of_challenge(files: Sequence[Path]) -> bool:
    """Tell the challenge's files, which hold nothing but whole numbers."""
    return len(files) == _CHALLENGE_FILES and all(
        file.is_file() and _starts_with_numbers(file) for file in files
    )


def _starts_with_numbers(file: Path) -> bool:
    with file.open("rb") as opened:
        start = opened.read(_LOOKED_AT_BYTES)
    return start.replace(b" ", b"").replace(b"\r", b"").replace(b"\n", b"").isdigit()


def _reassign(
    files: Sequence[Path],
    most_moves: int | None,
    deadline_s: float,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Answer an instance of the challenge: a model, then the assignment it starts from."""
    problem = msgspec.structs.replace(read_model(files[0]), most_moved=most_moves)
    present = read_placement(files[1], problem)
    found = with_bar(partial(RebalancingProcess(deadline_s).reassign, problem, present))
    if out is not None:
        text = " ".join(str(machine) for machine in found.placement)
        (out / "assignment.txt").write_text(f"{text}\n", encoding="ascii")
    if as_json:
        show_json(found)
    else:
        _show_reassigned(found, present, told_language())


def _show_reassigned(found: Rebalanced, present: Sequence[int], language: Language) -> None:
    moved = sum(was != now for was, now in zip(present, found.placement, strict=True))
    typer.echo(_word("reassigned", language, moved=moved, count=len(present)))
    costs = [
        (sentence(language, f"capacity.rebalancing.costs.{name}"), before, after)
        for name, before, after in _exact_parts(found)
    ]
    _show_costs(
        [
            ToldCost(name, _told_whole(was, language), _told_whole(will, language))
            for name, was, will in costs
        ],
        "challenge_part",
        language,
    )


def _told_whole(number: int, language: Language) -> str:
    text = f"{number:,}"
    return text.replace(",", "\N{NO-BREAK SPACE}") if language is Language.FR else text


def _exact_parts(found: Rebalanced) -> list[tuple[str, int, int]]:
    names = (*type(found.before).__struct_fields__, "total")
    return [(name, getattr(found.before, name), getattr(found.after, name)) for name in names]


COMMANDS: Mapping[str, Callable[..., Any]] = {"rebalance": rebalance}
