"""What a site gave, took and spared."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.results import (
    NO_PARTS,
    Parts,
    Period,
    cpu_s_per_rendering,
    day_results,
    results_of,
)
from beffroi.delivery.results_usage import SlotFigures
from beffroi.energy.model import Estimate, Method
from beffroi.kernel.units import MIB
from tests.unit.delivery.slot_figures import DAY, HOST, figures
from tests.unit.delivery.visit_lines import NOON


def _sum(slots: list[SlotFigures]) -> Parts:
    return sum((one.parts for one in day_results(slots, HOST)), NO_PARTS)


def test_what_a_rendering_takes_leaves_rest_out() -> None:
    slots = [figures(n, pages=100, rendered=10, cpu_s=0.75 + 0.3) for n in range(6)]
    slots += [figures(n, cpu_s=0.3) for n in range(6, 12)]
    found = cpu_s_per_rendering(slots)
    assert found.value == pytest.approx(0.075)
    assert found.method is Method.RENDERINGS
    assert found.high - found.low == pytest.approx(0, abs=1e-9)


def test_unlike_slots_widen_the_interval() -> None:
    slots = [figures(n, pages=100, rendered=10, cpu_s=0.5 + 0.1 * (n % 5)) for n in range(20)]
    found = cpu_s_per_rendering(slots)
    assert found.low < 0.07 < found.high
    assert found.low > 0


def test_with_nothing_rendered_nothing_is_claimed() -> None:
    parts = _sum([figures(n, pages=100) for n in range(3)])
    assert parts.cpu_without_s.method is Method.NOTHING_RENDERED
    assert parts.cpu_without_s.value <= parts.cpu_s.value


def test_every_page_would_have_been_rendered_without_the_store() -> None:
    parts = _sum([figures(n, pages=1000, rendered=10, cpu_s=0.75) for n in range(12)])
    found = results_of(parts, DAY, HOST)
    assert found.hit_ratio == pytest.approx(0.99)
    assert found.cpu_s_per_1000 is not None
    assert found.cpu_s_per_1000.value == pytest.approx(0.75 + 0.1 + 0.02)
    assert found.cpu_s_per_1000.low == found.cpu_s_per_1000.high
    assert found.cpu_s_per_1000_without is not None
    assert found.cpu_s_per_1000_without.value == pytest.approx(75 + 0.1)


def test_pages_rendered_ahead_are_no_gain_by_themselves() -> None:
    ahead = [figures(0, pages=0, rendered=0, cpu_s=0.0), figures(1, pages=0, cpu_s=0.0)]
    warmed = figures(2, pages=1, rendered=1, cpu_s=0.075)
    parts = _sum([*ahead, warmed, figures(3, pages=0)])
    assert parts.cpu_without_s.value <= parts.cpu_s.value + 1e-9


def test_joules_come_from_the_meter_where_there_is_one() -> None:
    slots = [figures(0, host_joules=3000), figures(1, pages=1000, host_joules=3330)]
    found = results_of(_sum(slots), DAY, HOST)
    assert found.joules_per_1000 is not None
    # 330 J above the quietest slot, for 1.1 s of CPU, of which 0.1 s are the site's.
    assert found.joules_per_1000.value == pytest.approx(30)
    assert found.joules_per_1000.low == found.joules_per_1000.high


def test_the_machine_at_rest_is_shared_by_memory_and_told_apart() -> None:
    found = results_of(_sum([figures(0, pages=1000)]), DAY, HOST)
    assert found.idle_j_per_1000 is not None
    assert found.idle_j_per_1000.value == pytest.approx(
        HOST.power.idle_w().value * 300 / 3, rel=1e-6
    )


def test_memory_of_a_stopped_site_is_spared() -> None:
    slots = [figures(n, running=n < 3) for n in range(12)]
    period = Period(NOON, NOON + timedelta(hours=1))
    found = results_of(_sum(slots), period, HOST)
    assert found.memory_spared_bytes == pytest.approx(75 * MIB)
    assert found.machines_avoided.value == pytest.approx(75 / 4096)


def test_machines_avoided_follow_the_scarcer_of_cpu_and_memory() -> None:
    """A day of two threads at 30 % is 51 840 CPU seconds: 691 200 renderings of 75 ms."""
    slots = [figures(n, pages=9600, rendered=96, cpu_s=7.2) for n in range(288)]
    found = results_of(_sum(slots), DAY, HOST)
    assert 3.9 < found.machines_avoided.value < 4.0
    assert found.machines_avoided.low <= found.machines_avoided.value


def test_a_site_without_a_page_has_sums_and_no_ratios() -> None:
    found = results_of(_sum([figures(0)]), DAY, HOST)
    assert found.hit_ratio is None
    assert found.cpu_s_per_1000 is None
    assert found.carbon_g_per_1000 is None
    assert found.carbon_g.value > 0


def test_no_slot_at_all_is_nothing() -> None:
    assert day_results([], HOST) == ()
    assert results_of(NO_PARTS, DAY, HOST).carbon_g.value == 0


def test_days_are_apart() -> None:
    days = day_results([figures(0, pages=5), figures(200, pages=7)], HOST)
    assert [one.parts.counts.pages for one in days] == [5, 7]


SLOTS = st.builds(
    lambda number, pages, missed, cpu_s, running: figures(
        number, pages=pages, rendered=min(missed, pages), cpu_s=cpu_s, running=running
    ),
    number=st.integers(0, 600),
    pages=st.integers(0, 5000),
    missed=st.integers(0, 500),
    cpu_s=st.floats(0, 200),
    running=st.booleans(),
)


@given(st.lists(SLOTS, max_size=30, unique_by=lambda one: one.slot))
def test_days_add_up_to_the_whole_and_bounds_hold(slots: list[SlotFigures]) -> None:
    slots.sort(key=lambda one: one.slot)
    parts = _sum(slots)
    assert parts.counts.pages == sum(one.counts.pages for one in slots)
    assert parts.cpu_s.value == pytest.approx(
        sum(one.cpu_s + one.nginx_cpu_s + one.filler_cpu_s for one in slots)
    )
    found = results_of(parts, DAY, HOST)
    for one in (
        parts.cpu_without_s,
        parts.marginal_j,
        parts.marginal_without_j,
        parts.idle_j,
        found.carbon_g,
        found.machines_avoided,
    ):
        _assert_in_order(one)


def _assert_in_order(one: Estimate) -> None:
    slack = 1e-9 * max(1.0, abs(one.high))
    assert -slack <= one.low <= one.value + slack
    assert one.value <= one.high + slack
