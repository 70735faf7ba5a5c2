"""Pauses after crashes, releases that may go, and the names of what runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.hosting.model import (
    RELEASES_KEPT,
    is_instance,
    obsolete_releases,
    pause_before_restart_s,
)
from tests.unit.hosting.declared import application, deployment, release


def test_the_first_crash_is_forgiven_at_once_and_pauses_grow_from_there() -> None:
    pauses = [pause_before_restart_s([1.0] * count) for count in range(13)]
    assert pauses[:6] == [0, 0, 1, 2, 4, 8]
    assert pauses[-1] == 300


def test_crashes_of_long_ago_are_forgotten() -> None:
    assert pause_before_restart_s([700.0, 650.0, 601.0, 3.0]) == 0


@given(st.lists(st.floats(0, 1e9), max_size=3000))
def test_a_pause_is_between_nothing_and_five_minutes(ages: list[float]) -> None:
    assert 0 <= pause_before_restart_s(ages) <= 300


def test_even_thousands_of_crashes_give_a_pause() -> None:
    assert pause_before_restart_s([1.0] * 5000) == 300


@given(st.lists(st.floats(0, 599), max_size=30))
def test_one_more_crash_never_shortens_the_pause(ages: list[float]) -> None:
    assert pause_before_restart_s([*ages, 0.0]) >= pause_before_restart_s(ages)


def test_the_newest_five_releases_stay() -> None:
    releases = [release(f"d{age}", age) for age in (3, 1, 7, 2, 6, 4, 5)]
    assert obsolete_releases(releases, {}) == ("d6", "d7")


def test_an_old_release_that_serves_stays() -> None:
    releases = [release(f"d{age}", age) for age in range(8)]
    assert obsolete_releases(releases, {"bus": "d7"}) == ("d5", "d6")
    assert obsolete_releases(releases, {"tram": "d7"}) == ("d5", "d6", "d7")


@given(st.sets(st.integers(0, 10_000), max_size=20), st.integers(0, 19))
def test_pruning_keeps_five_and_the_serving_one_and_nothing_else(
    ages: set[int], chosen: int
) -> None:
    releases = [release(f"d{age}", age) for age in ages]
    serving = f"d{sorted(ages)[chosen % len(ages)]}" if ages else "none"
    gone = obsolete_releases(releases, {"bus": serving})
    kept = {one.digest for one in releases} - set(gone)
    newest = {f"d{age}" for age in sorted(ages)[:RELEASES_KEPT]}
    assert kept == newest | ({serving} & {one.digest for one in releases})


@pytest.mark.parametrize("unit", ["bus.1", "bus-line.42"])
def test_an_instance_is_an_application_and_a_number(unit: str) -> None:
    assert is_instance(unit)


@pytest.mark.parametrize(
    "unit", ["bus", "bus.build", "bus.1.prepare", "bus.1.nightly", "nginx", "", "bus.", "bus.1.2"]
)
def test_tasks_and_engines_are_no_instances(unit: str) -> None:
    assert not is_instance(unit)


def test_a_deployment_names_its_instance() -> None:
    assert is_instance(deployment(application("bus-line"), 12).unit)
    assert deployment(application("bus-line"), 12).unit == "bus-line.12"
