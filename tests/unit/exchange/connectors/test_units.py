"""Units are converted as their definitions say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.connectors.units import KNOWN_UNITS, can_convert, converted


@pytest.mark.parametrize(
    ("value", "held", "wanted", "told"),
    [
        (20, "CEL", "FAH", 68.0),
        (-40, "FAH", "CEL", -40.0),
        (0, "KEL", "CEL", -273.15),
        (36, "KMH", "MTS", 10.0),
        (10, "KNT", "KMH", 18.52),
        (1, "SMI", "KMT", 1.609344),
        (1013.25, "A97", "ATM", 1.0),
        (7.2, "MQH", "G51", 2.0),
        (0.55, "C62", "P1", 55.0),
        (1, "KWH", "KJO", 3600.0),
        (12, "M1", "GP", 12_000.0),
        (90, "MIN", "HUR", 1.5),
    ],
)
def test_a_value_is_converted_exactly(value: float, held: str, wanted: str, told: float) -> None:
    assert converted(value, held, wanted) == told


def test_units_of_different_quantities_are_told_apart() -> None:
    assert not can_convert("CEL", "KMH")
    assert not can_convert("CEL", "?")
    assert not can_convert("", "CEL")
    assert can_convert("X99", "X99")


@given(
    st.sampled_from(KNOWN_UNITS),
    st.sampled_from(KNOWN_UNITS),
    st.floats(-1e9, 1e9, allow_nan=False).filter(lambda value: abs(value) > 1e-9 or value == 0),
)
def test_there_and_back_is_where_one_was(held: str, wanted: str, value: float) -> None:
    if not can_convert(held, wanted):
        return
    back = converted(converted(value, held, wanted), wanted, held)
    assert back == pytest.approx(value, rel=1e-9, abs=1e-6)
