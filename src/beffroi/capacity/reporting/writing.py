"""A plan as a report: the decision on one page, then everything it rests on."""

from typing import Final

from beffroi.capacity.figures import racks_after, racks_before
from beffroi.capacity.reporting.decision import decision_section, headline, points
from beffroi.capacity.reporting.money import savings_sections
from beffroi.capacity.reporting.proving import proof_sections
from beffroi.capacity.reporting.rack_drawings import rack_drawings
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.reporting.sheet import ReportSheet, Section, reason_told, word
from beffroi.capacity.reporting.sizes import method_section, sizing_sections
from beffroi.capacity.reporting.steps import host_sections, move_section
from beffroi.capacity.told_dates import told_date
from beffroi.kernel.catalogue import sentence

_WORDS: Final = (
    *("page", "decision", "points", "racks", "before", "after", "cpu", "memory", "spare"),
    *("gone", "racks_told"),
)

_SITES_ON_A_PAGE: Final = 4


def report_sheet(request: ReportRequest) -> ReportSheet:
    """Write a report in its language."""
    plan, language = request.plan, request.language
    why = plan.proof.bound.why
    certain = "optimal" if plan.proof.optimal else "gap"
    gap = sentence(language, f"capacity.pages.{certain}", gap=plan.proof.gap)
    before = rack_drawings(racks_before(plan), language)
    after = rack_drawings(racks_after(plan), language)
    return ReportSheet(
        language=language,
        title=request.title,
        subtitle=word(language, "subtitle", day=told_date(request.made_at.date(), language)),
        headline=headline(plan, language),
        lead=f"{gap} {reason_told(why.code, why.values, language)}",
        decision=decision_section(request),
        points=points(request),
        before=before,
        after=after,
        large=max(len(before), len(after)) > _SITES_ON_A_PAGE,
        sections=_sections(request),
        words={key: word(language, key) for key in _WORDS},
    )


def _sections(request: ReportRequest) -> tuple[Section, ...]:
    plan, language = request.plan, request.language
    found = [
        *host_sections(plan, language),
        move_section(plan, language),
        *proof_sections(plan, language),
        *savings_sections(request),
        *sizing_sections(request.remarks, language),
        method_section(request),
    ]
    return tuple(one for one in found if one.rows or one.notes or one.told)
