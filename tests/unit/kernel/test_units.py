"""Quantities as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.units import GIB, MIB, told_bytes, told_duration

FACTORS = {"B": 1, "KiB": 1024, "MiB": MIB, "GiB": GIB, "TiB": 1024 * GIB}
SECONDS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600}


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (MIB - 1, "1.0 MiB"),
        (int(2.1 * GIB), "2.1 GiB"),
        (5000 * 1024 * GIB, "5000.0 TiB"),
    ],
)
def test_told_bytes(size: int, told: str) -> None:
    assert told_bytes(size) == told


@given(st.integers(min_value=0, max_value=1024**5 - 1))
def test_a_told_size_is_close_and_short(size: int) -> None:
    number, unit = told_bytes(size).split()
    assert float(number) * FACTORS[unit] == pytest.approx(size, rel=0.051)
    assert unit == "TiB" or float(number) < 1024


@pytest.mark.parametrize(
    ("duration_s", "told"),
    [
        (0, "0 ms"),
        (0.85, "850 ms"),
        (0.9999, "1.0 s"),
        (12.34, "12.3 s"),
        (59.97, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7260, "2 h 01 min"),
    ],
)
def test_told_duration(duration_s: float, told: str) -> None:
    assert told_duration(duration_s) == told


@given(st.floats(min_value=0, max_value=1e6))
def test_a_told_duration_is_close_and_short(duration_s: float) -> None:
    words = told_duration(duration_s).split()
    numbers, units = words[::2], words[1::2]
    told_s = sum(float(number) * SECONDS[unit] for number, unit in zip(numbers, units, strict=True))
    assert told_s == pytest.approx(duration_s, rel=0.05, abs=0.001)
    assert len(units) <= 2
    assert float(numbers[0]) < 1000 or units[0] == "h"
