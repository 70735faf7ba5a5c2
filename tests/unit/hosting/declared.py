"""Small declarations for the tests of hosting."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from beffroi.hosting.model import (
    Act,
    ApplicationRecord,
    Deployment,
    DeploymentState,
    Hosted,
    HostingStep,
    Release,
    Rest,
)
from beffroi.territory.model import Application, ApplicationKind, Job, Source

MOMENT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def application(name: str = "bus", **settings: Any) -> Application:
    """Declare a command of the commune of Lomme."""
    declared = Application(
        name=name,
        organisation="lomme",
        title=name.title(),
        kind=ApplicationKind.COMMAND,
        source=Source(folder="/srv/bus"),
        start="serve",
        hosts=(f"{name}.lomme.example",),
    )
    return msgspec.structs.replace(declared, **settings)


def job(schedule: str, name: str = "nightly") -> Job:
    """Declare a scheduled command."""
    return Job(name=name, schedule=schedule, command="tidy")


def deployment(specification: Application, number: int = 1, digest: str = "d1") -> Deployment:
    """Make a serving deployment."""
    return Deployment(
        application=specification.name,
        number=number,
        organisation=specification.organisation,
        digest=digest,
        specification=specification,
        state=DeploymentState.SERVING,
        reason="",
        created_at=MOMENT,
        actor="operator",
    )


def record(
    name: str = "bus", *, handled: str = "", stopped: bool = False, rest: Rest = Rest.AWAKE
) -> ApplicationRecord:
    """Make what was decided about an application."""
    return ApplicationRecord(name, "lomme", 100, stopped=stopped, handled=handled, rest=rest)


BUS = application()
WANTED = "w1"


def hosted(**known: object) -> Hosted:
    """Describe the bus application as deployed, handled and running."""
    calm = Hosted(
        application="bus",
        wanted=BUS,
        wanted_digest=WANTED,
        record=record(handled=WANTED),
        serving=deployment(BUS, 3),
        running_units=frozenset({"bus.3"}),
    )
    return msgspec.structs.replace(calm, **known)


def step(act: Act, unit: str = "") -> tuple[HostingStep, ...]:
    """Write a plan of one step about the bus application."""
    return (HostingStep(act, "bus", unit),)


def release(digest: str, age_s: float, name: str = "bus") -> Release:
    """Make a release built some time ago."""
    return Release(
        application=name,
        digest=digest,
        organisation="lomme",
        origin="/srv/bus",
        size_bytes=1,
        built_at=MOMENT - timedelta(seconds=age_s),
    )
