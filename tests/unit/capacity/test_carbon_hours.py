"""The shape of a week of carbon intensity."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from beffroi.capacity.carbon_hours import FLAT, shape_of, week_shape
from beffroi.kernel.errors import InvalidInputError
from tests.support.sources import ROOT

PARIS = ZoneInfo("Europe/Paris")
FRENCH_2022 = ROOT.parent / "shared" / "data" / "capacity" / "carbon" / "2022_FR.parquet"


def hours(first: datetime, count: int) -> list[datetime]:
    return [first + timedelta(hours=number) for number in range(count)]


def test_a_constant_intensity_is_flat() -> None:
    readings = [(at, 24.0) for at in hours(datetime(2024, 1, 1, tzinfo=UTC), 8_784)]
    assert week_shape(readings, PARIS) == pytest.approx(FLAT)


def test_a_dear_hour_is_found_at_its_place_in_the_week() -> None:
    year = hours(datetime(2023, 6, 5, tzinfo=PARIS), 2 * 168)
    readings = [(at, 60.0 if (at.weekday(), at.hour) == (1, 19) else 20.0) for at in year]
    shape = week_shape(readings, PARIS)
    assert shape.index(max(shape)) == 24 + 19
    assert shape[24 + 19] / shape[0] == pytest.approx(3)
    assert sum(shape) == pytest.approx(168)


def test_hours_are_those_of_the_place() -> None:
    """Monday 0 h in Paris is Sunday 22 h UTC in summer."""
    readings = [
        (at, 100.0 if (at.weekday(), at.hour) == (6, 22) else 10.0)
        for at in hours(datetime(2023, 6, 5, tzinfo=UTC), 168)
    ]
    shape = week_shape(readings, PARIS)
    assert shape.index(max(shape)) == 0


def test_a_gap_is_filled_by_the_other_weeks() -> None:
    year = hours(datetime(2023, 6, 5, tzinfo=PARIS), 3 * 168)
    assert week_shape([(at, 30.0) for at in year[30:]], PARIS) == pytest.approx(FLAT)


def test_an_hour_of_the_week_without_a_reading_is_refused() -> None:
    readings = [(at, 30.0) for at in hours(datetime(2023, 6, 5, tzinfo=PARIS), 167)]
    with pytest.raises(InvalidInputError) as refused:
        week_shape(readings, PARIS)
    assert (refused.value.code, refused.value.values) == (
        "capacity.intensity_hours_missing",
        {"known": 167},
    )


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_an_absurd_reading_is_refused_with_its_time(value: float) -> None:
    at = datetime(2023, 6, 5, tzinfo=UTC)
    with pytest.raises(InvalidInputError) as refused:
        week_shape([(at, value)], PARIS)
    assert refused.value.code == "capacity.intensity_absurd"
    assert refused.value.values["at"] == at.isoformat()


@pytest.mark.parametrize(
    ("week", "code"),
    [([1.0] * 167, "intensity_hours_missing"), ([0.0] * 168, "intensity_all_zero")],
)
def test_a_week_that_says_nothing_is_refused(week: list[float], code: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        shape_of(week)
    assert refused.value.code == f"capacity.{code}"


def test_the_french_grid_of_2022_has_a_week() -> None:
    if not FRENCH_2022.is_file():
        pytest.skip(reason="the shared data is not here")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(FRENCH_2022).to_pydict()
    readings = [
        (at.replace(tzinfo=UTC), grams)
        for at, grams in zip(table["timestamp"], table["carbon_intensity"], strict=True)
    ]
    shape = week_shape(readings, PARIS)
    assert sum(shape) == pytest.approx(168)
    assert 0.7 < min(shape) < 1 < max(shape) < 1.4
