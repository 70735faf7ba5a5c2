"""The nouns of savings: what they depend on, and what they come to."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from beffroi.capacity.carbon_hours import FLAT
from beffroi.capacity.host_power import RunningHost
from beffroi.energy.model import Estimate


class Range(msgspec.Struct, frozen=True):
    """An amount of money between two bounds."""

    value: Decimal
    low: Decimal
    high: Decimal


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a saving depends on besides the hosts; nothing has a silent default.

    Attributes:
        electricity_eur: Price of a kWh, in euros, everything that grows with use included.
        pue_before: Energy of the room divided by that of its machines, 1 or above (ISO/IEC
            30134-2).
        pue_after: The same once the plan is done.
        grid_g_per_kwh: What a kWh emits, in grams of CO2 equivalent.
        grid_source: Who published it, of which year and scope.
        grid_shape: How each hour of the week compares with all of them, as ``week_shape`` tells.
        load: Multiplies every load: 1, with how wrong the loads may be.
        power_present: Multiplies the power of the hosts that are there: 1, with its bounds.
        power_bought: The same for those that are bought.
        embodied: Multiplies what making hosts emitted: 1, with its bounds.
        amortisation_years: Over how many years purchases, and what making them emitted, are spread.
    """

    electricity_eur: Range
    pue_before: Estimate
    pue_after: Estimate
    grid_g_per_kwh: Estimate
    grid_source: str
    load: Estimate
    power_present: Estimate
    power_bought: Estimate
    embodied: Estimate
    amortisation_years: int
    grid_shape: tuple[float, ...] = FLAT


class SavingsAsked(msgspec.Struct, frozen=True):
    """What a plan's savings are counted with.

    Attributes:
        spares_off: Spare hosts stay switched off until they are needed.
    """

    terms: Terms
    spares_off: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts that run before and after.

    Attributes:
        consolidated: The plan's hosts for workloads of the size they have now.
        sized: Those for workloads of the size they need; the same where nothing is made smaller.
        spares_off: Spare hosts are switched off until they are needed.
    """

    before: tuple[RunningHost, ...]
    consolidated: tuple[RunningHost, ...]
    sized: tuple[RunningHost, ...]
    spares_off: bool

    @property
    def running_after(self) -> tuple[RunningHost, ...]:
        """Hosts that are on once all is done."""
        return self.running_of(self.sized)

    def running_of(self, hosts: tuple[RunningHost, ...]) -> tuple[RunningHost, ...]:
        """Leave out the spares where they are switched off."""
        return tuple(host for host in hosts if not (self.spares_off and host.spare))


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the rooms, in a year.

    Attributes:
        servers: Hosts, those that are switched off until needed included.
        running: Hosts that are on.
        it_w: What these take on average, before cooling and losses.
        electricity_eur: What the energy costs.
        upkeep_eur: Maintenance and licences.
        use_kg: CO2 equivalent of the energy.
        embodied_kg: The year's part of what making hosts emitted: of those that the change buys;
            what is already there has been emitted whatever is decided.
    """

    servers: int
    running: int
    rack_units: float
    it_w: Estimate
    kwh: Estimate
    electricity_eur: Range
    upkeep_eur: Decimal
    use_kg: Estimate
    embodied_kg: Estimate


class Step(StrEnum):
    """What saves, in the order in which it is counted."""

    CONSOLIDATION = "consolidation"
    SPARES = "spares"
    SIZING = "sizing"
    PUE = "pue"
    UPKEEP = "upkeep"


class SizingBasis(StrEnum):
    """How the part of sizing was found.

    UNCHANGED: every workload has the size that it is allotted, the part is nothing. PLANNED: by a
    second plan for the sizes that are allotted. NO_PLAN: for those none was found, so the part is
    not known and stays within that of consolidation.
    """

    UNCHANGED = "unchanged"
    PLANNED = "planned"
    NO_PLAN = "no_plan"


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """One state between before and after: a part is the difference of two that follow.

    Attributes:
        hosts: Those that are on.
        it_w: What they take on average.
        pue: What cooling and losses multiply it by.
    """

    hosts: int
    it_w: float
    pue: float
    kwh: Decimal
    eur: Decimal
    use_kg: Decimal


class Part(msgspec.Struct, frozen=True):
    """What one step saves in a year; below 0 where it costs."""

    step: Step
    kwh: Decimal
    eur: Decimal
    use_kg: Decimal


class Input(StrEnum):
    """What the yearly euros depend on."""

    LOAD = "load"
    POWER_PRESENT = "power_present"
    POWER_BOUGHT = "power_bought"
    PUE_BEFORE = "pue_before"
    PUE_AFTER = "pue_after"
    ELECTRICITY = "electricity"


class Swing(msgspec.Struct, frozen=True):
    """What is saved in a year when one input is at a bound and the others at their value."""

    input: Input
    at_low_eur: Decimal
    at_high_eur: Decimal

    @property
    def width_eur(self) -> Decimal:
        """How much the input alone decides."""
        return abs(self.at_high_eur - self.at_low_eur)


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan saves in a year, and what it takes to get there.

    Attributes:
        parts: In the order of ``Step``; they add up exactly to ``kwh``, ``eur`` and ``use_kg``.
        eur: Electricity and upkeep, without what purchases cost.
        eur_between: The same with its bounds.
        tornado: The widest first.
        purchase_eur: What is bought, once, taxes excluded.
        amortisation_eur: The year's part of it.
        net_eur: What is saved in a year once that part is paid.
        payback_years: After how many years the purchase is paid back; none where nothing is saved
            in a year.
        stages: Before, then after each step that changes energy, in the order of ``Step``.
        sizing: How the part of sizing was found.
        unsized_hosts: Hosts of the plan for the sizes that are allotted, where there is one.
    """

    before: Footprint
    after: Footprint
    parts: tuple[Part, ...]
    kwh: Decimal
    eur: Decimal
    use_kg: Decimal
    eur_between: Range
    tornado: tuple[Swing, ...]
    purchase_eur: Decimal
    amortisation_eur: Decimal
    net_eur: Decimal
    payback_years: Decimal | None
    terms: Terms
    stages: tuple[Stage, ...] = ()
    sizing: SizingBasis = SizingBasis.UNCHANGED
    unsized_hosts: int | None = None
