"""Releases, deployments and instances; what to do about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.model import Application, ApplicationKind

RELEASES_KEPT = 5
_CALM_AFTER_S = 600.0
_RESTART_PAUSE_MOST_S = 300.0
_DOUBLINGS_MOST = 9


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    STARTING = "starting"
    SERVING = "serving"
    RETIRED = "retired"
    FAILED = "failed"


class ApplicationState(StrEnum):
    """How an application is, as people see it."""

    SERVING = "serving"
    STARTING = "starting"
    STOPPED = "stopped"
    FAILED = "failed"


class Release(msgspec.Struct, frozen=True):
    """A built application, immutable; its digest names its folder.

    Attributes:
        digest: 16 hexadecimal digits of the SHA-256 of its source and its recipe.
        origin: Where the source came from, with the commit where there is one.
    """

    application: str
    digest: str
    organisation: str
    origin: str
    size_bytes: int
    built_at: datetime


class Deployment(msgspec.Struct, frozen=True):
    """A release put into service with the settings of its day.

    Attributes:
        number: Counts up per application.
        specification: The application as declared then.
        reason: Why it failed, with the last lines of its output.
    """

    application: str
    number: int
    organisation: str
    digest: str
    specification: Application
    state: DeploymentState
    reason: str
    created_at: datetime
    actor: str

    @property
    def unit(self) -> str:
        """Name the instance that runs it."""
        return f"{self.application}.{self.number}"


class ApplicationRecord(msgspec.Struct, frozen=True):
    """What was decided about an application beyond the territory.

    Attributes:
        stopped: Somebody stopped it.
        handled: Digest of the declaration that the last deployment answered to.
    """

    application: str
    organisation: str
    uid_number: int
    stopped: bool = False
    handled: str = ""


class Hosted(msgspec.Struct, frozen=True):
    """One application as observed: declared, recorded, deployed, running.

    Attributes:
        wanted: Its declaration; nothing once the territory no longer names it.
        wanted_digest: Digest of that declaration.
        serving: The deployment that takes the traffic, or took it last.
        running_units: Its instances alive now.
        may_restart: No pause is due after its crashes.
        silent: Its instance runs but answered none of the last health checks.
        busy: A deployment is under way.
    """

    application: str
    wanted: Application | None
    wanted_digest: str
    record: ApplicationRecord | None
    serving: Deployment | None
    running_units: frozenset[str]
    may_restart: bool = True
    silent: bool = False
    busy: bool = False


class Act(StrEnum):
    """What a step does."""

    DEPLOY = "deploy"
    RESTART = "restart"
    REAP = "reap"
    WITHDRAW = "withdraw"


def is_instance(unit: str) -> bool:
    """Tell the instance of a deployment (``name.7``) from its tasks (``name.7.prepare``)."""
    parts = unit.split(".")
    return len(parts) == 2 and parts[1].isdigit()


class HostingStep(msgspec.Struct, frozen=True):
    """One act on one application; ``unit`` where it concerns one instance."""

    act: Act
    application: str
    unit: str = ""

    @property
    def subject(self) -> str:
        """Name the application."""
        return self.application


def planned_steps(applications: Sequence[Hosted]) -> tuple[HostingStep, ...]:
    """Tell the next step of each application that needs one."""
    steps = (_next_step(hosted) for hosted in applications if not hosted.busy)
    return tuple(step for step in steps if step is not None)


def _next_step(hosted: Hosted) -> HostingStep | None:
    if hosted.wanted is None:
        known = hosted.record is not None or hosted.running_units
        return HostingStep(Act.WITHDRAW, hosted.application) if known else None
    kept = _unit_kept(hosted)
    for unit in sorted(hosted.running_units):
        if unit != kept:
            return HostingStep(Act.REAP, hosted.application, unit)
    if hosted.record is not None and hosted.record.stopped:
        return None
    handled = hosted.record.handled if hosted.record else ""
    if hosted.serving is None or handled != hosted.wanted_digest:
        return HostingStep(Act.DEPLOY, hosted.application)
    runs = kept in hosted.running_units and not hosted.silent
    if kept and not runs and hosted.may_restart:
        return HostingStep(Act.RESTART, hosted.application, kept)
    return None


def _unit_kept(hosted: Hosted) -> str:
    """Name the one instance that should run; none for files and for a stopped application."""
    stopped = hosted.record is not None and hosted.record.stopped
    if hosted.serving is None or stopped:
        return ""
    if hosted.serving.specification.kind is ApplicationKind.STATIC:
        return ""
    return hosted.serving.unit


def pause_before_restart_s(crash_ages_s: Sequence[float]) -> float:
    """Tell how long an application that crashed waits for its next start.

    Args:
        crash_ages_s: How long ago each crash was, in seconds.

    Returns:
        0 after the first crash of ten calm minutes, then 1, 2, 4... up to 300 seconds.
    """
    recent = sum(1 for age in crash_ages_s if age < _CALM_AFTER_S)
    doublings = min(recent - 2, _DOUBLINGS_MOST)
    return 0.0 if recent <= 1 else min(_RESTART_PAUSE_MOST_S, 2.0**doublings)


def obsolete_releases(releases: Sequence[Release], in_use: Mapping[str, str]) -> tuple[str, ...]:
    """Tell which releases of one application may go: all but the newest five and those in use.

    Args:
        releases: In any order.
        in_use: Digests that a deployment serves, by application.
    """
    newest = sorted(releases, key=lambda release: release.built_at, reverse=True)
    return tuple(
        release.digest
        for release in newest[RELEASES_KEPT:]
        if release.digest != in_use.get(release.application)
    )


class JobRun(msgspec.Struct, frozen=True):
    """One run of a scheduled command.

    Attributes:
        status: Its exit status; nothing while it runs or when it could not be known.
    """

    application: str
    job: str
    organisation: str
    started_at: datetime
    finished_at: datetime | None
    status: int | None
    output: str


class RollBack(msgspec.Struct, frozen=True):
    """Which deployment to go back to; the one before when absent."""

    deployment: int | None = None


class SecretValue(msgspec.Struct, frozen=True):
    """The value of a secret."""

    value: Annotated[str, Meta(min_length=1, max_length=65_536)]
