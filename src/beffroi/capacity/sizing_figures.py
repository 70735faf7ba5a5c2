"""Remarks on an inventory as people read them: advice, coincidence, what was left out; pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import Excluded
from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Resource
from beffroi.capacity.sizing_advice import Advice, Coincidence, Verdict
from beffroi.capacity.told_dates import told_date
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_figure

_PARTS: Final = {Resource.CPU: 1000, Resource.MEMORY: 1024}
_WORTH_READING: Final = frozenset(
    {
        Verdict.LOWER,
        Verdict.LOWER_BY_HALF,
        Verdict.LOWER_TO_FLOOR,
        Verdict.RAISE,
        Verdict.AT_ITS_LIMIT,
    }
)


class ToldAdvice(msgspec.Struct, frozen=True):
    """Advice on one size, told."""

    workload: str
    resource: str
    allotted: str
    advised: str
    verdict: str
    evidence: str


class ToldRemarks(msgspec.Struct, frozen=True):
    """Remarks, told.

    Attributes:
        advice: Sizes that the evidence would change or cannot judge, the largest change first.
        others: How many sizes stay as they are, and why; empty: none.
        coincidence: What adding peaks up would cost; empty: no series of CPU.
        excluded: Each reason with the machines that were left out for it.
    """

    advice: tuple[ToldAdvice, ...]
    others: str
    coincidence: str
    excluded: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def told_remarks(remarks: Remarks, language: Language) -> ToldRemarks:
    """Write remarks in a language."""
    worth = sorted(
        (one for one in remarks.advice if one.verdict in _WORTH_READING),
        key=lambda one: (-_change(one), one.workload, one.resource),
    )
    found = remarks.coincidence
    return ToldRemarks(
        advice=tuple(_advice(one, language) for one in worth),
        others=_others(remarks.advice, language),
        coincidence=_coincidence(found, language) if found else "",
        excluded=_excluded(remarks.excluded, language),
        notes=tuple(note.told(language) for note in remarks.notes),
    )


def told_evidence(advice: Advice, language: Language) -> str:
    """Write what was looked at: the figure, the samples, the window."""
    evidence = advice.evidence
    told = sentence(
        language,
        "capacity.sizing.evidence_told",
        statistic=sentence(language, f"capacity.sizing.statistics.{evidence.statistic}"),
        value=_amount(advice.resource, evidence.value, language),
        samples=evidence.samples,
        expected=evidence.expected,
        since=told_date(evidence.since.date(), language),
        until=told_date(evidence.until.date(), language),
    )
    aside = sum(evidence.set_aside.values())
    if not aside:
        return told
    return f"{told}{sentence(language, 'capacity.sizing.set_aside', count=aside)}"


def _advice(advice: Advice, language: Language) -> ToldAdvice:
    return ToldAdvice(
        workload=advice.workload,
        resource=sentence(language, f"capacity.sizing.resources.{advice.resource}"),
        allotted=_amount(advice.resource, advice.allotted, language),
        advised=_amount(advice.resource, advice.advised, language),
        verdict=sentence(language, f"capacity.sizing.verdicts.{advice.verdict}"),
        evidence=told_evidence(advice, language),
    )


def _amount(resource: Resource, amount: int, language: Language) -> str:
    figure = told_figure(amount / _PARTS[resource], language)
    return sentence(language, f"capacity.sizing.amounts.{resource}", amount=figure)


def _change(advice: Advice) -> float:
    return abs(advice.advised - advice.allotted) / max(1, advice.allotted)


def _others(advice: Iterable[Advice], language: Language) -> str:
    counts = Counter(one.verdict for one in advice if one.verdict not in _WORTH_READING)
    if not counts:
        return ""
    reasons = ", ".join(
        f"{sentence(language, f'capacity.sizing.verdicts.{verdict}')} ({count})"
        for verdict, count in sorted(counts.items())
    )
    return sentence(language, "capacity.sizing.others", count=counts.total(), reasons=reasons)


def _coincidence(found: Coincidence, language: Language) -> str:
    def cores(milli: int) -> str:
        return told_figure(milli / 1000, language)

    return sentence(
        language,
        "capacity.sizing.coincidence",
        workloads=found.workloads,
        added=cores(found.sum_of_p95_milli),
        together=cores(found.p95_of_sum_milli),
        wasted=cores(max(0, found.sum_of_p95_milli - found.p95_of_sum_milli)),
        since=told_date(found.since.date(), language),
        until=told_date(found.until.date(), language),
    )


def _excluded(excluded: Iterable[Excluded], language: Language) -> tuple[tuple[str, str], ...]:
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for one in excluded:
        by_reason[one.reason].append(one.name)
    return tuple(
        (sentence(language, f"capacity.exclusions.{reason}"), ", ".join(sorted(names)))
        for reason, names in sorted(by_reason.items())
    )
