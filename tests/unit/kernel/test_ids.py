"""Identifiers that sort by birth, and names that may stand in a host name."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.ids import SLUG_MAX_LENGTH, SLUG_PATTERN, is_slug, new_id

BIRTH = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MOMENTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(MOMENTS, st.timedeltas(min_value=timedelta(milliseconds=2), max_value=timedelta(days=900)))
def test_an_older_id_sorts_first(birth: datetime, later: timedelta) -> None:
    assert new_id(birth) < new_id(birth + later)


@given(MOMENTS)
def test_an_id_is_18_characters_that_cannot_be_misread(birth: datetime) -> None:
    identifier = new_id(birth)
    assert len(identifier) == 18
    assert set(identifier) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id(BIRTH) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("name", ["a", "bus", "site-2", "a1-b2-c3", "x" * SLUG_MAX_LENGTH])
def test_slugs(name: str) -> None:
    assert is_slug(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "2bus",
        "Bus",
        "bus-",
        "-bus",
        "bus--x",
        "bus_x",
        "bus.x",
        "été",
        "bus\n",
        "a b",
        "x" * 41,
    ],
)
def test_not_slugs(name: str) -> None:
    assert not is_slug(name)


@given(st.from_regex(SLUG_PATTERN) | st.text(max_size=50))
def test_a_slug_is_what_host_names_and_paths_take(name: str) -> None:
    takes = name.isascii() and name.replace("-", "a").isalnum() and name == name.lower()
    assert takes or not is_slug(name)
