"""What a plan saves, part by part."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.host_models import HOST_MODELS, MODELLED_EMBODIED, MODELLED_POWER
from beffroi.capacity.host_power import RunningHost
from beffroi.capacity.model import (
    HOURS_OF_WEEK,
    HostModel,
)
from beffroi.capacity.savings import savings_of
from beffroi.capacity.savings_terms import (
    Change,
    Input,
    Range,
    Savings,
    SizingBasis,
    Step,
    Terms,
)
from beffroi.energy.model import Estimate, Method, exactly
from beffroi.kernel.errors import InvalidInputError

OLD = HOST_MODELS["2U 2x Xeon E5-2650, 8x 8 GB, 4 HDD"]
BLADE = msgspec.structs.replace(
    HOST_MODELS["blade 2x Xeon Gold 16 cores, 8x 32 GB, 2 SSD"],
    price_eur="9000",
    yearly_eur="400",
)
EXACT = exactly(1, Method.MEASURED)


def money(value: str) -> Range:
    return Range(Decimal(value), Decimal(value), Decimal(value))


def terms(**changes: Any) -> Terms:
    known = Terms(
        electricity_eur=money("0.20"),
        pue_before=exactly(1.8, Method.MEASURED),
        pue_after=exactly(1.8, Method.MEASURED),
        grid_g_per_kwh=exactly(56, Method.MODELLED),
        grid_source="Ember 2023, life cycle",
        load=EXACT,
        power_present=EXACT,
        power_bought=EXACT,
        embodied=EXACT,
        amortisation_years=5,
    )
    return msgspec.structs.replace(known, **changes)


def uncertain() -> Terms:
    return terms(
        electricity_eur=Range(Decimal("0.20"), Decimal("0.15"), Decimal("0.30")),
        pue_before=Estimate(1.8, 1.6, 2.0, Method.MODELLED),
        pue_after=Estimate(1.4, 1.3, 1.6, Method.MODELLED),
        grid_g_per_kwh=Estimate(56, 21.7, 98, Method.MODELLED),
        load=Estimate(1, 0.8, 1.3, Method.MODELLED),
        power_present=MODELLED_POWER,
        power_bought=MODELLED_POWER,
        embodied=MODELLED_EMBODIED,
    )


def fleet(
    model: HostModel, count: int, load: float, *, bought: bool = False, spares: int = 0
) -> tuple[RunningHost, ...]:
    return tuple(
        RunningHost(
            name=f"{model.name} {number}",
            model=model,
            load=(0.0 if number < spares else load,) * HOURS_OF_WEEK,
            spare=number < spares,
            bought=bought,
        )
        for number in range(count)
    )


def nine_for_27(*, spares: int = 0, sized: int = 9, spares_off: bool = False) -> Change:
    return Change(
        before=fleet(OLD, 27, 0.1),
        consolidated=fleet(BLADE, 9, 0.3, bought=True, spares=spares),
        sized=fleet(BLADE, sized, 0.3, bought=True, spares=spares),
        spares_off=spares_off,
    )


def by_step(savings: Savings) -> dict[Step, Decimal]:
    return {part.step: part.kwh for part in savings.parts}


def assert_parts_add_up(savings: Savings) -> None:
    assert sum((part.kwh for part in savings.parts), Decimal(0)) == savings.kwh
    assert sum((part.eur for part in savings.parts), Decimal(0)) == savings.eur
    assert sum((part.use_kg for part in savings.parts), Decimal(0)) == savings.use_kg
    assert [part.step for part in savings.parts] == list(Step)


def test_nine_for_27_alone_saves_15_percent() -> None:
    savings = savings_of(nine_for_27(), terms())
    assert (savings.before.servers, savings.after.servers) == (27, 9)
    assert (savings.before.rack_units, savings.after.rack_units) == (54, 9)
    assert savings.before.it_w.value == pytest.approx(27 * 134)
    assert savings.after.it_w.value == pytest.approx(9 * 341)
    assert round(float(savings.kwh) / savings.before.kwh.value, 2) == 0.15
    steps = by_step(savings)
    assert steps.pop(Step.CONSOLIDATION) == savings.kwh
    assert set(steps.values()) == {Decimal(0)}


def test_a_year_is_8766_hours_of_power_cooling_included() -> None:
    savings = savings_of(nine_for_27(), terms())
    assert savings.before.kwh.value == pytest.approx(27 * 134 * 1.8 * 8.766)
    assert savings.before.electricity_eur.value == Decimal(
        str(round(27 * 134 * 1.8 * 8.766 * 0.2, 2))
    )
    assert savings.before.use_kg.value == pytest.approx(27 * 134 * 1.8 * 8.766 * 0.056)


def test_each_step_saves_in_its_own_part() -> None:
    change = nine_for_27(spares=1, sized=8, spares_off=True)
    savings = savings_of(change, terms(pue_after=exactly(1.4, Method.MEASURED)))
    per_w = 8.766
    assert {step: float(kwh) for step, kwh in by_step(savings).items()} == pytest.approx(
        {
            Step.CONSOLIDATION: (27 * 134 - 8 * 341 - 111) * 1.8 * per_w,
            Step.SPARES: 111 * 1.8 * per_w,
            Step.SIZING: 341 * 1.8 * per_w,
            Step.PUE: 7 * 341 * 0.4 * per_w,
            Step.UPKEEP: 0,
        },
        rel=1e-6,
    )
    assert (savings.after.servers, savings.after.running) == (8, 7)
    assert_parts_add_up(savings)


def test_spares_that_stay_on_save_nothing() -> None:
    steps = by_step(savings_of(nine_for_27(spares=1), terms()))
    assert steps[Step.SPARES] == 0


def test_upkeep_is_counted_in_euros_alone() -> None:
    savings = savings_of(nine_for_27(), terms())
    upkeep = savings.parts[-1]
    assert (upkeep.kwh, upkeep.eur, upkeep.use_kg) == (
        Decimal(0),
        Decimal("-3600.00"),
        Decimal(0),
    )
    assert savings.after.upkeep_eur == Decimal("3600.00")


def test_a_purchase_is_spread_and_paid_back() -> None:
    change = nine_for_27()
    cheap = tuple(
        msgspec.structs.replace(
            host, model=msgspec.structs.replace(BLADE, price_eur="100.10", yearly_eur="0")
        )
        for host in change.sized
    )
    change = msgspec.structs.replace(change, consolidated=cheap, sized=cheap)
    savings = savings_of(change, terms())
    assert savings.purchase_eur == Decimal("900.90")
    assert savings.amortisation_eur == Decimal("180.18")
    assert savings.net_eur == savings.eur - Decimal("180.18")
    assert savings.payback_years == (Decimal("900.90") / savings.eur).quantize(Decimal("0.1"))


def test_what_saves_nothing_is_never_paid_back() -> None:
    savings = savings_of(nine_for_27(), terms(electricity_eur=money("0.01")))
    assert savings.eur < 0
    assert savings.payback_years is None


def test_only_what_is_bought_adds_what_making_it_emitted() -> None:
    savings = savings_of(nine_for_27(), terms())
    assert savings.before.embodied_kg.value == 0
    assert savings.after.embodied_kg.value == 9 * 800 / 5


def test_a_kwh_of_a_dirty_hour_weighs_more() -> None:
    by_day = tuple(1.5 if 8 <= hour % 24 < 20 else 0.5 for hour in range(HOURS_OF_WEEK))
    load = tuple(1.0 if 8 <= hour % 24 < 20 else 0.0 for hour in range(HOURS_OF_WEEK))
    host = RunningHost(name="one", model=OLD, load=load)
    change = Change(before=(host,), consolidated=(), sized=(), spares_off=False)
    flat = savings_of(change, terms())
    shaped = savings_of(change, terms(grid_shape=by_day))
    assert flat.kwh == shaped.kwh
    ratio = (320 * 1.5 + 82 * 0.5) / (320 + 82)
    assert float(shaped.use_kg / flat.use_kg) == pytest.approx(ratio, rel=1e-6)


def test_the_tornado_tells_the_widest_first() -> None:
    savings = savings_of(nine_for_27(spares=1), uncertain())
    widths = [swing.width_eur for swing in savings.tornado]
    assert widths == sorted(widths, reverse=True)
    assert {swing.input for swing in savings.tornado} == set(Input)


def test_dearer_electricity_saves_more_where_energy_is_saved() -> None:
    savings = savings_of(nine_for_27(), uncertain())
    swings = {swing.input: swing for swing in savings.tornado}
    price = swings[Input.ELECTRICITY]
    assert price.at_low_eur < savings.eur < price.at_high_eur
    assert swings[Input.PUE_AFTER].at_low_eur > swings[Input.PUE_AFTER].at_high_eur


def test_what_is_known_exactly_swings_nothing() -> None:
    savings = savings_of(nine_for_27(), terms())
    assert {swing.width_eur for swing in savings.tornado} == {Decimal(0)}
    assert savings.eur_between == Range(savings.eur, savings.eur, savings.eur)


def test_a_figure_says_how_weakly_it_is_known() -> None:
    measured = savings_of(nine_for_27(), terms())
    modelled = savings_of(nine_for_27(), terms(power_present=MODELLED_POWER))
    assert measured.before.it_w.method is Method.MEASURED
    assert modelled.before.it_w.method is Method.MODELLED
    assert modelled.before.it_w.low < modelled.before.it_w.value < modelled.before.it_w.high


@st.composite
def changes(draw: st.DrawFn) -> Change:
    counts, loads = st.integers(0, 6), st.floats(0, 1)
    return Change(
        before=fleet(OLD, draw(counts), draw(loads)),
        consolidated=fleet(BLADE, draw(counts), draw(loads), bought=True, spares=1),
        sized=(
            *fleet(BLADE, draw(counts), draw(loads), bought=True, spares=1),
            *fleet(OLD, draw(counts), draw(loads)),
        ),
        spares_off=draw(st.booleans()),
    )


@st.composite
def doubtful_terms(draw: st.DrawFn) -> Terms:
    pue = st.floats(1, 3).map(lambda value: Estimate(value, 1.0, 3.0, Method.MODELLED))
    price = draw(st.decimals("0", "1", places=4))
    return msgspec.structs.replace(
        uncertain(),
        pue_before=draw(pue),
        pue_after=draw(pue),
        electricity_eur=Range(price, Decimal(0), Decimal(1)),
    )


@given(changes(), doubtful_terms())
def test_parts_add_up_exactly_and_bounds_hold_whatever_changes(
    change: Change, known: Terms
) -> None:
    savings = savings_of(change, known)
    assert_parts_add_up(savings)
    assert savings.eur_between.value == savings.eur
    assert savings.eur_between.low <= savings.eur <= savings.eur_between.high
    for swing in savings.tornado:
        assert savings.eur_between.low <= swing.at_low_eur <= savings.eur_between.high
        assert savings.eur_between.low <= swing.at_high_eur <= savings.eur_between.high


def test_savings_go_through_json_and_back() -> None:
    savings = savings_of(nine_for_27(spares=1), uncertain())
    assert msgspec.json.decode(msgspec.json.encode(savings), type=Savings) == savings


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pue_after": exactly(0.9, Method.MEASURED)}, "pue_below_one"),
        ({"load": Estimate(1, 1.1, 1.2, Method.MODELLED)}, "bounds_disordered"),
        ({"electricity_eur": money("-0.1")}, "bounds_disordered"),
        ({"grid_g_per_kwh": exactly(float("nan"), Method.MODELLED)}, "bounds_disordered"),
        ({"amortisation_years": 0}, "amortisation_short"),
        ({"grid_shape": (1.0,)}, "intensity_hours_missing"),
    ],
)
def test_absurd_terms_are_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        savings_of(nine_for_27(), terms(**changes))
    assert refused.value.code == f"capacity.{code}"


def test_a_bought_model_without_a_price_is_refused() -> None:
    unpriced = msgspec.structs.replace(BLADE, price_eur=None)
    change = Change(
        before=(), consolidated=(), sized=fleet(unpriced, 1, 0.1, bought=True), spares_off=False
    )
    with pytest.raises(InvalidInputError) as refused:
        savings_of(change, terms())
    assert (refused.value.code, refused.value.values) == (
        "capacity.price_missing",
        {"model": BLADE.name},
    )


def test_each_part_is_the_difference_of_two_stages() -> None:
    known = savings_of(nine_for_27(spares=2, sized=7, spares_off=True), uncertain())
    assert [one.hosts for one in known.stages] == [27, 9, 7, 5, 5]
    differences = [was.kwh - now.kwh for was, now in pairwise(known.stages)]
    assert differences == [part.kwh for part in known.parts[:-1]]


def test_savings_that_were_kept_before_stages_were_told_are_read() -> None:
    kept = msgspec.json.decode(msgspec.json.encode(savings_of(nine_for_27(), uncertain())))
    for name in ("stages", "sizing", "unsized_hosts"):
        del kept[name]
    read = msgspec.convert(kept, Savings)
    assert (read.stages, read.sizing, read.unsized_hosts) == ((), SizingBasis.UNCHANGED, None)
