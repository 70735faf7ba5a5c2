"""The power of the machine: of the model that its host declares, where that one is published."""

import pytest

from beffroi.app.platform_meters import declared_power
from beffroi.capacity.host_models import HOST_MODELS

_EPYC = "1U EPYC 7543, 8x 64 GB, 2 SSD"


def test_a_whole_machine_takes_what_its_model_takes() -> None:
    power = declared_power(_EPYC, 64)

    assert power is not None
    assert power.part == 1
    assert not power.shared
    assert (power.idle_w() + power.marginal_w(1)).value == pytest.approx(391, rel=0.05)


def test_a_virtual_machine_takes_its_part_of_the_model() -> None:
    whole, quarter = declared_power(_EPYC, 64), declared_power(_EPYC, 16)

    assert whole is not None
    assert quarter is not None
    assert quarter.shared
    assert quarter.idle_w().value == pytest.approx(whole.idle_w().value / 4)


@pytest.mark.parametrize("model", ["", "a blade of ours"])
def test_a_model_that_nobody_published_tells_no_power(model: str) -> None:
    assert declared_power(model, 2) is None


@pytest.mark.parametrize("model", HOST_MODELS)
def test_each_published_model_has_a_power_with_its_interval(model: str) -> None:
    power = declared_power(model, 8)

    assert power is not None
    idle = power.idle_w()
    assert 0 < idle.low < idle.value < idle.high
    assert power.machine.embodied_kg.low > 0
