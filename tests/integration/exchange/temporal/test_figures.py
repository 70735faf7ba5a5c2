"""Figures that PostgreSQL reckons are those that plain Python reckons."""

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.exchange.representation.instants import written_instant
from beffroi.exchange.temporal.durations import Period, months_after
from beffroi.exchange.temporal.model import Aggregation, Method, Selection, Times
from beffroi.exchange.temporal.parameters import read_aggregation, read_times
from beffroi.exchange.temporal.writing import Shape
from tests.integration.exchange.temporal.conftest import TOWN, TownHistory

METER = "urn:ngsi-ld:Meter:1"
_START = datetime(2024, 1, 31, 9, 30, tzinfo=UTC)
_PERIODS = (
    Period(),
    Period(length=timedelta(minutes=15)),
    Period(length=timedelta(days=7)),
    Period(months=1),
    Period(months=5),
    Period(months=12),
)
_RECKONED: dict[Method, Callable[[Sequence[float]], float | None]] = {
    Method.TOTAL_COUNT: len,
    Method.DISTINCT_COUNT: lambda values: len(set(values)),
    Method.SUM: math.fsum,
    Method.AVG: statistics.fmean,
    Method.MIN: min,
    Method.MAX: max,
    Method.STDDEV: lambda values: statistics.stdev(values) if len(values) > 1 else None,
    Method.SUMSQ: lambda values: math.fsum(one * one for one in values),
}
_MEASURES = st.lists(
    st.tuples(
        st.timedeltas(timedelta(0), timedelta(days=1_100)).map(lambda passed: _START + passed),
        st.integers(-1000, 1000) | st.floats(-1e6, 1e6, allow_subnormal=False),
    ),
    min_size=1,
    max_size=30,
)


def _start_of(period: Period, at: datetime) -> datetime:
    """Walk from period to period until the time is reached."""
    if period.whole:
        return _START
    if period.length:
        return _START + (at - _START) // period.length * period.length
    passed = 0
    while months_after(_START, passed + period.months) <= at:
        passed += period.months
    return months_after(_START, passed)


def _expected(
    measures: Sequence[tuple[datetime, float]], period: Period
) -> dict[str, list[tuple[float, str]]]:
    groups: dict[datetime, list[float]] = {}
    for at, value in measures:
        groups.setdefault(_start_of(period, at), []).append(float(value))
    expected: dict[str, list[tuple[float, str]]] = {method.value: [] for method in Method}
    for start in sorted(groups):
        for method, reckon in _RECKONED.items():
            figure = reckon(groups[start])
            if figure is not None:
                expected[method.value].append((figure, written_instant(start)))
    return expected


@pytest.mark.timeout(120)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(measures=_MEASURES, period=st.sampled_from(_PERIODS))
async def test_figures_are_those_of_plain_reckoning(
    town: TownHistory, measures: list[tuple[datetime, float]], period: Period
) -> None:
    instances = [
        {"type": "Property", "value": value, "observedAt": written_instant(at)}
        for at, value in measures
    ]
    await town.record({"id": METER, "type": "Meter", "power": instances})
    times = read_times({"timerel": "after", "timeAt": written_instant(_START)})
    selection = Selection(times=times, aggregation=Aggregation(tuple(Method), period))

    shown = await town.shown(METER, selection, Shape.AGGREGATED)
    await town.recorder.delete(TOWN, ("", METER))

    for method, expected in _expected(measures, period).items():
        found = shown["power"][method]
        assert [one[1] for one in found] == [start for _, start in expected], method
        for (figure, *_), (reckoned, _) in zip(found, expected, strict=True):
            assert math.isclose(figure, reckoned, rel_tol=1e-6, abs_tol=1e-3), method


async def test_periods_begin_with_the_first_instance_where_no_time_is_told(
    town: TownHistory,
) -> None:
    await town.record({"id": METER, "type": "Meter", "power": _hours(0, 1, 3)})
    aggregation = read_aggregation({"aggrMethods": "avg", "aggrPeriodDuration": "PT2H"})

    shown = await town.shown(
        METER, Selection(times=Times(), aggregation=aggregation), Shape.AGGREGATED
    )

    assert shown["power"] == {
        "type": "Property",
        "avg": [
            [0.5, "2026-03-01T00:05:00Z", "2026-03-01T02:05:00Z"],
            [3.0, "2026-03-01T02:05:00Z", "2026-03-01T04:05:00Z"],
        ],
    }


async def test_the_whole_time_ends_with_the_question_or_with_the_last_instance(
    town: TownHistory,
) -> None:
    await town.record({"id": METER, "type": "Meter", "power": _hours(0, 1, 3)})
    aggregation = read_aggregation({"aggrMethods": ["totalCount"], "aggrPeriodDuration": "PT0S"})
    before = read_times({"timerel": "before", "timeAt": "2026-03-01T02:00:00Z"})

    always = await town.shown(
        METER, Selection(times=Times(), aggregation=aggregation), Shape.AGGREGATED
    )
    early = await town.shown(
        METER, Selection(times=before, aggregation=aggregation), Shape.AGGREGATED
    )

    assert always["power"]["totalCount"] == [[3, "2026-03-01T00:05:00Z", "2026-03-01T03:05:00Z"]]
    assert early["power"]["totalCount"] == [[2, "2026-03-01T00:05:00Z", "2026-03-01T02:00:00Z"]]


async def test_truth_text_and_lists_have_the_figures_that_make_sense(town: TownHistory) -> None:
    def told(*values: object) -> list[dict[str, object]]:
        return [
            {"type": "Property", "value": value, "observedAt": f"2026-03-01T00:0{place}:00Z"}
            for place, value in enumerate(values)
        ]

    await town.record(
        {
            "id": METER,
            "type": "Meter",
            "on": told(*map(bool, (1, 0, 1))),
            "label": told("b", "a", "b"),
            "faults": told(["x", "y"], ["z"], ["z"]),
        }
    )
    aggregation = Aggregation((Method.SUM, Method.MIN, Method.DISTINCT_COUNT), Period())

    shown = await town.shown(
        METER, Selection(times=Times(), aggregation=aggregation), Shape.AGGREGATED
    )
    figures = {
        name: [[one[0] for one in shown[name][method]] for method in aggregation.methods]
        for name in ("on", "label", "faults")
    }

    assert figures == {
        "on": [[2], [0], [2]],
        "label": [[], ["a"], [2]],
        "faults": [[4], [1], [2]],
    }


async def test_a_figure_that_overflows_is_left_out_and_the_others_are_told(
    town: TownHistory,
) -> None:
    huge = [{**one, "value": 1e300} for one in _hours(0, 1)]
    await town.record({"id": METER, "type": "Meter", "power": huge})
    methods = (Method.SUM, Method.STDDEV, Method.SUMSQ, Method.MAX)

    shown = await town.shown(
        METER,
        Selection(times=Times(), aggregation=Aggregation(methods, Period())),
        Shape.AGGREGATED,
    )

    assert [len(shown["power"][method]) for method in methods] == [0, 0, 0, 1]


async def test_the_last_periods_are_told_in_order(town: TownHistory) -> None:
    await town.record({"id": METER, "type": "Meter", "power": _hours(*range(6))})
    aggregation = read_aggregation({"aggrMethods": "max", "aggrPeriodDuration": "PT1H"})

    shown = await town.shown(
        METER, Selection(times=Times(), last=2, aggregation=aggregation), Shape.AGGREGATED
    )

    assert [one[0] for one in shown["power"]["max"]] == [4, 5]


def _hours(*hours: int) -> list[dict[str, object]]:
    return [
        {"type": "Property", "value": hour, "observedAt": f"2026-03-01T{hour:02}:05:00Z"}
        for hour in hours
    ]
