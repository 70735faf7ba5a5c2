"""What a report tells of sizes, of the inventory, and of how the plan was made."""

from collections.abc import Iterator
from typing import Final

from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Plan
from beffroi.capacity.reporting.money import told_terms
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.reporting.sheet import Section, heads, word
from beffroi.capacity.sizing_figures import told_remarks
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_figure, told_share

_ADVICE_MOST: Final = 200


def sizing_sections(remarks: Remarks, language: Language) -> Iterator[Section]:
    """Tell the advice with its evidence, then what was left out or taken for granted."""
    told = told_remarks(remarks, language)
    shown = told.advice[:_ADVICE_MOST]
    notes = [one for one in (told.others, told.coincidence) if one]
    if len(shown) < len(told.advice):
        notes.append(
            word(
                language,
                "cut",
                shown=len(shown),
                count=len(told.advice),
                file="advice.csv",
            )
        )
    if remarks.advice:
        notes.append(sentence(language, "capacity.sizing.advisory"))
    yield Section(
        heading=sentence(language, "capacity.sizing.title"),
        told=word(language, "sizing_told") if shown else "",
        heads=heads(language, "workload", "resource", "allotted", "advised", "evidence")
        if shown
        else (),
        right=(2, 3),
        wide=4,
        rows=tuple(
            (
                one.workload,
                one.resource,
                one.allotted,
                one.advised,
                f"{one.verdict}\n{one.evidence}",
            )
            for one in shown
        ),
        notes=tuple(notes),
    )
    excluded = [f"{reason} ({names})" for reason, names in told.excluded]
    yield Section(
        heading=word(language, "sections.inventory"),
        notes=(
            *(word(language, "left_out", told=one) for one in excluded),
            *told.notes,
        ),
    )


def method_section(request: ReportRequest) -> Section:
    """Tell how the plan was made and what it was made with."""
    plan, language = request.plan, request.language
    savings = request.savings
    return Section(
        heading=word(language, "sections.method"),
        notes=(
            word(
                language,
                "method.search",
                method=sentence(language, f"capacity.methods.{plan.method}"),
                took=told_figure(plan.took_s, language),
            ),
            word(language, "method.bound"),
            word(language, "method.checker"),
            _policy(plan, language),
            *(_power(plan, language) if savings else ()),
            *(told_terms(savings, language) if savings else ()),
            word(language, "method.origin", files=", ".join(plan.inventory.origin)),
        ),
    )


def _policy(plan: Plan, language: Language) -> str:
    policy = plan.inventory.policy
    return word(
        language,
        f"method.policy_{policy.site_loss}",
        cpu=told_share(policy.cpu_share, 1, language),
        memory=told_share(policy.memory_share, 1, language),
        disk=told_share(policy.disk_share, 1, language),
        spares=policy.spare_hosts,
    )


def _power(plan: Plan, language: Language) -> Iterator[str]:
    used = sorted({one.host.model for one in plan.hosts})
    for name in used:
        source = plan.inventory.models[name].power_source
        if source:
            yield word(language, "method.power", model=name, source=source)
