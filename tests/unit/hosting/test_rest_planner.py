"""When an application is frozen, put to sleep, woken or left as it is."""

import msgspec
import pytest

from beffroi.hosting.model import Act, Hosted, HostingStep, Rest, planned_steps
from beffroi.kernel.processes.model import MemoryReading
from beffroi.territory.model import Hibernation
from tests.unit.hosting.declared import WANTED, application, hosted, record, step


def at_rest(rest: Rest, **known: object) -> Hosted:
    """Describe the bus application as put to rest."""
    return hosted(record=record(handled=WANTED, rest=rest), frozen=rest is Rest.FROZEN, **known)


def test_what_nobody_uses_is_frozen_then_put_to_sleep() -> None:
    assert planned_steps([hosted(idle_s=299.0)]) == ()
    assert planned_steps([hosted(idle_s=300.0)]) == step(Act.FREEZE)
    assert planned_steps([hosted(idle_s=3600.0)]) == step(Act.SLEEP)
    assert planned_steps([at_rest(Rest.FROZEN, idle_s=3599.0)]) == ()
    assert planned_steps([at_rest(Rest.FROZEN, idle_s=3600.0)]) == step(Act.SLEEP)


@pytest.mark.parametrize(
    ("rules", "act"),
    [
        (Hibernation(freeze_after_s=0, sleep_after_s=0), None),
        (Hibernation(freeze_after_s=0, sleep_after_s=60), Act.SLEEP),
        (Hibernation(freeze_after_s=60, sleep_after_s=0), Act.FREEZE),
        (Hibernation(freeze_after_s=60, sleep_after_s=60), Act.SLEEP),
    ],
)
def test_an_application_rests_by_its_own_rules(rules: Hibernation, act: Act | None) -> None:
    """As declared now: a change of the rules needs no deployment."""
    idle = hosted(wanted=application(hibernation=rules), idle_s=1e6)
    assert planned_steps([idle]) == (step(act) if act else ())


def test_an_application_asleep_is_neither_started_nor_looked_after() -> None:
    asleep = at_rest(Rest.ASLEEP, running_units=frozenset(), idle_s=1e6)
    assert planned_steps([asleep]) == ()
    assert planned_steps([asleep], MemoryReading(100, 0)) == ()
    assert planned_steps([at_rest(Rest.ASLEEP)]) == step(Act.REAP, "bus.3")
    changed = msgspec.structs.replace(asleep, wanted_digest="w2")
    assert planned_steps([changed]) == step(Act.DEPLOY)


def test_what_was_left_half_at_rest_is_woken() -> None:
    assert planned_steps([hosted(frozen=True)]) == step(Act.WAKE)
    assert planned_steps([msgspec.structs.replace(at_rest(Rest.FROZEN), frozen=False)]) == step(
        Act.WAKE
    )


def test_silence_of_a_frozen_instance_is_no_illness() -> None:
    assert planned_steps([at_rest(Rest.FROZEN, silent=True)]) == ()


def test_where_memory_is_short_the_idlest_sleeps_first() -> None:
    idle = [
        msgspec.structs.replace(hosted(idle_s=idle_s), application=f"bus-{idle_s:.0f}")
        for idle_s in (29.0, 40.0, 310.0, 50.0)
    ]
    enough, short = MemoryReading(100, 10), MemoryReading(100, 9)
    frozen_soon = HostingStep(Act.FREEZE, "bus-310")
    assert planned_steps(idle, enough) == (frozen_soon,)
    assert planned_steps(idle, short) == (HostingStep(Act.SLEEP, "bus-310"),)
    assert planned_steps([*idle[:2], idle[3]], short) == (HostingStep(Act.SLEEP, "bus-50"),)
    assert planned_steps(idle[:1], short) == ()
