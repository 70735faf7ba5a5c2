"""Which engines to start again, and why."""

from hypothesis import given
from hypothesis import strategies as st

from beffroi.engines.model import EngineState, EngineStatus, planned_restarts


def status(state: EngineState, silences: int = 0, name: str = "nginx") -> EngineStatus:
    return EngineStatus(name, "1.26", ":443", state, silences=silences)


def test_an_engine_that_answers_is_left_alone() -> None:
    assert planned_restarts([status(EngineState.ANSWERS)]) == ()


def test_one_that_is_not_running_is_started() -> None:
    (step,) = planned_restarts([status(EngineState.STOPPED)])
    assert (step.subject, step.reason) == ("nginx", "it was not running")


def test_one_that_falls_silent_is_given_three_looks() -> None:
    for silences in (1, 2):
        assert planned_restarts([status(EngineState.SILENT, silences)]) == ()
    (step,) = planned_restarts([status(EngineState.SILENT, 3)])
    assert "3 checks had no answer" in step.reason


def test_one_that_runs_elsewhere_is_not_ours_to_start() -> None:
    assert planned_restarts([status(EngineState.ELSEWHERE, 1)]) == ()


@given(
    st.lists(
        st.builds(
            status,
            st.sampled_from(EngineState),
            st.integers(0, 10),
            st.sampled_from(["nginx", "postgresql"]),
        ),
        unique_by=lambda one: one.name,
    )
)
def test_each_engine_gets_one_step_at_most_and_only_for_a_reason(
    statuses: list[EngineStatus],
) -> None:
    steps = planned_restarts(statuses)
    needed = {one.name for one in statuses if one.state is EngineState.STOPPED or one.silences >= 3}
    assert [step.name for step in steps] == [one.name for one in statuses if one.name in needed]
    assert all(step.reason for step in steps)
