"""What a report tells of savings: each state, each part, what they depend on."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from beffroi.capacity.model import Decision, Plan
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.reporting.sheet import Section, heads, word
from beffroi.capacity.savings_energy import KWH_PER_W, THOUSANDTH
from beffroi.capacity.savings_figures import ToldSavings, told_savings
from beffroi.capacity.savings_terms import Range, Savings
from beffroi.energy.model import Estimate
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros, told_figure


def savings_sections(request: ReportRequest) -> Iterator[Section]:
    """Lay the savings open; nothing where they were not asked for."""
    savings, language = request.savings, request.language
    if savings is None:
        return
    told = told_savings(savings, language)
    yield _stages(savings, told, language)
    yield _parts(savings, told, language)
    yield _upkeep(request.plan, savings, language)
    yield _depends(told, language)


def _stages(savings: Savings, told: ToldSavings, language: Language) -> Section:
    price = _exact(savings.terms.electricity_eur.value, language)
    hours = _factor(KWH_PER_W * 1000, language)
    return Section(
        heading=word(language, "sections.stages"),
        told=word(language, "stages_told", hours=hours, price=price),
        heads=heads(language, "stage", "hosts_on", "watts", "pue", "kwh", "eur", "kg"),
        right=(1, 2, 3, 4, 5, 6),
        rows=tuple(
            (
                one.name,
                one.hosts,
                _factor(stage.it_w, language),
                _factor(stage.pue, language),
                _factor(stage.kwh, language),
                one.eur,
                one.kg,
            )
            for stage, one in zip(savings.stages, told.stages, strict=True)
        ),
    )


def _parts(savings: Savings, told: ToldSavings, language: Language) -> Section:
    return Section(
        heading=word(language, "sections.parts"),
        told=word(language, "parts_told"),
        heads=heads(language, "part", "kwh", "eur", "kg"),
        right=(1, 2, 3),
        rows=tuple((one.name, one.kwh, one.eur, one.kg) for one in told.parts),
        summed=True,
        notes=(told.sizing, _carbon(savings, language)),
    )


def _carbon(savings: Savings, language: Language) -> str:
    return sentence(
        language,
        "capacity.savings.carbon",
        before=told_figure(savings.before.use_kg.value, language),
        after=told_figure(savings.after.use_kg.value, language),
        embodied=told_figure(savings.after.embodied_kg.value, language),
        source=savings.terms.grid_source,
    )


def _upkeep(plan: Plan, savings: Savings, language: Language) -> Section:
    """Multiply counts by prices, before and after, and what is bought."""
    before = Counter(one.host.model for one in plan.hosts if one.decision is not Decision.BUY)
    after = Counter(one.host.model for one in plan.hosts if one.decision is not Decision.SWITCH_OFF)
    bought = Counter(one.host.model for one in plan.hosts if one.decision is Decision.BUY)
    models = plan.inventory.models
    rows = [
        *_products("upkeep_before", before, {one: models[one].yearly_eur for one in before}),
        *_products("upkeep_after", after, {one: models[one].yearly_eur for one in after}),
        *_products("purchase", bought, {one: models[one].price_eur or "0" for one in bought}),
    ]
    values = {
        "purchase": told_euros(savings.purchase_eur, language, cents=False),
        "amortisation": told_euros(savings.amortisation_eur, language, cents=False),
        "net": told_euros(savings.net_eur, language, cents=False),
    }
    return Section(
        heading=word(language, "sections.upkeep"),
        told=sentence(language, "capacity.savings.purchase", **values),
        heads=heads(language, "what", "model", "count", "each", "whole"),
        right=(2, 3, 4),
        rows=tuple(
            (
                word(language, f"upkeep.{key}"),
                model,
                str(count),
                told_euros(each, language, cents=False),
                told_euros(count * each, language, cents=False),
            )
            for key, model, count, each in rows
        ),
    )


def _products(
    key: str, counts: Counter[str], each: dict[str, str]
) -> Iterator[tuple[str, str, int, Decimal]]:
    for model, count in sorted(counts.items()):
        yield key, model, count, Decimal(each[model])


def _depends(told: ToldSavings, language: Language) -> Section:
    return Section(
        heading=sentence(language, "capacity.savings.tornado"),
        told=word(language, "depends_told"),
        heads=heads(language, "input", "at_low", "at_high"),
        right=(1, 2),
        rows=tuple((one.name, one.low, one.high) for one in told.swings),
    )


def told_terms(savings: Savings, language: Language) -> tuple[str, ...]:
    """Write what savings were counted with, bounds included."""
    terms = savings.terms
    ranges: dict[str, Range | Estimate] = {
        "electricity": terms.electricity_eur,
        "pue_before": terms.pue_before,
        "pue_after": terms.pue_after,
        "grid": terms.grid_g_per_kwh,
        "load": terms.load,
        "power": terms.power_present,
    }
    return tuple(
        word(
            language,
            f"terms.{key}",
            **{
                name: _number(bound, language)
                for name, bound in (("value", one.value), ("low", one.low), ("high", one.high))
            },
        )
        for key, one in ranges.items()
    )


def _number(amount: Decimal | float, language: Language) -> str:
    if isinstance(amount, Decimal):
        return _exact(amount, language)
    return told_figure(amount, language)


def _factor(amount: Decimal | float, language: Language) -> str:
    """Write a factor with enough digits for its product to come out as printed."""
    rounded = Decimal(str(amount)).quantize(THOUSANDTH).normalize()
    text = f"{rounded:,f}"
    if language is Language.FR:
        return text.replace(",", "\N{NO-BREAK SPACE}").replace(".", ",")
    return text


def _exact(amount: Decimal, language: Language) -> str:
    text = f"{amount.normalize():f}"
    return text.replace(".", ",") if language is Language.FR else text
