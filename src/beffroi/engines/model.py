"""Engines and their state; what to do about it."""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

NGINX_NUMBER = 2
POSTGRESQL_NUMBER = 1
FILLER_NUMBER = 3
_SILENCES_BEFORE_RESTART = 3


class EngineState(StrEnum):
    """How an engine is."""

    ANSWERS = "answers"
    SILENT = "silent"
    STOPPED = "stopped"
    ELSEWHERE = "elsewhere"


class EngineStatus(msgspec.Struct, frozen=True):
    """One engine as observed.

    Attributes:
        silences: How many observations in a row it ran without answering.
    """

    name: str
    version: str
    address: str
    state: EngineState
    pid: int | None = None
    memory_bytes: int = 0
    cpu_s: float = 0.0
    silences: int = 0


class RestartEngine(msgspec.Struct, frozen=True):
    """Start an engine, stopping first what is left of it."""

    name: str
    reason: str

    @property
    def subject(self) -> str:
        """Name the engine."""
        return self.name


def planned_restarts(statuses: Sequence[EngineStatus]) -> tuple[RestartEngine, ...]:
    """Tell which engines to restart, and why."""
    steps = []
    for status in statuses:
        if status.state is EngineState.STOPPED:
            steps.append(RestartEngine(status.name, "it was not running"))
        elif status.silences >= _SILENCES_BEFORE_RESTART:
            steps.append(RestartEngine(status.name, f"{status.silences} checks had no answer"))
    return tuple(steps)
