"""What comes in, goes out and fails is joined by door."""

from datetime import UTC, datetime, timedelta

import pytest

from beffroi.exchange.flows.model import (
    Direction,
    FlowHealth,
    FlowMinute,
    FlowState,
    FlowSummary,
    HeldFlow,
)
from beffroi.exchange.viewing.overview import doors_seen

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
OVER = timedelta(hours=6)


def _flow(
    name: str, direction: Direction, kind: str, state: FlowState, *minutes: FlowMinute
) -> FlowSummary:
    held = HeldFlow(
        organisation="mairie",
        name=name,
        tenant="",
        source="flows.yaml",
        direction=direction,
        kind=kind,
        declared=b"{}",
        files={},
        is_paused=False,
        changed_at=NOON,
    )
    return FlowSummary(held, state, minutes)


def _minute(before_noon: int, carried: int, refused: int = 0) -> FlowMinute:
    return FlowMinute(NOON - timedelta(minutes=before_noon), carried, refused)


def test_flows_of_one_kind_are_one_door_incoming_ones_first() -> None:
    carried = FlowState(carried=9, last_carried_at=NOON)
    doors = doors_seen(
        [
            _flow("erp", Direction.OUT, "webhook", FlowState()),
            _flow("air", Direction.IN, "poll", carried, _minute(5, 4), _minute(90, 3, 2)),
            _flow("rain", Direction.IN, "poll", carried, _minute(20, 2), _minute(500, 50)),
        ],
        NOON,
        OVER,
    )
    assert [(one.direction, one.kind, one.flows) for one in doors] == [
        (Direction.IN, "poll", 2),
        (Direction.OUT, "webhook", 1),
    ]
    assert (doors[0].carried, doors[0].last_hour, doors[0].refused) == (9, 6, 2)
    assert doors[0].last_at == NOON


@pytest.mark.parametrize(
    ("state", "health"),
    [
        (FlowState(refused=720), FlowHealth.FAILING),
        (FlowState(carried=1, refused=720), FlowHealth.CARRIES),
        (FlowState(), FlowHealth.WAITS),
    ],
)
def test_a_flow_that_refused_all_it_read_fails(state: FlowState, health: FlowHealth) -> None:
    summary = _flow("passers-by", Direction.IN, "folder", state)
    assert summary.health is health
    assert doors_seen([summary], NOON, OVER)[0].failing == (health is FlowHealth.FAILING)
