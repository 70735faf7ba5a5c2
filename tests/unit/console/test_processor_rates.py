"""How much of a processor an instance takes between two looks."""

from datetime import UTC, datetime

from beffroi.hosting.model import ApplicationState, Deployment, DeploymentState
from beffroi.hosting.pages import ProcessorRates
from beffroi.hosting.service import HostedApplication
from beffroi.kernel.processes.model import Usage
from beffroi.territory.model import Application, ApplicationKind, Source
from tests.support.clocks import ManualClock


def hosted(number: int, cpu_s: float | None) -> HostedApplication:
    """Return an application whose instance has taken that much of a processor."""
    declared = Application(
        name="wiki",
        organisation="mairie",
        title="Wiki",
        kind=ApplicationKind.COMMAND,
        source=Source(folder="/wiki"),
        hosts=("wiki.localhost",),
    )
    serving = Deployment(
        application="wiki",
        number=number,
        organisation="mairie",
        digest="0" * 16,
        specification=declared,
        state=DeploymentState.SERVING,
        reason="",
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
        actor="gaston",
    )
    return HostedApplication(
        name="wiki",
        title="Wiki",
        organisation="mairie",
        kind=declared.kind,
        url="https://wiki.localhost",
        hosts=declared.hosts,
        state=ApplicationState.SERVING,
        serving=serving,
        newest=serving,
        usage=None if cpu_s is None else Usage(memory_bytes=1, cpu_s=cpu_s, processes=1),
    )


def test_the_first_look_tells_nothing_the_next_one_the_rate(clock: ManualClock) -> None:
    rates = ProcessorRates(clock)
    assert rates.of(hosted(1, 10.0)) is None
    clock.move(4)
    assert rates.of(hosted(1, 11.0)) == 0.25
    clock.move(0.5)
    assert rates.of(hosted(1, 11.5)) == 0.25


def test_a_look_of_long_ago_is_no_measure_of_now(clock: ManualClock) -> None:
    rates = ProcessorRates(clock)
    rates.of(hosted(1, 10.0))
    clock.move(61)
    assert rates.of(hosted(1, 40.0)) is None


def test_another_instance_starts_anew(clock: ManualClock) -> None:
    rates = ProcessorRates(clock)
    rates.of(hosted(1, 10.0))
    clock.move(2)
    assert rates.of(hosted(2, 0.1)) is None
    assert rates.of(hosted(2, None)) is None


def test_a_counter_that_went_back_is_no_negative_rate(clock: ManualClock) -> None:
    rates = ProcessorRates(clock)
    rates.of(hosted(1, 10.0))
    clock.move(2)
    assert rates.of(hosted(1, 0.0)) == 0.0
