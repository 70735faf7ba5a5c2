"""What an application may declare, given its kind; pure."""

import shlex
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from beffroi.territory.findings import KeyPath, Mistake
from beffroi.territory.model import Application, ApplicationKind, Source

_EVERY_KIND: Final = frozenset(ApplicationKind)
_RUNNING: Final = frozenset({ApplicationKind.PYTHON, ApplicationKind.COMMAND})
_PYTHON: Final = frozenset({ApplicationKind.PYTHON})
_KINDS_OF_KEY: Final = {
    "interface": _PYTHON,
    "entry": _PYTHON,
    "requirements": _PYTHON,
    "start": _RUNNING,
    "listens": _RUNNING,
    "prepare": _RUNNING,
    "secrets": _RUNNING,
    "volumes": _RUNNING,
    "database": _RUNNING,
    "network": _RUNNING,
    "jobs": _RUNNING,
    "hibernation": _RUNNING,
    "public": frozenset({ApplicationKind.STATIC}),
}
_KEY_IT_NEEDS: Final = {"interface": "entry", "listens": "start"}
_CRON_FIELDS: Final = 5
_ANY_MOMENT: Final = datetime(2024, 1, 1, tzinfo=UTC)


def application_mistakes(application: Application, given: AbstractSet[str]) -> Iterator[Mistake]:
    """Say what is wrong with one application alone.

    Args:
        application: The application, shaped as the schema asks.
        given: The keys that its file writes, defaults excluded.
    """
    path = ("applications", application.name)
    yield from _kind_mistakes(application, given, path)
    yield from _server_mistakes(application, given, path)
    yield from _source_mistakes(application.source, (*path, "source"))
    yield from _command_mistakes(application, path)
    yield from _schedule_mistakes(application, path)
    for place, name in enumerate(application.secrets):
        if name in application.environment:
            inner = (*path, "secrets", place)
            yield Mistake("territory.secret_in_environment", inner, {"name": name})


def _kind_mistakes(
    application: Application, given: AbstractSet[str], path: KeyPath
) -> Iterator[Mistake]:
    for key in sorted(given):
        kinds = _KINDS_OF_KEY.get(key, _EVERY_KIND)
        if application.kind not in kinds:
            values = {"key": key, "kind": application.kind, "kinds": ", ".join(sorted(kinds))}
            yield Mistake("territory.key_not_for_kind", (*path, key), values, at_key=True)


def _server_mistakes(
    application: Application, given: AbstractSet[str], path: KeyPath
) -> Iterator[Mistake]:
    written = sorted(given & {"entry", "start"})
    if application.kind is ApplicationKind.PYTHON and len(written) != 1:
        inner = (*path, *written[1:])
        yield Mistake("territory.entry_or_start", inner, {"count": len(written)}, at_key=True)
    elif application.kind is ApplicationKind.COMMAND and "start" not in given:
        yield Mistake("territory.missing_key", (*path, "start"), {"key": "start"}, at_key=True)
    for key, needed in _KEY_IT_NEEDS.items():
        applies = application.kind in _KINDS_OF_KEY[key]
        if key in given and applies and needed not in given:
            values = {"key": key, "needed": needed}
            yield Mistake("territory.key_needs", (*path, key), values, at_key=True)


def _source_mistakes(source: Source, path: KeyPath) -> Iterator[Mistake]:
    origins = [key for key in ("folder", "archive", "git") if getattr(source, key)]
    if len(origins) != 1:
        yield Mistake("territory.source_not_one", path, {"count": len(origins)}, at_key=True)
    if source.ref != "HEAD" and not source.git:
        needs: dict[str, object] = {"key": "ref", "needed": "git"}
        yield Mistake("territory.key_needs", (*path, "ref"), needs, at_key=True)


def _command_mistakes(application: Application, path: KeyPath) -> Iterator[Mistake]:
    commands: list[tuple[KeyPath, str]] = [
        *((("build", place), command) for place, command in enumerate(application.build)),
        *((("prepare", place), command) for place, command in enumerate(application.prepare)),
        *((("jobs", job.name, "command"), job.command) for job in application.jobs.values()),
    ]
    if application.start:
        commands.append((("start",), application.start))
    for inner, command in commands:
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        if not words:
            yield Mistake("territory.not_a_command", (*path, *inner), {"found": command[:60]})


def _schedule_mistakes(application: Application, path: KeyPath) -> Iterator[Mistake]:
    for job in application.jobs.values():
        inner = (*path, "jobs", job.name, "schedule")
        if len(job.schedule.split()) != _CRON_FIELDS:
            values: dict[str, object] = {"found": job.schedule, "count": len(job.schedule.split())}
            yield Mistake("territory.schedule_not_five_fields", inner, values)
        elif not _ever_runs(job.schedule):
            yield Mistake("territory.not_a_schedule", inner, {"found": job.schedule})


def _ever_runs(schedule: str) -> bool:
    try:
        return next(CronSim(schedule, _ANY_MOMENT), None) is not None
    except CronSimError:
        return False
