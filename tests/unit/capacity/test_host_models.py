"""Our table of host models, and power on the lines between its points."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.host_models import HOST_MODELS, MODELLED_EMBODIED, MODELLED_POWER
from beffroi.capacity.host_power import RunningHost, power_w, require_power, week_w
from beffroi.capacity.model import HOURS_OF_WEEK, HostModel, PowerPoint
from beffroi.kernel.errors import InvalidInputError

BLADE = HOST_MODELS["blade 2x Xeon Gold 16 cores, 8x 32 GB, 2 SSD"]
OLD = HOST_MODELS["2U 2x Xeon E5-2650, 8x 8 GB, 4 HDD"]
models = st.sampled_from(list(HOST_MODELS.values()))


def fleet(model: HostModel, count: int, load: float) -> list[RunningHost]:
    return [
        RunningHost(name=f"{model.name} {number}", model=model, load=(load,) * HOURS_OF_WEEK)
        for number in range(count)
    ]


@pytest.mark.parametrize("name", HOST_MODELS)
def test_a_model_of_the_table_is_whole_and_names_its_source(name: str) -> None:
    model = HOST_MODELS[name]
    require_power(model)
    assert model.name == name
    assert "BoaviztAPI" in model.power_source
    assert all(amount > 0 for amount in list(model.amounts)[:3])
    assert model.rack_units > 0
    assert model.embodied_kg > 0
    assert model.price_eur is None


def test_the_published_figures_are_those_of_the_table() -> None:
    assert [power_w(BLADE.power, load) for load in (0.001, 0.1, 0.3, 0.5, 1)] == [
        111,
        211,
        341,
        427,
        569,
    ]
    assert [power_w(OLD.power, load) for load in (0.001, 0.1, 0.3, 0.5, 1)] == [
        82,
        134,
        201,
        246,
        320,
    ]


def test_nine_new_hosts_take_15_percent_less_than_27_old_ones() -> None:
    """3,607 and 3,066 W where the watts of one host are not rounded."""
    before, after = week_w(fleet(OLD, 27, 0.1))[0], week_w(fleet(BLADE, 9, 0.3))[0]
    assert before == pytest.approx(3_607, rel=0.005)
    assert after == pytest.approx(3_066, rel=0.005)
    assert round(1 - after / before, 2) == 0.15


def test_power_is_on_the_line_between_two_points() -> None:
    assert power_w(OLD.power, 0.2) == pytest.approx((134 + 201) / 2)


def test_power_outside_the_points_is_that_of_the_nearest() -> None:
    assert power_w(OLD.power, 0) == 82
    assert power_w(OLD.power, 1.7) == 320


@given(models, st.floats(0, 1.2), st.floats(0, 1.2))
def test_more_load_never_takes_less_power(model: HostModel, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert power_w(model.power, low) <= power_w(model.power, high) + 1e-9


@given(models, st.floats(0, 1))
def test_power_lies_between_rest_and_full(model: HostModel, load: float) -> None:
    assert model.power[0].power_w <= power_w(model.power, load) <= model.power[-1].power_w + 1e-9


def test_a_week_is_added_up_hour_by_hour() -> None:
    busy = (0.1,) * 100 + (0.5,) * 68
    host = RunningHost(name="one", model=OLD, load=busy)
    week = week_w([host, *fleet(OLD, 1, 0.3)])
    assert (week[0], week[167]) == (134 + 201, 246 + 201)


@pytest.mark.parametrize("points", [(), (PowerPoint(0, 100),)])
def test_a_model_with_too_few_points_is_refused(points: tuple[PowerPoint, ...]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        require_power(msgspec.structs.replace(OLD, power=points))
    assert refused.value.code == "capacity.power_points_few"


@pytest.mark.parametrize(
    ("load", "power"), [(0.2, 150), (0.1, 150), (1.1, 150), (0.5, 99), (float("nan"), 150)]
)
def test_points_in_disorder_are_refused(load: float, power: float) -> None:
    points = (PowerPoint(0.2, 100), PowerPoint(load, power))
    with pytest.raises(InvalidInputError) as refused:
        require_power(msgspec.structs.replace(OLD, power=points))
    assert refused.value.code == "capacity.power_points_disordered"
    assert refused.value.values["model"] == OLD.name


def test_the_bounds_of_what_is_modelled_are_around_1() -> None:
    for bounds in (MODELLED_POWER, MODELLED_EMBODIED):
        assert bounds.low < bounds.value == 1 < bounds.high
