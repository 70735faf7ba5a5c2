"""What to do next about each application, from what is declared, decided and running."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.hosting.model import Act, Hosted, HostingStep, Rest, planned_steps
from beffroi.kernel.processes.model import MemoryReading
from beffroi.territory.model import ApplicationKind, Hibernation
from tests.unit.hosting.declared import (
    BUS,
    WANTED,
    application,
    deployment,
    hosted,
    record,
    step,
)

SITE = application("site", kind=ApplicationKind.STATIC)


def test_nothing_is_done_about_what_runs_as_declared() -> None:
    assert planned_steps([hosted()]) == ()


def test_an_application_that_was_never_deployed_is_deployed() -> None:
    new = hosted(record=None, serving=None, running_units=frozenset())
    assert planned_steps([new]) == step(Act.DEPLOY)


def test_one_whose_declaration_changed_is_deployed() -> None:
    assert planned_steps([hosted(wanted_digest="w2")]) == step(Act.DEPLOY)


def test_a_declaration_that_was_handled_is_not_deployed_again_while_something_serves() -> None:
    failed_since = hosted(record=record(handled="w2"), wanted_digest="w2")
    assert planned_steps([failed_since]) == ()


def test_a_first_deployment_that_failed_is_tried_again() -> None:
    failed = hosted(serving=None, running_units=frozenset())
    assert planned_steps([failed]) == step(Act.DEPLOY)


def test_an_instance_that_ended_is_started_again() -> None:
    assert planned_steps([hosted(running_units=frozenset())]) == step(Act.RESTART, "bus.3")


def test_one_that_crashed_too_often_waits() -> None:
    assert planned_steps([hosted(running_units=frozenset(), may_restart=False)]) == ()


def test_a_silent_instance_is_started_again_when_it_may() -> None:
    assert planned_steps([hosted(silent=True)]) == step(Act.RESTART, "bus.3")
    assert planned_steps([hosted(silent=True, may_restart=False)]) == ()


def test_an_instance_of_another_deployment_is_reaped() -> None:
    leftover = hosted(running_units=frozenset({"bus.2", "bus.3", "bus.4"}))
    assert planned_steps([leftover]) == step(Act.REAP, "bus.2")


def test_a_stopped_application_stays_stopped_whatever_is_declared() -> None:
    stopped = record(handled=WANTED, stopped=True)
    assert planned_steps([hosted(record=stopped, running_units=frozenset())]) == ()
    changed = hosted(record=stopped, running_units=frozenset(), wanted_digest="w2")
    assert planned_steps([changed]) == ()


def test_what_still_runs_of_a_stopped_application_is_reaped() -> None:
    stopped = hosted(record=record(handled=WANTED, stopped=True))
    assert planned_steps([stopped]) == step(Act.REAP, "bus.3")


def test_an_application_no_longer_declared_is_withdrawn() -> None:
    cases: list[dict[str, object]] = [{}, {"running_units": frozenset()}, {"record": None}]
    for known in cases:
        gone = hosted(wanted=None, wanted_digest="", **known)
        assert planned_steps([gone]) == step(Act.WITHDRAW)


def test_one_that_was_withdrawn_needs_nothing_more() -> None:
    gone = hosted(wanted=None, wanted_digest="", record=None, running_units=frozenset())
    assert planned_steps([gone]) == ()


def test_files_need_no_instance() -> None:
    site = hosted(
        application="site", wanted=SITE, serving=deployment(SITE, 3), running_units=frozenset()
    )
    assert planned_steps([site]) == ()


def test_an_instance_left_from_before_it_became_files_is_reaped() -> None:
    site = hosted(serving=deployment(application(kind=ApplicationKind.STATIC), 4))
    assert planned_steps([site]) == step(Act.REAP, "bus.3")


def test_an_application_under_change_is_left_alone() -> None:
    assert planned_steps([hosted(wanted_digest="w2", busy=True)]) == ()


class World:
    """One application, moved by steps as the deployer moves it."""

    def __init__(self, state: Hosted, *, deploys_well: bool) -> None:
        self.state = state
        self.deploys_well = deploys_well
        self.next_number = 50

    def take(self, step: HostingStep) -> None:
        state = self.state
        units = state.running_units
        changed: dict[str, object]
        match step.act:
            case Act.REAP:
                assert step.unit in units
                changed = {"running_units": units - {step.unit}}
            case Act.RESTART:
                changed = {
                    "running_units": units | {step.unit},
                    "silent": False,
                    "frozen": False,
                    "idle_s": 0.0,
                }
            case Act.WITHDRAW:
                changed = {"running_units": frozenset(), "record": None, "serving": None}
            case Act.DEPLOY:
                changed = self._deployed()
            case Act.FREEZE | Act.SLEEP | Act.WAKE:
                changed = self._rested(step.act)
        self.state = msgspec.structs.replace(state, **changed)

    def _deployed(self) -> dict[str, object]:
        state = self.state
        assert state.wanted is not None
        changed: dict[str, object] = {"record": record(handled=state.wanted_digest)}
        if not self.deploys_well:
            return changed
        self.next_number += 1
        serving = deployment(state.wanted, self.next_number)
        static = state.wanted.kind is ApplicationKind.STATIC
        units = state.running_units | (frozenset() if static else {serving.unit})
        return {
            **changed,
            "serving": serving,
            "running_units": units,
            "silent": False,
            "frozen": False,
            "idle_s": 0.0,
        }

    def _rested(self, act: Act) -> dict[str, object]:
        state = self.state
        assert state.record is not None
        assert state.serving is not None
        rest = {Act.FREEZE: Rest.FROZEN, Act.SLEEP: Rest.ASLEEP, Act.WAKE: Rest.AWAKE}[act]
        changed: dict[str, object] = {
            "record": msgspec.structs.replace(state.record, rest=rest),
            "frozen": act is Act.FREEZE,
        }
        if act is Act.SLEEP:
            changed["running_units"] = frozenset()
        if act is Act.WAKE:
            changed |= {"running_units": state.running_units | {state.serving.unit}, "idle_s": 0.0}
        return changed

    def take_half(self, step: HostingStep) -> None:
        """Take the first part of a step, as a kill in its middle leaves it."""
        state = self.state
        if step.act in (Act.FREEZE, Act.SLEEP):
            assert state.record is not None
            rest = Rest.FROZEN if step.act is Act.FREEZE else Rest.ASLEEP
            decided = msgspec.structs.replace(state.record, rest=rest)
            self.state = msgspec.structs.replace(state, record=decided)
        elif step.act is Act.WAKE:
            assert state.serving is not None
            units = state.running_units | {state.serving.unit}
            self.state = msgspec.structs.replace(state, frozen=False, running_units=units)

    def crash(self, unit: str) -> None:
        kept = self.state.running_units - {unit}
        gone = self.state.serving is not None and self.state.serving.unit not in kept
        self.state = msgspec.structs.replace(
            self.state, running_units=kept, frozen=self.state.frozen and not gone
        )

    def reached(self) -> bool:
        """Tell whether the machine is as declared and decided."""
        state = self.state
        if state.wanted is None:
            return not state.running_units and state.record is None
        if state.record is not None and state.record.stopped:
            return not state.running_units
        handled = state.record is not None and state.record.handled == state.wanted_digest
        if state.serving is not None and state.rest is Rest.ASLEEP:
            return not state.running_units and handled
        if state.serving is None:
            return False
        static = state.serving.specification.kind is ApplicationKind.STATIC
        needed = frozenset() if static else frozenset({state.serving.unit})
        as_decided = not needed or state.frozen is (state.rest is Rest.FROZEN)
        silent = bool(needed) and state.silent and not state.frozen
        return handled and state.running_units == needed and not silent and as_decided


specifications = st.sampled_from(
    [
        BUS,
        application(kind=ApplicationKind.STATIC),
        application(hibernation=Hibernation(freeze_after_s=0, sleep_after_s=0)),
        application(hibernation=Hibernation(freeze_after_s=300, sleep_after_s=0)),
    ]
)
hosteds = st.builds(
    Hosted,
    application=st.just("bus"),
    wanted=st.none() | specifications,
    wanted_digest=st.sampled_from(["w1", "w2"]),
    record=st.none()
    | st.builds(
        record,
        handled=st.sampled_from(["", "w1", "w2"]),
        stopped=st.booleans(),
        rest=st.sampled_from(Rest),
    ),
    serving=st.none() | st.builds(deployment, specifications, st.integers(1, 4)),
    running_units=st.frozensets(st.sampled_from([f"bus.{number}" for number in range(1, 6)])),
    may_restart=st.booleans(),
    silent=st.booleans(),
    busy=st.booleans(),
    frozen=st.booleans(),
    idle_s=st.sampled_from([0.0, 29.0, 30.0, 299.0, 300.0, 3599.0, 3600.0, 1e7]),
)
memories = st.builds(MemoryReading, st.just(100), st.integers(0, 100))


@given(st.lists(hosteds, max_size=4))
def test_planning_is_total_and_gives_an_application_one_step_at_most(states: list[Hosted]) -> None:
    named = [
        msgspec.structs.replace(state, application=f"bus-{place}")
        for place, state in enumerate(states)
    ]
    subjects = [step.subject for step in planned_steps(named)]
    assert len(subjects) == len(set(subjects))
    assert set(subjects) <= {state.application for state in named if not state.busy}


@given(hosteds)
def test_the_serving_instance_is_never_reaped(state: Hosted) -> None:
    stopped = state.record is not None and state.record.stopped
    for planned in planned_steps([state]):
        if planned.act is Act.REAP and state.serving is not None and not stopped:
            static = state.serving.specification.kind is ApplicationKind.STATIC
            assert planned.unit != state.serving.unit or static


@given(hosteds)
def test_a_stopped_application_is_never_started(state: Hosted) -> None:
    stopped = record(handled="", stopped=True)
    for planned in planned_steps([msgspec.structs.replace(state, record=stopped)]):
        assert planned.act in (Act.REAP, Act.WITHDRAW)


@given(st.lists(hosteds, max_size=5), memories)
def test_short_memory_puts_one_more_to_sleep_at_most_and_never_what_is_in_use(
    states: list[Hosted], memory: MemoryReading
) -> None:
    named = {
        f"bus-{place}": msgspec.structs.replace(state, application=f"bus-{place}")
        for place, state in enumerate(states)
    }
    usual = set(planned_steps(tuple(named.values())))
    short = set(planned_steps(tuple(named.values()), memory))
    added = short - usual
    assert len(added) <= (1 if memory.is_short else 0)
    for rest in added:
        chosen = named[rest.application]
        assert rest.act is Act.SLEEP
        assert chosen.idle_s >= 30
        assert not chosen.busy
        assert chosen.serving is not None
        assert chosen.serving.specification.hibernation.sleep_after_s > 0
    assert usual - short <= {HostingStep(Act.FREEZE, rest.application) for rest in added}


@given(hosteds)
def test_what_is_in_use_or_under_change_is_never_put_to_rest(state: Hosted) -> None:
    for used in ({"idle_s": 0.0}, {"busy": True}):
        for planned in planned_steps([msgspec.structs.replace(state, **used)]):
            ended = state.rest is Rest.FROZEN and planned.act is Act.SLEEP
            assert planned.act not in (Act.FREEZE, Act.SLEEP) or ended


@given(hosteds, st.lists(st.integers(0, 5), max_size=4))
@settings(max_examples=200)
def test_the_steps_reach_the_goal_whatever_crashes_between_them(
    state: Hosted, crashes: list[int]
) -> None:
    free = msgspec.structs.replace(state, busy=False, may_restart=True)
    world = World(free, deploys_well=True)
    for _ in range(20):
        steps = planned_steps([world.state])
        if not steps and not crashes:
            break
        for planned in steps:
            world.take(planned)
        if crashes:
            world.crash(f"bus.{crashes.pop()}")
    assert planned_steps([world.state]) == ()
    assert world.reached()


@given(hosteds, st.integers(0, 6))
@settings(max_examples=200)
def test_every_prefix_of_a_plan_resumes_even_when_it_was_cut_within_a_step(
    state: Hosted, whole_steps: int
) -> None:
    world = World(msgspec.structs.replace(state, busy=False, may_restart=True), deploys_well=True)
    for _ in range(whole_steps):
        for planned in planned_steps([world.state]):
            world.take(planned)
    for planned in planned_steps([world.state]):
        world.take_half(planned)
    for _ in range(20):
        for planned in planned_steps([world.state]):
            world.take(planned)
    assert planned_steps([world.state]) == ()
    assert world.reached()


@given(hosteds)
def test_a_declaration_that_cannot_be_deployed_is_tried_once_while_something_serves(
    state: Hosted,
) -> None:
    serves = msgspec.structs.replace(
        state, wanted=BUS, serving=deployment(BUS, 3), busy=False, may_restart=True
    )
    world = World(serves, deploys_well=False)
    taken: list[Act] = []
    while steps := planned_steps([world.state]):
        taken.extend(planned.act for planned in steps)
        world.take(steps[0])
    assert taken.count(Act.DEPLOY) <= 1


@pytest.mark.parametrize("act", list(Act))
def test_a_step_names_its_application(act: Act) -> None:
    assert HostingStep(act, "bus", "bus.3").subject == "bus"
