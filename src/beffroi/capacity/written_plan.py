"""A plan as files that spreadsheets and programs read."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from beffroi.capacity.model import Plan
from beffroi.capacity.sizing_advice import Advice
from beffroi.kernel.catalogue import Language, sentence


def write_plan(plan: Plan, folder: Path, language: Language) -> tuple[Path, ...]:
    """Write a plan whole, its placement, its moves and its hosts.

    Args:
        plan: The plan.
        folder: That is there; files of the same names are written over.
        language: Of the reasons.
    """
    whole = folder / "plan.json"
    whole.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1))
    placement = ((name, host) for name, host in sorted(plan.placement.items()))
    moves = (
        (one.number, one.wave, one.workload, one.origin, one.target, one.downtime_s, one.hour)
        for one in plan.moves
    )
    hosts = (
        (
            one.host.name,
            one.host.site,
            one.host.model,
            one.decision.value,
            "spare" if one.spare else "",
            sentence(language, f"capacity.reasons.{one.why.code}", **one.why.values),
        )
        for one in plan.hosts
    )
    move_columns = ("number", "wave", "workload", "origin", "target", "downtime_s", "hour_of_week")
    host_columns = ("host", "site", "model", "decision", "spare", "why")
    return (
        whole,
        write_table(folder / "placement.csv", ("workload", "host"), placement),
        write_table(folder / "moves.csv", move_columns, moves),
        write_table(folder / "hosts.csv", host_columns, hosts),
    )


def write_advice(advice: Sequence[Advice], folder: Path, language: Language) -> Path | None:
    """Write what usage shows of sizes, beside the plan; nothing without series.

    Args:
        advice: On each size.
        folder: Of the plan.
        language: Of the sentences.
    """
    if not advice:
        return None
    columns = (
        *("workload", "resource", "allotted", "advised", "verdict", "statistic", "value"),
        *("since", "until", "samples", "expected", "set_aside", "told"),
    )
    rows = (
        (
            *(one.workload, one.resource.value, one.allotted, one.advised, one.verdict.value),
            *(one.evidence.statistic.value, one.evidence.value),
            *(one.evidence.since.isoformat(), one.evidence.until.isoformat()),
            *(one.evidence.samples, one.evidence.expected, sum(one.evidence.set_aside.values())),
            one.told(language),
        )
        for one in advice
    )
    return write_table(folder / "advice.csv", columns, rows)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """Write a CSV table; return where."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path
