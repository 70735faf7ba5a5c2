"""What meters gave, divided between minutes, and the energy of hosts with it."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.ledger.metering import Meter, MeteredTenant, MeterReading
from beffroi.ledger.usage_records import (
    HostShare,
    UsageRecord,
    host_energy_records,
    host_shares,
    usage_records,
)
from tests.unit.ledger.meters import HOST, NOON, Meters, after, host_reading, launched, reading

CPU, ENERGY = Meter.HOST_CPU_S, Meter.HOST_ENERGY_J


def _records(*rounds: list[MeterReading]) -> list[UsageRecord]:
    meters = Meters([HOST])
    found: list[UsageRecord] = []
    for readings in rounds:
        found += usage_records(meters.read(*readings).gains, ())
    return found


def _shares(*rounds: list[MeterReading]) -> list[HostShare]:
    meters = Meters([HOST])
    return [
        share for readings in rounds for share in host_shares(meters.read(*readings).gains, [HOST])
    ]


def test_meters_of_a_minute_make_one_record() -> None:
    [found] = _records(
        [reading(Meter.CPU_S, 0, 0), reading(Meter.REQUESTS, 0, 0)],
        [reading(Meter.CPU_S, 3, 60), reading(Meter.REQUESTS, 7, 60)],
    )
    assert (found.application, found.organisation, found.minute) == ("bus", "ville", NOON)
    assert (found.cpu_us, found.requests, found.running_ms) == (3_000_000, 7, 60_000)
    assert found.minutes == 1


def test_a_reading_across_minutes_is_divided_by_time() -> None:
    first, second = _records(
        [reading(Meter.CPU_S, 0, 45)],
        [reading(Meter.CPU_S, 4, 105)],
    )
    assert (first.cpu_us, second.cpu_us) == (1_000_000, 3_000_000)
    assert (first.running_ms, second.running_ms) == (15_000, 45_000)


@given(st.lists(st.integers(1, 5_000_000), min_size=1, max_size=50))
def test_however_often_an_application_is_read_it_ran_as_long(pauses_us: list[int]) -> None:
    moments = [sum(pauses_us[:count]) / 1e6 for count in range(len(pauses_us) + 1)]
    found = _records(*([reading(Meter.CPU_S, at_s, at_s)] for at_s in moments))
    assert sum(one.running_ms for one in found) == sum(pauses_us) // 1000


def test_a_long_silence_falls_into_hours_whose_memory_and_storage_nobody_knows() -> None:
    found = _records([reading(Meter.CPU_S, 0, 0)], [reading(Meter.CPU_S, 5, 5 * 3600)])
    assert [one.minute for one in found] == [NOON + timedelta(hours=hour) for hour in range(5)]
    assert {(one.cpu_us, one.minutes) for one in found} == {(1_000_000, 0)}


def test_a_run_is_not_said_to_have_run_before_it_can_have_begun() -> None:
    """The platform was down for half an hour and started the application again."""
    found = _records([reading(Meter.CPU_S, 50, 0)], [reading(Meter.CPU_S, 6, 1800, "second")])
    assert sum(one.cpu_us for one in found) == 6_000_000
    assert sum(one.running_ms for one in found) == 120_000


def test_an_application_that_slept_is_not_said_to_have_run() -> None:
    """It was alone: nobody's CPU time was read for the eight hours that it slept."""
    woken_s = 8 * 3600 + 50
    found = _records(
        [reading(Meter.CPU_S, 600, 0), reading(Meter.MEMORY_BYTES, 2**30, 0)],
        [
            launched(reading(Meter.CPU_S, 4, 8 * 3600 + 60, "woken"), woken_s),
            launched(reading(Meter.MEMORY_BYTES, 2**30, 8 * 3600 + 60, "woken"), woken_s),
        ],
    )
    assert sum(one.cpu_us for one in found) == 4_000_000
    assert sum(one.running_ms for one in found) == 10_000
    assert sum(one.memory_mib_ms for one in found) == 1024 * 10_000
    assert sum(one.minutes for one in found) == 1


def test_a_host_that_was_off_took_nothing_meanwhile() -> None:
    booted_s, now_s = 10 * 3600, 10 * 3600 + 90
    [share] = _shares(
        [host_reading(CPU, 9000, 0)],
        [launched(host_reading(CPU, 20, now_s, "next boot"), booted_s)],
    )
    assert (share.since, share.until) == (after(booted_s), after(now_s))
    most_j = (HOST.power.idle_w() + HOST.power.marginal_w(20 / (12 * 90))).value * 90
    assert share.attribution.energy_mj == round(most_j * 1000)


def test_a_clock_set_back_takes_no_metered_joule_away() -> None:
    shares = _shares(
        [host_reading(CPU, 0, 3600), host_reading(ENERGY, 0, 3600)],
        [host_reading(CPU, 30, 0), host_reading(ENERGY, 60, 0)],
        [host_reading(CPU, 60, 60), host_reading(ENERGY, 4060, 60)],
    )
    assert [share.attribution.energy_mj for share in shares] == [60_000, 4_000_000]
    records = host_energy_records(shares)
    assert sum(one.energy_mj for one in records) == 4_060_000


def test_stored_bytes_are_used_while_nothing_runs() -> None:
    rounds = [[reading(Meter.STORAGE_BYTES, 2**30, 60 * minute, "")] for minute in range(3)]
    found = _records(*rounds)
    assert [one.storage_mib_ms for one in found] == [1024 * 60_000] * 2
    assert {one.running_ms for one in found} == {0}


def test_what_a_meter_counted_is_divided() -> None:
    [share] = _shares(
        [host_reading(CPU, 0, 0), host_reading(ENERGY, 0, 0)],
        [host_reading(CPU, 60, 60), host_reading(ENERGY, 5000, 60)],
    )
    assert (share.attribution.energy_mj, share.attribution.modelled) == (5_000_000, False)


@pytest.mark.parametrize(
    "energy",
    [
        pytest.param([], id="silent"),
        pytest.param([host_reading(ENERGY, 30, 60, "other")], id="other run"),
        pytest.param([host_reading(ENERGY, 50, 60)], id="reset"),
        pytest.param([host_reading(ENERGY, 1e9, 60)], id="jump"),
    ],
)
def test_energy_that_no_meter_saw_is_modelled_not_invented(energy: list[MeterReading]) -> None:
    [share] = _shares(
        [host_reading(CPU, 0, 0), host_reading(ENERGY, 100, 0)],
        [host_reading(CPU, 0, 60), *energy],
    )
    assert share.attribution.modelled
    assert share.attribution.energy_mj == round(HOST.power.idle_w().value * 60_000)


def test_after_a_silence_the_energy_that_was_modelled_is_not_counted_again() -> None:
    shares = _shares(
        [host_reading(CPU, 0, 0), host_reading(ENERGY, 0, 0)],
        [host_reading(CPU, 0, 60)],
        [host_reading(CPU, 0, 120), host_reading(ENERGY, 9000, 120)],
        [host_reading(CPU, 0, 180), host_reading(ENERGY, 13_000, 180)],
    )
    assert [share.attribution.modelled for share in shares] == [True, True, False]
    assert shares[-1].attribution.energy_mj == 4_000_000


def test_an_application_at_rest_keeps_its_part_of_what_the_host_takes_at_rest() -> None:
    shares = _shares([host_reading(CPU, 0, 0)], [host_reading(CPU, 10, 60)])
    [record] = usage_records((), shares)
    idle_mj = HOST.power.idle_w().value * 60_000 * 8192 / HOST.memory_mib
    assert record.idle_mj == pytest.approx(idle_mj, abs=1)
    assert (record.marginal_mj, record.modelled, record.minutes) == (0, True, 1)


@given(
    at_s=st.floats(1, 20_000),
    cpu_s=st.floats(0, 1000),
    joules=st.floats(0, 2000),
    reserved=st.lists(st.integers(0, 20_000), max_size=4),
)
def test_in_every_minute_the_parts_are_the_whole(
    at_s: float, cpu_s: float, joules: float, reserved: list[int]
) -> None:
    tenants = tuple(MeteredTenant(f"a{n}", "ville", mib) for n, mib in enumerate(reserved))
    host = msgspec.structs.replace(HOST, tenants=tenants)
    meters = Meters([host])
    meters.read(host_reading(CPU, 0, 0), host_reading(ENERGY, 0, 0))
    gains = meters.read(host_reading(CPU, cpu_s, at_s), host_reading(ENERGY, joules, at_s)).gains
    shares = host_shares(gains, [host])
    energies, records = host_energy_records(shares), usage_records((), shares)
    for one in energies:
        parts = (one.idle_mj, one.marginal_mj, one.unreserved_mj, one.platform_mj)
        assert sum(parts) == one.energy_mj
        assert min(parts) >= 0
        assert one.low_mj <= one.energy_mj <= one.high_mj
    assert sum(one.energy_mj for one in energies) == sum(
        share.attribution.energy_mj for share in shares
    )
    for field in ("idle_mj", "marginal_mj"):
        assert sum(getattr(one, field) for one in records) == sum(
            getattr(one, field) for one in energies
        )
    assert all(after(0) <= one.minute <= after(at_s) for one in energies)
