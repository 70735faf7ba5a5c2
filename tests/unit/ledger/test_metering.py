"""What meters gave: those that go on, begin anew, go back, jump, stop or tell nonsense."""

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.counters import Continuity
from beffroi.ledger.metering import LONGEST_GAP, Doubt, Meter, MeterRound
from tests.unit.ledger.meters import HOST, NOON, Meters, after, host_reading, launched, reading

CPU, TRAFFIC, MEMORY, STORAGE = (
    Meter.CPU_S,
    Meter.TRAFFIC_BYTES,
    Meter.MEMORY_BYTES,
    Meter.STORAGE_BYTES,
)
HOUR_S = 3600


def _amounts(found: MeterRound) -> list[int]:
    return [gain.amount for gain in found.gains]


def test_a_counter_gives_what_it_gained_in_whole_microseconds() -> None:
    meters = Meters()
    assert meters.read(reading(CPU, 1.0, 0)).gains == ()
    assert _amounts(meters.read(reading(CPU, 3.5, 60))) == [2_500_000]


def test_a_meter_that_stops_is_counted_when_it_is_read_again() -> None:
    meters = Meters()
    meters.read(reading(CPU, 1, 0))
    meters.read()
    [gain] = meters.read(reading(CPU, 7, 300)).gains
    assert (gain.amount, gain.since) == (6_000_000, NOON)


def test_another_run_gives_what_it_shows_since_the_last_round() -> None:
    """The application slept for an hour while the others were read."""
    meters = Meters()
    meters.read(reading(CPU, 100, 0), reading(CPU, 5, 0, subject="wiki"))
    meters.read(reading(CPU, 6, HOUR_S, subject="wiki"))
    [gain] = meters.read(reading(CPU, 2, HOUR_S + 60, "second")).gains
    assert (gain.amount, gain.since) == (2_000_000, after(HOUR_S))


def test_another_run_gives_what_it_shows_since_it_began() -> None:
    """The application slept for an hour, and no other was read meanwhile."""
    meters = Meters()
    meters.read(reading(CPU, 100, 0))
    [gain] = meters.read(launched(reading(CPU, 2, HOUR_S, "second"), HOUR_S - 7)).gains
    assert (gain.amount, gain.since) == (2_000_000, after(HOUR_S - 7))


def test_a_run_that_began_before_the_last_round_is_counted_from_there() -> None:
    meters = Meters()
    meters.read(reading(CPU, 100, 0))
    [gain] = meters.read(launched(reading(CPU, 2, 60, "second"), -3600)).gains
    assert gain.since == NOON


@pytest.mark.parametrize("meter", [TRAFFIC, Meter.REQUESTS])
def test_a_total_that_is_kept_for_ever_counts_from_where_it_is_first_read(meter: Meter) -> None:
    """The site is declared for the summer again, and its readings were forgotten meanwhile."""
    meters = Meters()
    meters.read(reading(meter, 3, 0, subject="wiki"))
    assert meters.read(reading(meter, 5e6, 60)).gains == ()
    assert _amounts(meters.read(reading(meter, 5e6 + 7, 120))) == [7]


def test_a_meter_of_a_kind_that_was_never_read_gives_nothing_at_first() -> None:
    meters = Meters()
    meters.read(reading(CPU, 100, 0))
    assert _amounts(meters.read(reading(TRAFFIC, 1e12, 60))) == []


def test_a_counter_that_goes_back_gives_nothing_and_goes_on_from_there() -> None:
    meters = Meters()
    rounds = [[reading(TRAFFIC, value, 60 * number)] for number, value in enumerate([9, 4, 6])]
    assert [_amounts(found) for found in meters.read_all(rounds)] == [[], [0], [2]]


def test_a_glitch_is_put_aside_and_nothing_is_lost() -> None:
    meters = Meters()
    values = [1000, 1e15, 3000]
    rounds = [[reading(TRAFFIC, value, 60 * number)] for number, value in enumerate(values)]
    _, glitch, well = meters.read_all(rounds)
    assert [one.reason for one in glitch.suspects] == [Doubt.TOO_FAST]
    assert glitch.gains == ()
    assert (_amounts(well), well.gains[0].since) == ([2000], NOON)


def test_a_jump_is_left_out_once_the_next_reading_confirms_it() -> None:
    meters = Meters()
    values = [1000, 1e15, 1e15 + 70]
    rounds = [[reading(TRAFFIC, value, 60 * number)] for number, value in enumerate(values)]
    _, jump, confirmed = meters.read_all(rounds)
    assert [one.before for one in jump.suspects] == [1000]
    assert (_amounts(confirmed), confirmed.gains[0].since) == ([70], after(60))


def test_two_absurd_readings_in_a_row_are_both_put_aside() -> None:
    meters = Meters()
    values = [1000, 1e15, 4e15, 4e15 + 5]
    rounds = [[reading(TRAFFIC, value, 60 * number)] for number, value in enumerate(values)]
    found = meters.read_all(rounds)
    assert [len(one.suspects) for one in found] == [0, 1, 1, 0]
    assert _amounts(found[-1]) == [5]


def test_a_new_run_that_begins_absurdly_high_gives_nothing() -> None:
    meters = Meters()
    meters.read(reading(TRAFFIC, 0, 0))
    found = meters.read(reading(TRAFFIC, 1e15, 60, "second"))
    assert (found.gains, [one.reason for one in found.suspects]) == ((), [Doubt.TOO_FAST])
    assert _amounts(meters.read(reading(TRAFFIC, 1e15 + 9, 120, "second"))) == [9]


def test_no_application_takes_more_than_its_host_has() -> None:
    meters = Meters([HOST])
    meters.read(reading(CPU, 0, 0))
    assert _amounts(meters.read(reading(CPU, 12 * 60, 60))) == [720_000_000]
    assert meters.read(reading(CPU, 12 * 60 * 10, 120)).suspects[0].reason is Doubt.TOO_FAST


def test_a_host_s_energy_is_bounded_by_what_its_kind_can_take() -> None:
    meters = Meters([HOST])
    meters.read(host_reading(Meter.HOST_ENERGY_J, 0, 0))
    found = meters.read(host_reading(Meter.HOST_ENERGY_J, 60 * 2000, 60))
    assert [one.reason for one in found.suspects] == [Doubt.TOO_FAST]


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e30])
@pytest.mark.parametrize("meter", [CPU, MEMORY])
def test_what_is_no_quantity_is_put_aside(meter: Meter, value: float) -> None:
    meters = Meters()
    meters.read(reading(meter, 5, 0))
    kept = dict(meters.kept)
    found = meters.read(reading(meter, value, 60))
    assert [one.reason for one in found.suspects] == [Doubt.NO_QUANTITY]
    assert meters.kept == kept


def test_what_is_held_counts_for_as_long_as_it_was_held() -> None:
    meters = Meters()
    meters.read(reading(MEMORY, 2**20, 0))
    assert _amounts(meters.read(reading(MEMORY, 3 * 2**20, 60))) == [3 * 60_000]


def test_more_memory_than_a_host_has_is_put_aside() -> None:
    found = Meters([HOST]).read(reading(MEMORY, 2**36, 0))
    assert [one.reason for one in found.suspects] == [Doubt.TOO_MUCH]


def test_what_was_held_during_a_long_silence_is_not_known() -> None:
    meters = Meters()
    meters.read(reading(STORAGE, 2**20, 0))
    assert meters.read(reading(STORAGE, 2**20, 3 * HOUR_S)).gains == ()
    assert _amounts(meters.read(reading(STORAGE, 2**20, 3 * HOUR_S + 60))) == [60_000]


def test_memory_of_another_run_was_not_held_while_the_application_slept() -> None:
    meters = Meters()
    meters.read(reading(MEMORY, 2**20, 0))
    [gain] = meters.read(reading(MEMORY, 2**20, HOUR_S, "second")).gains
    assert (gain.amount, gain.continuity) == (120_000, Continuity.BEGAN_ANEW)


def test_memory_is_held_since_the_run_began() -> None:
    meters = Meters()
    meters.read(reading(MEMORY, 2**20, 0))
    [gain] = meters.read(launched(reading(MEMORY, 2**20, HOUR_S, "second"), HOUR_S - 9)).gains
    assert (gain.amount, gain.since) == (9_000, after(HOUR_S - 9))


def test_a_silence_of_weeks_is_told_and_begins_anew() -> None:
    meters = Meters()
    meters.read(reading(CPU, 0, 0))
    late_s = (LONGEST_GAP + timedelta(days=1)).total_seconds()
    found = meters.read(reading(CPU, 50, late_s))
    assert (found.gains, found.suspects[0].reason) == ((), Doubt.TOO_LATE)


def test_a_round_read_twice_gives_nothing_more() -> None:
    meters = Meters()
    meters.read(reading(CPU, 0, 0))
    meters.read(reading(CPU, 5, 60))
    [gain] = meters.read(reading(CPU, 5, 60)).gains
    assert gain.amount == 0


@given(
    st.lists(
        st.tuples(st.floats(0.1, 4000), st.floats(0, 50), st.booleans(), st.booleans()),
        min_size=1,
        max_size=30,
    )
)
def test_gains_add_up_however_often_a_counter_is_read_or_missed(
    steps: list[tuple[float, float, bool, bool]],
) -> None:
    """Another run loses what its predecessor did after its last reading, and nothing else."""
    meters = Meters()
    at_s, counter, run, spent_us = 0.0, 7.0, 0, 0
    meters.read(reading(CPU, counter, 0, "0"))
    last_us = round(counter * 1e6)
    counted = 0
    for wait_s, cpu_s, restarts, is_read in steps:
        at_s += wait_s
        if restarts:
            run, counter = run + 1, 0.0
            last_us = 0
        counter += cpu_s
        if is_read:
            now_us = round(counter * 1e6)
            spent_us += now_us - last_us
            last_us = now_us
            counted += sum(_amounts(meters.read(reading(CPU, counter, at_s, f"{run}"))))
    assert counted == spent_us
