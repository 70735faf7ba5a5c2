"""Power from load, joules from CPU time, grams from joules, each with its interval."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.energy.model import (
    EPYC,
    FRENCH_GRID_G_PER_KWH,
    J_PER_KWH,
    S_PER_YEAR,
    SMALL,
    XEON,
    Estimate,
    Machine,
    Method,
    carbon_g,
    exactly,
    fitted_curve,
    power_model,
)
from beffroi.kernel.errors import InvalidInputError

MACHINES = [EPYC, XEON, SMALL]
LOADS = st.floats(0, 1)
ESTIMATES = st.builds(
    lambda low, more, most: Estimate(low + more, low, low + more + most, Method.MODELLED),
    *[st.floats(0, 1e6)] * 3,
)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.source[:12])
def test_a_curve_meets_the_published_points_within_one_watt(machine: Machine) -> None:
    curve = fitted_curve(machine.points)
    for load, power in machine.points:
        assert curve.power_w(load) == pytest.approx(power, abs=1)


def test_a_curve_finds_itself_again() -> None:
    curve = fitted_curve(EPYC.points)
    again = fitted_curve([(load / 10, curve.power_w(load / 10)) for load in range(11)])
    assert again.a == pytest.approx(curve.a)
    assert again.c == pytest.approx(curve.c)


def test_two_loads_make_no_curve() -> None:
    with pytest.raises(InvalidInputError) as raised:
        fitted_curve([(0, 50), (1, 100), (1, 101)])
    assert raised.value.code == "energy.power_points_few"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.source[:12])
@given(lower=LOADS, higher=LOADS)
def test_more_load_never_takes_less(machine: Machine, lower: float, higher: float) -> None:
    model = power_model(machine, 4, shared=True)
    least, most = sorted((lower, higher))
    assert model.marginal_w(least).value <= model.marginal_w(most).value + 1e-9


@given(LOADS)
def test_an_estimate_lies_in_its_interval(load: float) -> None:
    for shared in (False, True):
        found = power_model(EPYC, 2, shared=shared).marginal_w(load)
        assert 0 <= found.low <= found.value <= found.high


def test_at_rest_nothing_is_added() -> None:
    assert power_model(EPYC, 2, shared=True).marginal_w(0).value == 0


@pytest.mark.parametrize(("machine", "rest_w"), [(EPYC, 131 - 72), (XEON, 18 + 23), (SMALL, 9 + 6)])
def test_what_a_machine_takes_beside_its_processors_is_found_in_its_curve(
    machine: Machine, rest_w: float
) -> None:
    """The published curves were made of the processors' and of this rest."""
    found = power_model(machine, machine.threads, shared=False).rest_w()
    assert found.value == pytest.approx(rest_w, rel=0.05)
    assert 0 < found.low < rest_w < found.high
    assert found.method is Method.MODELLED


@given(st.floats(20, 300), st.floats(0, 300))
def test_the_rest_of_a_machine_is_a_part_of_what_it_takes_at_rest(
    idle_w: float, added_w: float
) -> None:
    points = ((0.0, idle_w), (0.5, idle_w + added_w / 2), (1.0, idle_w + added_w))
    model = power_model(msgspec.structs.replace(EPYC, points=points), 64, shared=False)
    found = model.rest_w()
    assert 0 <= found.low <= found.value <= model.idle_w().value + 1e-9
    assert found.value <= found.high


def test_a_part_of_a_shared_machine_takes_its_part_at_rest() -> None:
    whole, part = power_model(EPYC, 64, shared=True), power_model(EPYC, 2, shared=True)
    assert part.idle_w().value == pytest.approx(whole.idle_w().value / 32)


def test_the_published_joules_of_a_cpu_second_are_met() -> None:
    """From 10 to 30 % the processor of 64 threads goes from 72 to 130 W: 4.5 J per CPU second."""
    curve = fitted_curve(EPYC.points)
    assert (curve.power_w(0.3) - curve.power_w(0.1)) / (0.2 * 64) == pytest.approx(4.5, rel=0.1)


def test_embodied_emissions_are_spread_over_the_life() -> None:
    whole_life_s = EPYC.lifetime_years * S_PER_YEAR
    model = power_model(EPYC, 64, shared=False)
    assert model.embodied_g(whole_life_s).value == pytest.approx(150_000)


def test_emissions_follow_the_formula() -> None:
    found = carbon_g(
        exactly(2 * J_PER_KWH, Method.METERED),
        FRENCH_GRID_G_PER_KWH,
        Estimate(10, 5, 20, Method.MODELLED),
    )
    assert (found.value, found.low, found.high) == pytest.approx((122, 48.4, 216))
    assert found.method is Method.MODELLED


@given(ESTIMATES, ESTIMATES)
def test_sums_and_products_keep_the_value_inside(one: Estimate, other: Estimate) -> None:
    for found in (one + other, one.times(other), one.scaled(3)):
        assert found.low <= found.value <= found.high
