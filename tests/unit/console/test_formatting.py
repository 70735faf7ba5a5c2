"""Dates, sizes and numbers in both languages."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.app.console.formatting import (
    told_line,
    told_moment,
    told_number,
    told_size,
    told_span,
)
from beffroi.kernel.catalogue import Language

FR, EN = Language


@pytest.mark.parametrize(
    ("moment", "french", "english"),
    [
        (datetime(2026, 11, 22, 3, 12, tzinfo=UTC), "22 nov. 2026, 04:12", "22 Nov 2026, 04:12"),
        (datetime(2026, 7, 31, 22, 5, tzinfo=UTC), "1 août 2026, 00:05", "1 Aug 2026, 00:05"),
    ],
)
def test_moments_are_local_times(moment: datetime, french: str, english: str) -> None:
    assert told_moment(moment, FR).replace("\xa0", " ") == french
    assert told_moment(moment, EN).replace("\xa0", " ") == english


@pytest.mark.parametrize(
    ("size_bytes", "french", "english"),
    [
        (0, "0 o", "0 B"),
        (1023, "1023 o", "1023 B"),
        (512 * 1024**2, "512 Mio", "512 MiB"),
        (2_254_857_830, "2,1 Gio", "2.1 GiB"),
    ],
)
def test_sizes_have_the_units_of_the_language(size_bytes: int, french: str, english: str) -> None:
    assert told_size(size_bytes, FR) == french.replace(" ", "\xa0")
    assert told_size(size_bytes, EN) == english.replace(" ", "\xa0")


@given(st.integers(min_value=0, max_value=2**60))
def test_both_languages_tell_the_same_size(size_bytes: int) -> None:
    number = told_size(size_bytes, FR).split("\xa0")[0]
    assert number.replace(",", ".") == told_size(size_bytes, EN).split("\xa0")[0]


def test_numbers_keep_only_decimals_that_say_something() -> None:
    assert [told_number(one, FR, 2) for one in (0.5, 1.0, 0.004, 10.0)] == ["0,5", "1", "0", "10"]
    assert told_number(100, EN) == "100"
    assert told_span(12.34, FR) == "12,3\xa0s"


def test_lines_lose_the_codes_of_terminals() -> None:
    assert told_line("\x1b[1;32mok\x1b[0m\x07 tab\tstays") == "ok tab\tstays"
