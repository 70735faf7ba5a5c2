"""What a plan saves: energy, euros, carbon, racks; each part of it apart.

The saving is taken apart in a stated order, each step beginning where the one before ended, so that
the parts add up exactly to the whole:

1. CONSOLIDATION: the same load on the plan's hosts, spares included and on.
2. SPARES: spare hosts switched off, where that is wanted.
3. SIZING: workloads made smaller; the hosts that are then left over. What is compared is a second
   plan, for the sizes that are allotted, made in the same way and as long.
4. PUE: what cooling and losses add, before and after.
5. UPKEEP: maintenance and licences of the hosts; no energy.

Another order would give other parts and the same whole. The bounds of a figure are reached when
every input errs at once in the worst way.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Final

import msgspec

from beffroi.capacity.host_power import RunningHost, loads_of, require_power
from beffroi.capacity.model import HOURS_OF_WEEK, Decision, Plan
from beffroi.capacity.savings_energy import (
    CENT,
    THOUSANDTH,
    Dependence,
    Draw,
    cost_eur,
    drawn_by,
    exact_kwh,
)
from beffroi.capacity.savings_terms import (
    Change,
    Footprint,
    Part,
    Range,
    Savings,
    SavingsAsked,
    SizingBasis,
    Stage,
    Step,
    Terms,
)
from beffroi.energy.model import Estimate
from beffroi.kernel.errors import InvalidInputError

_TENTH: Final = Decimal("0.1")


def change_of_plan(
    plan: Plan,
    *,
    unsized: Plan | None = None,
    use: Mapping[str, Sequence[int]],
    spares_off: bool,
) -> Change:
    """Say which hosts run before and after a plan, and how busy they are.

    Args:
        plan: With the workloads of the size they need.
        unsized: The plan for workloads of the size they have now; none where that is the same.
        use: Thousandths of a core that a workload uses on average at each hour of the week, by
            name. For the others the size they have now counts, before and after alike: making a
            workload smaller does not make it work less.
        spares_off: Spare hosts are switched off until they are needed.
    """
    present = (unsized or plan).inventory
    sized_now = {
        one.name: one.cpu_by_hour or (one.amounts.cpu_milli,) * HOURS_OF_WEEK
        for one in present.workloads
    }
    used = {**sized_now, **use}
    stands = {workload.name: workload.host for workload in present.workloads}
    loads = loads_of(present, stands, present.hosts, used)
    return Change(
        before=tuple(
            RunningHost(name=one.name, model=present.models[one.model], load=loads[one.name])
            for one in present.hosts
        ),
        consolidated=_running(unsized or plan, used),
        sized=_running(plan, used),
        spares_off=spares_off,
    )


def _running(plan: Plan, used: Mapping[str, Sequence[int]]) -> tuple[RunningHost, ...]:
    decisions = [one for one in plan.hosts if one.decision is not Decision.SWITCH_OFF]
    loads = loads_of(plan.inventory, plan.placement, plan.used_hosts, used)
    return tuple(
        RunningHost(
            name=one.host.name,
            model=plan.inventory.models[one.host.model],
            load=loads[one.host.name],
            spare=one.spare,
            bought=one.decision is Decision.BUY,
        )
        for one in decisions
    )


def savings_of(change: Change, terms: Terms) -> Savings:
    """Count what a change saves in a year, as a whole and by parts.

    Raises:
        InvalidInputError: A PUE is below 1, bounds are in disorder, a model has no power or one
            that is bought no price.
    """
    _require(change, terms)
    before, after = drawn_by(change.before, terms), drawn_by(change.running_after, terms)
    stages = _stages(change, terms)
    parts = _parts(stages, change)
    depends = Dependence(before, after, terms, parts[-1].eur)
    eur = sum((part.eur for part in parts), Decimal(0))
    purchase = sum((_price_eur(one) for one in change.sized if one.bought), Decimal(0))
    amortisation = (purchase / terms.amortisation_years).quantize(CENT)
    return Savings(
        before=_footprint(change.before, len(change.before), before, terms, terms.pue_before),
        after=_footprint(change.sized, len(change.running_after), after, terms, terms.pue_after),
        parts=parts,
        kwh=sum((part.kwh for part in parts), Decimal(0)),
        eur=eur,
        use_kg=sum((part.use_kg for part in parts), Decimal(0)),
        eur_between=depends.between(),
        tornado=depends.tornado(),
        purchase_eur=purchase,
        amortisation_eur=amortisation,
        net_eur=eur - amortisation,
        payback_years=(purchase / eur).quantize(_TENTH) if eur > 0 else None,
        terms=terms,
        stages=stages,
    )


def savings_of_plan(
    plan: Plan,
    asked: SavingsAsked,
    *,
    unsized: Plan | None = None,
    basis: SizingBasis = SizingBasis.UNCHANGED,
) -> Savings:
    """Count what a plan saves in a year.

    What the plan's workloads are sized for is what they are taken to use, before and after alike,
    so that a smaller size moves the saving from one part to another and adds nothing to it.

    Args:
        plan: With the workloads of the size they need.
        asked: What savings are counted with.
        unsized: The plan for the sizes that are allotted, where they are others and it was made.
        basis: How the part of sizing is found.

    Raises:
        InvalidInputError: As ``savings_of``.
    """
    use = {
        one.name: one.cpu_by_hour or (one.amounts.cpu_milli,) * HOURS_OF_WEEK
        for one in plan.inventory.workloads
    }
    change = change_of_plan(plan, unsized=unsized, use=use, spares_off=asked.spares_off)
    return msgspec.structs.replace(
        savings_of(change, asked.terms),
        sizing=basis,
        unsized_hosts=None if unsized is None else len(unsized.used_hosts),
    )


def _require(change: Change, terms: Terms) -> None:
    for host in (*change.before, *change.consolidated, *change.sized):
        require_power(host.model)
    for pue in (terms.pue_before, terms.pue_after):
        if pue.low < 1:
            raise InvalidInputError("capacity.pue_below_one", value=pue.low)
    for name in ("electricity_eur", "pue_before", "pue_after", "grid_g_per_kwh", "load"):
        _require_order(name, getattr(terms, name))
    for name in ("power_present", "power_bought", "embodied"):
        _require_order(name, getattr(terms, name))
    if terms.amortisation_years < 1:
        raise InvalidInputError("capacity.amortisation_short", years=terms.amortisation_years)
    if len(terms.grid_shape) != HOURS_OF_WEEK:
        raise InvalidInputError("capacity.intensity_hours_missing", known=len(terms.grid_shape))


def _require_order(name: str, bounds: Estimate | Range) -> None:
    if not 0 <= bounds.low <= bounds.value <= bounds.high:
        raise InvalidInputError(
            "capacity.bounds_disordered",
            name=name,
            low=bounds.low,
            value=bounds.value,
            high=bounds.high,
        )


def _stages(change: Change, terms: Terms) -> tuple[Stage, ...]:
    states = (
        (change.before, terms.pue_before),
        (change.consolidated, terms.pue_before),
        (change.running_of(change.consolidated), terms.pue_before),
        (change.running_after, terms.pue_before),
        (change.running_after, terms.pue_after),
    )
    return tuple(_stage(hosts, terms, pue) for hosts, pue in states)


def _stage(hosts: Sequence[RunningHost], terms: Terms, pue: Estimate) -> Stage:
    """Count a state's energy, its cost and what it emits, each rounded once."""
    draw = drawn_by(hosts, terms)
    kwh = exact_kwh(draw.kwh(terms, pue).value)
    return Stage(
        hosts=len(hosts),
        it_w=draw.watts(terms).value,
        pue=pue.value,
        kwh=kwh,
        eur=cost_eur(kwh, terms.electricity_eur.value),
        use_kg=Decimal(repr(draw.use_kg(terms, pue).value)).quantize(THOUSANDTH),
    )


def _parts(stages: Sequence[Stage], change: Change) -> tuple[Part, ...]:
    energy = (Step.CONSOLIDATION, Step.SPARES, Step.SIZING, Step.PUE)
    parts = [
        Part(step, was.kwh - now.kwh, was.eur - now.eur, was.use_kg - now.use_kg)
        for step, (was, now) in zip(energy, pairwise(stages), strict=True)
    ]
    upkeep = _upkeep_eur(change.before) - _upkeep_eur(change.sized)
    return (*parts, Part(Step.UPKEEP, Decimal(0), upkeep, Decimal(0)))


def _footprint(
    hosts: Sequence[RunningHost], running: int, draw: Draw, terms: Terms, pue: Estimate
) -> Footprint:
    kwh = draw.kwh(terms, pue)
    price = terms.electricity_eur
    embodied = sum(host.model.embodied_kg for host in hosts if host.bought)
    return Footprint(
        servers=len(hosts),
        running=running,
        rack_units=sum(host.model.rack_units for host in hosts),
        it_w=draw.watts(terms),
        kwh=kwh,
        electricity_eur=Range(
            cost_eur(exact_kwh(kwh.value), price.value),
            cost_eur(exact_kwh(kwh.low), price.low),
            cost_eur(exact_kwh(kwh.high), price.high),
        ),
        upkeep_eur=_upkeep_eur(hosts),
        use_kg=draw.use_kg(terms, pue),
        embodied_kg=terms.embodied.scaled(embodied / terms.amortisation_years),
    )


def _upkeep_eur(hosts: Sequence[RunningHost]) -> Decimal:
    return sum((Decimal(host.model.yearly_eur) for host in hosts), Decimal(0)).quantize(CENT)


def _price_eur(host: RunningHost) -> Decimal:
    if host.model.price_eur is None:
        raise InvalidInputError("capacity.price_missing", model=host.model.name)
    return Decimal(host.model.price_eur)
