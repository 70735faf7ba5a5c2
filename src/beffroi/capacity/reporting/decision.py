"""The first page of a report: what there is, what is proposed, what it changes."""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal

from beffroi.capacity.model import Decision, HostDecision, Plan
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.reporting.sheet import Section, heads, word
from beffroi.capacity.savings_terms import Footprint, Savings
from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros, told_figure
from beffroi.kernel.units import told_duration


def headline(plan: Plan, language: Language) -> str:
    """Say the plan in one sentence."""
    before = sum(one.decision is not Decision.BUY for one in plan.hosts)
    return word(language, "headline", before=before, after=plan.proof.hosts)


def decision_section(request: ReportRequest) -> Section:
    """Compare before and after."""
    language = request.language
    rows = (
        _rows(request.savings, language)
        if request.savings
        else _rows_without_savings(request.plan, language)
    )
    return Section(
        heading=word(language, "decision"),
        heads=heads(language, "figure", "before", "after", "difference"),
        right=(1, 2, 3),
        rows=tuple(rows),
        notes=() if request.savings else (word(language, "no_savings"),),
    )


def points(request: ReportRequest) -> tuple[str, ...]:
    """Say what is to be decided, what it brings, and how sure that is."""
    return (*_deeds(request.plan, request.language), *_gains(request), *_proof(request))


def _deeds(plan: Plan, language: Language) -> Iterator[str]:
    bought = Counter(one.host.model for one in plan.hosts if one.decision is Decision.BUY)
    for model, count in bought.items():
        price = plan.inventory.models[model].price_eur
        if price is None:
            yield word(language, "point.buy_unpriced", count=count, model=model)
        else:
            each, whole = Decimal(price), Decimal(price) * count
            values = {
                "each": told_euros(each, language, cents=False),
                "whole": told_euros(whole, language, cents=False),
            }
            yield word(language, "point.buy", count=count, model=model, **values)
    gone = sum(one.decision is Decision.SWITCH_OFF for one in plan.hosts)
    if gone:
        yield word(language, "point.switch_off", count=gone)
    if plan.moves:
        stopped_s = sum(move.downtime_s for move in plan.moves)
        groups = len({(move.wave, move.hour) for move in plan.moves})
        counts = {"count": len(plan.moves), "groups": groups}
        if stopped_s:
            stopped = told_duration(stopped_s)
            yield word(language, "point.moves_stopped", stopped=stopped, **counts)
        else:
            yield word(language, "point.moves", **counts)


def _gains(request: ReportRequest) -> Iterator[str]:
    savings, language = request.savings, request.language
    if savings is None:
        return
    yield word(
        language,
        "point.saving",
        eur=told_euros(savings.eur, language, cents=False),
        low=told_euros(savings.eur_between.low, language, cents=False),
        high=told_euros(savings.eur_between.high, language, cents=False),
    )
    if savings.purchase_eur:
        net = told_euros(savings.net_eur, language, cents=False)
        years = savings.terms.amortisation_years
        if savings.payback_years is None:
            yield word(language, "point.never_paid_back", net=net, years=years)
        else:
            payback = told_figure(float(savings.payback_years), language)
            yield word(language, "point.net", net=net, years=years, payback=payback)


def _proof(request: ReportRequest) -> Iterator[str]:
    proof, language = request.plan.proof, request.language
    holding = sum(check.holds for check in proof.checks)
    yield word(language, "point.checks", holding=holding, count=len(proof.checks))
    if not proof.replays:
        yield word(language, "point.no_loss")
        return
    stranded = sum(len(one.stranded) for one in proof.replays)
    waiting = sum(len(one.shed) for one in proof.replays)
    key = "point.stranded" if stranded else "point.waiting" if waiting else "point.all_restarts"
    yield word(language, key, losses=len(proof.replays), stranded=stranded, waiting=waiting)


def _rows(savings: Savings, language: Language) -> Iterator[tuple[str, ...]]:
    def figure(amount: float) -> str:
        return told_figure(amount, language)

    def euros(amount: float) -> str:
        return told_euros(Decimal(repr(amount)), language, cents=False)

    def row(
        key: str, of: Callable[[Footprint], float], write: Callable[[float], str]
    ) -> tuple[str, ...]:
        before, after = of(savings.before), of(savings.after)
        return (
            word(language, f"figures.{key}"),
            write(before),
            write(after),
            _signed(after - before, write),
        )

    yield row("servers", lambda one: one.servers, "{:.0f}".format)
    yield row("rack_units", lambda one: one.rack_units, figure)
    yield row("watts", lambda one: one.it_w.value, figure)
    yield row("kwh", lambda one: one.kwh.value, figure)
    yield row("electricity", lambda one: float(one.electricity_eur.value), euros)
    yield row("upkeep", lambda one: float(one.upkeep_eur), euros)
    yield row("use_kg", lambda one: one.use_kg.value, figure)
    yield row("embodied_kg", lambda one: one.embodied_kg.value, figure)


def _rows_without_savings(plan: Plan, language: Language) -> Iterator[tuple[str, ...]]:
    models = plan.inventory.models

    def row(
        key: str, of: Callable[[HostDecision], float], write: Callable[[float], str]
    ) -> tuple[str, ...]:
        before = sum(of(one) for one in plan.hosts if one.decision is not Decision.BUY)
        after = sum(of(one) for one in plan.hosts if one.decision is not Decision.SWITCH_OFF)
        told = (write(before), write(after), _signed(after - before, write))
        return (word(language, f"figures.{key}"), *told)

    yield row("servers", lambda _: 1, "{:.0f}".format)
    yield row(
        "rack_units",
        lambda one: models[one.host.model].rack_units,
        lambda amount: told_figure(amount, language),
    )


def _signed(difference: float, write: Callable[[float], str]) -> str:
    sign = "+" if difference > 0 else "\N{MINUS SIGN}" if difference < 0 else ""
    return f"{sign}{write(abs(difference))}"
