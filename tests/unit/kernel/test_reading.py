"""Whole numbers that people type."""

import pytest

from beffroi.kernel.reading import bounded_whole


@pytest.mark.parametrize(("text", "value"), [("1", 1), (" 12 ", 12), ("007", 7)])
def test_a_whole_number_within_its_bounds_is_read(text: str, value: int) -> None:
    assert bounded_whole(text, least=1, most=12) == value


@pytest.mark.parametrize("text", ["", "0", "13", "-1", "+1", "1.0", "1_0", "²", "x", "9" * 5000])
def test_anything_else_is_no_number(text: str) -> None:
    assert bounded_whole(text, least=1, most=12) is None
