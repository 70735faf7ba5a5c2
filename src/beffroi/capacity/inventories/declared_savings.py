"""What plan.yaml says savings are counted with, as the terms of savings."""

from msgspec import UNSET

from beffroi.capacity.host_models import MODELLED_EMBODIED, MODELLED_POWER
from beffroi.capacity.inventories.plan_file import DeclaredRange, DeclaredSavings
from beffroi.capacity.savings_terms import Range, SavingsAsked, Terms
from beffroi.energy.model import Estimate, Method


def asked_savings(declared: DeclaredSavings) -> SavingsAsked:
    """Turn declared figures into terms; the power of models has the bounds of published curves."""
    terms = Terms(
        electricity_eur=_money(declared.electricity_eur_per_kwh),
        pue_before=_estimate(declared.pue_before),
        pue_after=_estimate(declared.pue_after),
        grid_g_per_kwh=_estimate(declared.grid_g_per_kwh),
        grid_source=declared.grid_source,
        load=_estimate(declared.load),
        power_present=MODELLED_POWER,
        power_bought=MODELLED_POWER,
        embodied=MODELLED_EMBODIED,
        amortisation_years=declared.amortisation_years,
    )
    return SavingsAsked(terms, declared.spares_off)


def _money(declared: DeclaredRange) -> Range:
    low = declared.value if declared.low is UNSET else declared.low
    high = declared.value if declared.high is UNSET else declared.high
    return Range(declared.value, low, high)


def _estimate(declared: DeclaredRange) -> Estimate:
    money = _money(declared)
    return Estimate(float(money.value), float(money.low), float(money.high), Method.MODELLED)
