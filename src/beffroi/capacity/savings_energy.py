"""Power, energy and euros of hosts that run, at the value and at the bounds of every input."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import product
from operator import mul
from typing import Final

import msgspec

from beffroi.capacity.host_power import RunningHost, week_w
from beffroi.capacity.model import HOURS_OF_WEEK
from beffroi.capacity.savings_terms import Input, Range, Swing, Terms
from beffroi.energy.model import S_PER_YEAR, Estimate

KWH_PER_W: Final = S_PER_YEAR / 3.6e6
CENT: Final = Decimal("0.01")
THOUSANDTH: Final = Decimal("0.001")


class Side(StrEnum):
    """Where an input is looked at."""

    VALUE = "value"
    LOW = "low"
    HIGH = "high"

    def of(self, estimate: Estimate) -> float:
        """Return the estimate there."""
        return {"value": estimate.value, "low": estimate.low, "high": estimate.high}[self]

    def of_money(self, amount: Range) -> Decimal:
        """Return the amount there."""
        return {"value": amount.value, "low": amount.low, "high": amount.high}[self]


class Draw(msgspec.Struct, frozen=True):
    """What hosts take over the week on average, at the bounds of their load.

    Attributes:
        present: Of those that are there; what their power is wrong by does not multiply it yet.
        bought: The same of those that are bought.
        present_shaped: As ``present``, each hour weighed by the grid's.
        bought_shaped: As ``bought``, each hour weighed by the grid's.
    """

    present: Estimate
    bought: Estimate
    present_shaped: Estimate
    bought_shaped: Estimate

    def watts(self, terms: Terms) -> Estimate:
        """Return the power, with its bounds."""
        return self.present.times(terms.power_present) + self.bought.times(terms.power_bought)

    def kwh(self, terms: Terms, pue: Estimate) -> Estimate:
        """Return a year's energy, cooling and losses included."""
        return self.watts(terms).times(pue).scaled(KWH_PER_W)

    def use_kg(self, terms: Terms, pue: Estimate) -> Estimate:
        """Return what that energy emits in a year."""
        watts = self.present_shaped.times(terms.power_present) + self.bought_shaped.times(
            terms.power_bought
        )
        return watts.times(pue).times(terms.grid_g_per_kwh).scaled(KWH_PER_W / 1000)


def drawn_by(hosts: Sequence[RunningHost], terms: Terms) -> Draw:
    """Add up what hosts take."""
    present = _weeks([host for host in hosts if not host.bought], terms.load)
    bought = _weeks([host for host in hosts if host.bought], terms.load)
    flat = (1.0,) * HOURS_OF_WEEK
    return Draw(
        _mean(present, flat, terms),
        _mean(bought, flat, terms),
        _mean(present, terms.grid_shape, terms),
        _mean(bought, terms.grid_shape, terms),
    )


def _weeks(hosts: Sequence[RunningHost], load: Estimate) -> list[tuple[float, ...]]:
    return [week_w(hosts, factor) for factor in (load.value, load.low, load.high)]


def _mean(weeks: list[tuple[float, ...]], shape: Sequence[float], terms: Terms) -> Estimate:
    value, low, high = (sum(map(mul, week, shape)) / HOURS_OF_WEEK for week in weeks)
    return Estimate(value, low, high, terms.load.method)


def exact_kwh(kwh: float) -> Decimal:
    """Round to whole watt-hours; from here on sums are exact."""
    return Decimal(repr(kwh)).quantize(THOUSANDTH)


def cost_eur(kwh: Decimal, price_eur: Decimal) -> Decimal:
    """Return what energy costs, in whole cents."""
    return (kwh * price_eur).quantize(CENT)


class Dependence:
    """How the yearly saving depends on each input."""

    def __init__(self, before: Draw, after: Draw, terms: Terms, upkeep_eur: Decimal) -> None:
        self._before = before
        self._after = after
        self._terms = terms
        self._upkeep_eur = upkeep_eur

    def between(self) -> Range:
        """Return the saving and its bounds.

        The saving is linear in each input but the load, and grows or falls with that, so its bounds
        are met where every input is at one of its own.
        """
        corners = [
            self._saved_eur(dict(zip(Input, sides, strict=True)))
            for sides in product((Side.LOW, Side.HIGH), repeat=len(Input))
        ]
        value = self._saved_eur({})
        return Range(value, min([value, *corners]), max([value, *corners]))

    def tornado(self) -> tuple[Swing, ...]:
        """Move one input at a time, and tell the widest first."""
        swings = [
            Swing(one, self._saved_eur({one: Side.LOW}), self._saved_eur({one: Side.HIGH}))
            for one in Input
        ]
        return tuple(sorted(swings, key=lambda swing: swing.width_eur, reverse=True))

    def _saved_eur(self, sides: Mapping[Input, Side]) -> Decimal:
        terms = self._terms
        price = sides.get(Input.ELECTRICITY, Side.VALUE).of_money(terms.electricity_eur)
        before = sides.get(Input.PUE_BEFORE, Side.VALUE).of(terms.pue_before)
        after = sides.get(Input.PUE_AFTER, Side.VALUE).of(terms.pue_after)
        return (
            cost_eur(self._kwh(self._before, before, sides), price)
            - cost_eur(self._kwh(self._after, after, sides), price)
            + self._upkeep_eur
        )

    def _kwh(self, draw: Draw, pue: float, sides: Mapping[Input, Side]) -> Decimal:
        load = sides.get(Input.LOAD, Side.VALUE)
        present = sides.get(Input.POWER_PRESENT, Side.VALUE).of(self._terms.power_present)
        bought = sides.get(Input.POWER_BOUGHT, Side.VALUE).of(self._terms.power_bought)
        watts = load.of(draw.present) * present + load.of(draw.bought) * bought
        return exact_kwh(watts * pue * KWH_PER_W)
