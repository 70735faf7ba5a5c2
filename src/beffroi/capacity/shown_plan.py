"""A plan as the terminal shows it: figures, proof, hosts, sizes, savings."""

import typer
from rich.console import Console

from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Decision, Plan, Reason
from beffroi.capacity.savings_figures import told_savings
from beffroi.capacity.savings_terms import Savings
from beffroi.capacity.sizing_figures import ToldRemarks, told_remarks
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.http.command_line import show_table

_ADVICE_SHOWN = 20


def show_plan(plan: Plan, language: Language) -> None:
    """Show the figures, the proof, and each host with its reason."""
    console = Console(highlight=False, soft_wrap=True)
    proof = plan.proof
    before = sum(one.decision is not Decision.BUY for one in plan.hosts)
    values = {"before": before, "after": proof.hosts, "bound": proof.bound.hosts}
    console.print(sentence(language, "capacity.told.hosts", **values), style="bold", markup=False)
    key = "optimal" if proof.optimal else "gap"
    told = sentence(language, f"capacity.pages.{key}", gap=proof.gap)
    console.print(f"{told} {_told(proof.bound.why, language)}", markup=False)
    for check in proof.checks:
        mark = "✓" if check.holds else "✗"
        rule = sentence(language, f"capacity.rules.{check.rule}")
        console.print(f"  {mark} {rule} ({check.looked_at})", markup=False)
        for breach in check.breaches[:5]:
            console.print(f"      {_told(breach, language)}", markup=False)
    stranded = sum(len(one.stranded) for one in proof.replays)
    counts = {"losses": len(proof.replays), "stranded": stranded, "moves": len(plan.moves)}
    console.print(sentence(language, "capacity.told.replays", **counts), markup=False)
    for remark in plan.remarks:
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
            for one in plan.hosts
        ],
    )


def show_remarks(remarks: Remarks, language: Language) -> None:
    """Show what was left out or taken for granted, and what usage shows of sizes."""
    show_left_out(remarks, language)
    _show_sizes(told_remarks(remarks, language), language)


def show_left_out(remarks: Remarks, language: Language) -> None:
    """Show what was left out or taken for granted."""
    told = told_remarks(remarks, language)
    for note in told.notes:
        typer.echo(note)
    if remarks.excluded:
        names = "; ".join(f"{reason} ({machines})" for reason, machines in told.excluded)
        typer.echo(
            sentence(language, "capacity.told.left_out", count=len(remarks.excluded), names=names)
        )


def show_savings(savings: Savings, language: Language) -> None:
    """Show each part of what is saved, and the purchase."""
    told = told_savings(savings, language)
    titles = ("saved_by", "kwh", "eur", "kg")
    show_table(
        [sentence(language, f"capacity.savings.{title}") for title in titles],
        [(one.name, one.kwh, one.eur, one.kg) for one in told.parts],
    )
    typer.echo(told.sizing)
    values = {"purchase": told.purchase, "amortisation": told.amortisation, "net": told.net}
    typer.echo(sentence(language, "capacity.savings.purchase", **values))


def _show_sizes(told: ToldRemarks, language: Language) -> None:
    if told.coincidence:
        typer.echo(told.coincidence)
    if told.others:
        typer.echo(told.others)
    if not told.advice:
        return
    titles = ("workload", "resource", "allotted", "advised", "verdict", "evidence")
    show_table(
        [sentence(language, f"capacity.sizing.{title}") for title in titles],
        [
            (one.workload, one.resource, one.allotted, one.advised, one.verdict, one.evidence)
            for one in told.advice[:_ADVICE_SHOWN]
        ],
    )
    if len(told.advice) > _ADVICE_SHOWN:
        counts = {"shown": _ADVICE_SHOWN, "count": len(told.advice)}
        typer.echo(sentence(language, "capacity.sizing.shown", **counts))


def _told(why: Reason, language: Language) -> str:
    return sentence(language, f"capacity.reasons.{why.code}", **why.values)
