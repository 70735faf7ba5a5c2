"""Savings as people read them: parts, and how much each input decides; pure."""

from decimal import Decimal

import msgspec

from beffroi.capacity.savings_terms import Savings, Stage
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros, told_figure


class ToldPart(msgspec.Struct, frozen=True):
    """What one step saves, told."""

    name: str
    kwh: str
    eur: str
    kg: str


class ToldStage(msgspec.Struct, frozen=True, kw_only=True):
    """One state between before and after, told."""

    name: str
    hosts: str
    watts: str
    pue: str
    kwh: str
    eur: str
    kg: str


class ToldSwing(msgspec.Struct, frozen=True):
    """What is saved at the two bounds of one input; left and width are parts of the widest."""

    name: str
    low: str
    high: str
    left: float
    width: float


class ToldSavings(msgspec.Struct, frozen=True):
    """Savings, told; the last part is their sum, ``sizing`` how the part of sizing was found."""

    eur: str
    purchase: str
    amortisation: str
    net: str
    parts: tuple[ToldPart, ...]
    swings: tuple[ToldSwing, ...]
    stages: tuple[ToldStage, ...]
    sizing: str


def told_savings(savings: Savings, language: Language) -> ToldSavings:
    """Write savings in a language, whole euros."""
    parts = [
        _part(f"savings_steps.{one.step}", one.kwh, one.eur, one.use_kg, language)
        for one in savings.parts
    ]
    parts.append(_part("savings.total", savings.kwh, savings.eur, savings.use_kg, language))
    return ToldSavings(
        eur=_euros(savings.eur, language),
        purchase=_euros(savings.purchase_eur, language),
        amortisation=_euros(savings.amortisation_eur, language),
        net=_euros(savings.net_eur, language),
        parts=tuple(parts),
        swings=_swings(savings, language),
        stages=tuple(_stage(number, one, language) for number, one in enumerate(savings.stages)),
        sizing=sentence(
            language,
            f"capacity.savings.sizing_told.{savings.sizing}",
            unsized=savings.unsized_hosts,
            sized=savings.after.servers,
        ),
    )


def _stage(number: int, stage: Stage, language: Language) -> ToldStage:
    return ToldStage(
        name=sentence(language, f"capacity.savings.stages.{number}"),
        hosts=str(stage.hosts),
        watts=told_figure(stage.it_w, language),
        pue=told_figure(stage.pue, language),
        kwh=told_figure(float(stage.kwh), language),
        eur=_euros(stage.eur, language),
        kg=told_figure(float(stage.use_kg), language),
    )


def _part(key: str, kwh: Decimal, eur: Decimal, use_kg: Decimal, language: Language) -> ToldPart:
    return ToldPart(
        sentence(language, f"capacity.{key}"),
        told_figure(float(kwh), language),
        _euros(eur, language),
        told_figure(float(use_kg), language),
    )


def _swings(savings: Savings, language: Language) -> tuple[ToldSwing, ...]:
    bounds = [sorted((one.at_low_eur, one.at_high_eur)) for one in savings.tornado]
    least = min((low for low, _ in bounds), default=Decimal(0))
    span = max((high for _, high in bounds), default=Decimal(1)) - least or Decimal(1)
    return tuple(
        ToldSwing(
            sentence(language, f"capacity.savings_inputs.{one.input}"),
            _euros(low, language),
            _euros(high, language),
            float((low - least) / span),
            max(0.005, float((high - low) / span)),
        )
        for one, (low, high) in zip(savings.tornado, bounds, strict=True)
    )


def _euros(amount: Decimal, language: Language) -> str:
    return told_euros(amount, language, cents=False)
