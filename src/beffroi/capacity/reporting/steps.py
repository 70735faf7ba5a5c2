"""What a report tells of hosts and moves: each decision with its reason, each step in order."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from beffroi.capacity.model import Decision, Plan
from beffroi.capacity.reporting.sheet import Section, heads, reason_told, word
from beffroi.capacity.reporting.windows import told_hour, told_windows
from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import NO_FIGURE
from beffroi.kernel.units import told_duration

_ROWS_MOST: Final = 400


def host_sections(plan: Plan, language: Language) -> Iterator[Section]:
    """Tell the hosts that run, then those that go, each with the reason."""
    carried = Counter(plan.placement.values())
    kept = [one for one in plan.hosts if one.decision is not Decision.SWITCH_OFF]
    yield Section(
        heading=word(language, "sections.kept"),
        told=word(language, "kept_told"),
        heads=heads(language, "host", "site", "model", "decision", "workloads", "why"),
        right=(4,),
        wide=5,
        rows=tuple(
            (
                one.host.name,
                one.host.site,
                one.host.model,
                word(language, f"decisions.{one.decision}"),
                str(carried[one.host.name]),
                reason_told(one.why.code, one.why.values, language),
            )
            for one in kept[:_ROWS_MOST]
        ),
        notes=_cut(len(kept), "hosts.csv", language),
    )
    gone = [one for one in plan.hosts if one.decision is Decision.SWITCH_OFF]
    yield Section(
        heading=word(language, "sections.gone"),
        heads=heads(language, "host", "site", "model", "why") if gone else (),
        wide=3,
        rows=tuple(
            (
                one.host.name,
                one.host.site,
                one.host.model,
                reason_told(one.why.code, one.why.values, language),
            )
            for one in gone[:_ROWS_MOST]
        ),
        notes=_cut(len(gone), "hosts.csv", language),
    )


def move_section(plan: Plan, language: Language) -> Section:
    """Tell the moves in their order, with the hours in which each may begin."""
    if not plan.moves:
        return Section(heading=word(language, "sections.moves"), told=word(language, "no_moves"))
    workloads = {one.name: one for one in plan.inventory.workloads}
    owners: dict[tuple[str, tuple[int, ...]], int] = Counter(
        (workloads[move.workload].organisation, workloads[move.workload].windows)
        for move in plan.moves
    )
    windows = tuple(
        word(
            language,
            "windows_told",
            organisation=organisation or word(language, "nobody"),
            windows=told_windows(hours, language),
            count=count,
        )
        for (organisation, hours), count in sorted(owners.items())
    )
    remarks = tuple(reason_told(one.code, one.values, language) for one in plan.remarks)
    return Section(
        heading=word(language, "sections.moves"),
        told=word(language, "moves_told"),
        heads=heads(language, "number", "wave", "workload", "origin", "target", "when", "stop"),
        right=(0, 1, 6),
        wide=2,
        rows=tuple(
            (
                str(move.number),
                str(move.wave),
                move.workload,
                move.origin or NO_FIGURE,
                move.target + (f" ({word(language, 'parked')})" if move.parked else ""),
                NO_FIGURE if move.hour is None else told_hour(move.hour, language),
                told_duration(move.downtime_s) if move.downtime_s else NO_FIGURE,
            )
            for move in plan.moves[:_ROWS_MOST]
        ),
        notes=(*windows, *remarks, *_cut(len(plan.moves), "moves.csv", language)),
    )


def _cut(count: int, file: str, language: Language) -> tuple[str, ...]:
    if count <= _ROWS_MOST:
        return ()
    return (word(language, "cut", shown=_ROWS_MOST, count=count, file=file),)
