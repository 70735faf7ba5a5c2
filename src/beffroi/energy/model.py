"""From CPU time to joules and grams of CO2 equivalent; pure, each figure with its interval."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError

J_PER_KWH: Final = 3.6e6
S_PER_YEAR: Final = 365.25 * 86400
# A virtual machine's neighbours load the host as much as they like: half is usual in data centres
# (Teads Engineering, "Estimating AWS EC2 Instances Power Consumption", 2021).
_NEIGHBOURS_LOAD: Final = 0.5
_OFFSETS_TRIED: Final = tuple(10 ** (exponent / 40) for exponent in range(-120, 41))


class Method(StrEnum):
    """How a figure came about."""

    COUNTED = "counted"
    MEASURED = "measured"
    METERED = "metered"
    MODELLED = "modelled"
    RENDERINGS = "renderings"
    NOTHING_RENDERED = "nothing_rendered"


class Estimate(msgspec.Struct, frozen=True):
    """A figure between two bounds, and how it came about."""

    value: float
    low: float
    high: float
    method: Method

    def __add__(self, other: "Estimate") -> "Estimate":
        """Add as if both erred together: the interval can only be too wide."""
        return Estimate(
            self.value + other.value,
            self.low + other.low,
            self.high + other.high,
            weaker(self.method, other.method),
        )

    def scaled(self, factor: float) -> "Estimate":
        """Multiply by a number known exactly, 0 or above."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor, self.method)

    def times(self, other: "Estimate") -> "Estimate":
        """Multiply by another estimate; both are 0 or above."""
        return Estimate(
            self.value * other.value,
            self.low * other.low,
            self.high * other.high,
            weaker(self.method, other.method),
        )


def weaker(one: Method, other: Method) -> Method:
    """Return the method that says less: a sum is no better than its worst part."""
    order = list(Method)
    return max(one, other, key=order.index)


def exactly(value: float, method: Method) -> Estimate:
    """Return a figure without an interval."""
    return Estimate(value, value, value, method)


class PowerCurve(msgspec.Struct, frozen=True):
    """A machine's power: ``a * ln(b * (load + c)) + d``, load from 0 to 1.

    Source of the form: Boavizta, consumption profiles of BoaviztAPI.
    """

    a: float
    b: float
    c: float
    d: float

    def power_w(self, load: float) -> float:
        """Return the power at a load."""
        return self.a * math.log(self.b * (load + self.c)) + self.d


class Machine(msgspec.Struct, frozen=True):
    """What a kind of machine takes, as published.

    Attributes:
        threads: Of the whole machine; a virtual machine has a part of them.
        points: Load and power in watts, from idle to full.
        low, high: Bounds of the power, as factors.
        embodied_kg: What making it emitted, with its bounds, in kg of CO2 equivalent.
        lifetime_years: Over how long this is spread.
        source: Who published it.
    """

    threads: int
    points: tuple[tuple[float, float], ...]
    low: float
    high: float
    embodied_kg: Estimate
    lifetime_years: float
    source: str


# A processor takes 12, 32, 75 and 102 % of its thermal design power at a load of 0, 10, 50 and
# 100 %: Teads Engineering, "Building an AWS EC2 Carbon Emissions Dataset", 2021; BoaviztAPI builds
# on it.
_OF_DESIGN_POWER: Final = ((0.0, 0.12), (0.1, 0.32), (0.5, 0.75), (1.0, 1.02))
# So at rest the processors take this part of what a full load adds to them.
_AT_REST_OF_ADDED: Final = 0.12 / (1.02 - 0.12)


def _server(design_w: float, rest_w: float) -> tuple[tuple[float, float], ...]:
    return tuple((load, design_w * part + rest_w) for load, part in _OF_DESIGN_POWER)


# BoaviztAPI 2.5.0, a server with one EPYC 7543 (225 W), 128 GB and 2 SSD in France: at a load of
# 10 % 131 W (108 to 178), of which 72 W for the processor; embodied 150 kg (84 to 247), 5 years.
EPYC: Final = Machine(
    threads=64,
    points=_server(225, 131 - 72),
    low=108 / 131,
    high=178 / 131,
    embodied_kg=Estimate(150, 84, 247, Method.MODELLED),
    lifetime_years=5,
    source="BoaviztAPI 2.5.0, EPYC 7543, 128 GB, 2 SSD",
)
# The same ratios for the design power that Intel publishes (ark.intel.com), memory at 0.284 W/GB
# (BoaviztAPI), bounds as above.
XEON: Final = Machine(
    threads=32,
    points=_server(150, 18 + 23),
    low=108 / 131,
    high=178 / 131,
    embodied_kg=Estimate(150, 84, 247, Method.MODELLED),
    lifetime_years=5,
    source="Intel Xeon Silver 4314, 150 W, 64 GB, 2 SSD; ratios of BoaviztAPI 2.5.0",
)
SMALL: Final = Machine(
    threads=12,
    points=_server(65, 9 + 6),
    low=108 / 131,
    high=178 / 131,
    embodied_kg=Estimate(100, 50, 200, Method.MODELLED),
    lifetime_years=5,
    source="Intel Core i5-12400, 65 W, 32 GB, 1 SSD; ratios of BoaviztAPI 2.5.0",
)

# Grams of CO2 equivalent per kWh in France, yearly averages: Ember, life cycle, 2023 (as
# ourworldindata.org/grapher/carbon-intensity-electricity): 56; RTE, "Bilan électrique 2024",
# production alone: 21.7; BoaviztAPI 2.5.0, older and higher: 98.
FRENCH_GRID_SOURCE: Final = "Ember 2023, life cycle"
FRENCH_GRID_G_PER_KWH: Final = Estimate(56, 21.7, 98, Method.MODELLED)


def fitted_curve(points: Sequence[tuple[float, float]]) -> PowerCurve:
    """Fit a curve to points of load and power, by least squares.

    For each offset ``c`` the best ``a`` and ``d`` are those of a line; ``b`` only moves ``d`` and
    is 1.

    Raises:
        InvalidInputError: There are fewer than three loads.
    """
    if len({load for load, _ in points}) < 3:
        raise InvalidInputError("energy.power_points_few", count=len(points))
    return min(
        (_line_through(points, offset) for offset in _OFFSETS_TRIED),
        key=lambda curve: sum((curve.power_w(load) - power) ** 2 for load, power in points),
    )


def _line_through(points: Sequence[tuple[float, float]], offset: float) -> PowerCurve:
    logs = [math.log(load + offset) for load, _ in points]
    powers = [power for _, power in points]
    mean_log, mean_power = math.fsum(logs) / len(logs), math.fsum(powers) / len(powers)
    spread = math.fsum((one - mean_log) ** 2 for one in logs)
    together = math.fsum(
        (one - mean_log) * (power - mean_power) for one, power in zip(logs, powers, strict=True)
    )
    slope = together / spread
    return PowerCurve(slope, 1.0, offset, mean_power - slope * mean_log)


class PowerModel(msgspec.Struct, frozen=True):
    """The power of the platform's own machine, or of its part of one.

    Attributes:
        part: Which part of the whole machine is ours.
        shared: Others have the rest: how they load it is unknown.
    """

    machine: Machine
    curve: PowerCurve
    part: float
    shared: bool

    def idle_w(self) -> Estimate:
        """Return what our part takes at rest."""
        return self._bounded(self.curve.power_w(0) * self.part)

    def rest_w(self) -> Estimate:
        """Return what our part takes beside its processors: memory, disks, fans, board, losses.

        What load adds is taken to be the processors', as in the published curves; the rest is the
        same at any load. It errs by as much as the model of all of it at rest does.
        """
        idle = self.idle_w()
        added = (self.curve.power_w(1) - self.curve.power_w(0)) * self.part
        value = max(0.0, idle.value - _AT_REST_OF_ADDED * added)
        low = max(0.0, value - (idle.value - idle.low))
        return Estimate(value, low, value + (idle.high - idle.value), Method.MODELLED)

    def marginal_w(self, load: float) -> Estimate:
        """Return what our load adds to it; the load is of our part, from 0 to 1."""
        if not self.shared:
            return self._bounded((self.curve.power_w(load) - self.curve.power_w(0)) * self.part)
        added = load * self.part
        value = self.curve.power_w(added) - self.curve.power_w(0)
        busy = self.curve.power_w(_NEIGHBOURS_LOAD + added) - self.curve.power_w(_NEIGHBOURS_LOAD)
        bounded = self._bounded(value)
        return msgspec.structs.replace(bounded, low=min(bounded.low, busy * self.machine.low))

    def marginal_j_per_cpu_s(self) -> Estimate:
        """Return what a second of one thread adds on a machine at rest."""
        cpus = max(1.0, self.machine.threads * self.part)
        return self.marginal_w(0.01).scaled(100 / cpus)

    def embodied_g(self, duration_s: float) -> Estimate:
        """Return our part of what making the machine emitted, for a while of its life."""
        share = self.part * duration_s / (self.machine.lifetime_years * S_PER_YEAR)
        return self.machine.embodied_kg.scaled(1000 * share)

    def _bounded(self, value: float) -> Estimate:
        return Estimate(value, value * self.machine.low, value * self.machine.high, Method.MODELLED)


def power_model(machine: Machine, cpus: int, *, shared: bool) -> PowerModel:
    """Return the model of our part of a machine.

    Args:
        machine: The whole machine.
        cpus: How many of its threads are ours.
        shared: Whether others use the rest, as around a virtual machine.
    """
    part = min(1.0, cpus / machine.threads) if shared else 1.0
    return PowerModel(machine, fitted_curve(machine.points), part, shared)


def carbon_g(joules: Estimate, grid: Estimate, embodied: Estimate) -> Estimate:
    """Return ``E * I + M``: Green Software Foundation, Software Carbon Intensity 1.1.

    Args:
        joules: The energy taken.
        grid: What a kWh emits, in grams of CO2 equivalent.
        embodied: The part of what making the machine emitted, in grams.
    """
    return joules.scaled(1 / J_PER_KWH).times(grid) + embodied
