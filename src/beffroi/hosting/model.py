"""Releases, deployments and instances; what to do about them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.kernel.processes.model import MemoryReading
from beffroi.territory.model import Application, ApplicationKind, Hibernation

RELEASES_KEPT = 5
_CALM_AFTER_S = 600.0
_RESTART_PAUSE_MOST_S = 300.0
_DOUBLINGS_MOST = 9
_SPARED_WHEN_SHORT_S = 30.0
_ENOUGH_MEMORY = MemoryReading(total_bytes=1, available_bytes=1)


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
    FROZEN = "frozen"
    ASLEEP = "asleep"
    STOPPED = "stopped"
    FAILED = "failed"


class Rest(StrEnum):
    """Whether an application that nobody uses was put to rest."""

    AWAKE = "awake"
    FROZEN = "frozen"
    ASLEEP = "asleep"


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
        rest: How it rests; visitors wake it.
        rest_reason: Why it could not be woken last time.
    """

    application: str
    organisation: str
    uid_number: int
    stopped: bool = False
    handled: str = ""
    rest: Rest = Rest.AWAKE
    rest_reason: str = ""


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
        frozen: The machine holds its serving instance halted.
        idle_s: Time since it was last used, in seconds; 0 while it is in use or never rests.
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
    frozen: bool = False
    idle_s: float = 0.0

    @property
    def hibernation(self) -> Hibernation:
        """Return when it rests, as declared now: a change of it needs no deployment."""
        return Hibernation() if self.wanted is None else self.wanted.hibernation

    @property
    def rest(self) -> Rest:
        """Return how it was decided to rest."""
        return Rest.AWAKE if self.record is None else self.record.rest


class Observed(msgspec.Struct, frozen=True):
    """All applications, and the memory of the machine that they share."""

    applications: tuple[Hosted, ...]
    memory: MemoryReading


class Act(StrEnum):
    """What a step does."""

    DEPLOY = "deploy"
    RESTART = "restart"
    REAP = "reap"
    WITHDRAW = "withdraw"
    FREEZE = "freeze"
    SLEEP = "sleep"
    WAKE = "wake"


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


def planned_steps(
    applications: Sequence[Hosted], memory: MemoryReading = _ENOUGH_MEMORY
) -> tuple[HostingStep, ...]:
    """Tell the next step of each application that needs one.

    Where memory is short, the application that was idle longest is put to sleep besides: one,
    then the memory is looked at again.
    """
    steps = {one.application: _next_step(one) for one in applications if not one.busy}
    asleep_soon = any(step.act is Act.SLEEP for step in steps.values() if step)
    if memory.is_short and not asleep_soon:
        resting = [one for one in applications if _may_sleep(one, steps.get(one.application))]
        if resting:
            idlest = max(resting, key=lambda one: one.idle_s).application
            steps[idlest] = HostingStep(Act.SLEEP, idlest)
    return tuple(step for step in steps.values() if step is not None)


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
    return _step_of_instance(hosted, hosted.serving) if kept else None


def _step_of_instance(hosted: Hosted, serving: Deployment) -> HostingStep | None:
    """Tell what the one instance that should run, or be frozen, needs."""
    if serving.unit in hosted.running_units and (hosted.frozen or not hosted.silent):
        return _rest_step(hosted)
    if hosted.rest is Rest.FROZEN and hosted.hibernation.sleep_after_s:
        return HostingStep(Act.SLEEP, hosted.application)
    if hosted.may_restart:
        return HostingStep(Act.RESTART, hosted.application, serving.unit)
    return None


def _rest_step(hosted: Hosted) -> HostingStep | None:
    """Tell how an application whose instance runs, or is halted, is put to rest.

    What was decided and what the machine does differ when the platform died between the two: it
    is woken, and may rest again later.
    """
    rules = hosted.hibernation
    if hosted.frozen is not (hosted.rest is Rest.FROZEN):
        return HostingStep(Act.WAKE, hosted.application)
    if 0 < rules.sleep_after_s <= hosted.idle_s:
        return HostingStep(Act.SLEEP, hosted.application)
    if not hosted.frozen and 0 < rules.freeze_after_s <= hosted.idle_s:
        return HostingStep(Act.FREEZE, hosted.application)
    return None


def _may_sleep(hosted: Hosted, planned: HostingStep | None) -> bool:
    """Tell whether an application may be put to sleep to win memory."""
    kept = _unit_kept(hosted)
    return (
        not hosted.busy
        and (planned is None or planned.act is Act.FREEZE)
        and hosted.wanted is not None
        and hosted.serving is not None
        and kept in hosted.running_units
        and hosted.idle_s >= _SPARED_WHEN_SHORT_S
        and hosted.hibernation.sleep_after_s > 0
    )


def _unit_kept(hosted: Hosted) -> str:
    """Name the one instance that should run; none for files, or while it is stopped or asleep."""
    stopped = hosted.record is not None and hosted.record.stopped
    if hosted.serving is None or stopped or hosted.rest is Rest.ASLEEP:
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
