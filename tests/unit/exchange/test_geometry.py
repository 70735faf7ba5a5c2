"""The box around a geometry."""

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.geometry import bounds_of

longitudes = st.integers(-180, 180) | st.floats(-180, 180)
latitudes = st.integers(-90, 90) | st.floats(-90, 90)


@given(longitudes, latitudes, st.lists(st.floats(-10, 10), max_size=1))
def test_the_box_of_a_point_is_that_of_a_line_without_length(
    longitude: float, latitude: float, altitude: list[float]
) -> None:
    position = [longitude, latitude, *altitude]
    line = {"type": "LineString", "coordinates": [position, position]}
    assert bounds_of({"type": "Point", "coordinates": position}) == bounds_of(line)
