"""A plan as files that spreadsheets and programs read."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from beffroi.capacity.model import Plan
from beffroi.kernel.catalogue import Language, sentence


def write_plan(plan: Plan, folder: Path, language: Language) -> tuple[Path, ...]:
    """Write a plan whole, its placement, its moves and its hosts.

    Args:
        plan: The plan.
        folder: Made where it is missing; files of the same names are written over.
        language: Of the reasons.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
        _written(folder / "placement.csv", ("workload", "host"), placement),
        _written(folder / "moves.csv", move_columns, moves),
        _written(folder / "hosts.csv", host_columns, hosts),
    )


def _written(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path
