"""The noun."""

from datetime import datetime
from enum import StrEnum

import msgspec


class OperationState(StrEnum):
    """Where an operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Operation(msgspec.Struct, frozen=True):
    """One change that somebody asked for.

    Attributes:
        step: What it does now, or did last.
        outcome: How it ended, in one sentence; with the reason when it failed.
    """

    id: str
    verb: str
    subject: str
    organisation: str
    actor: str
    state: OperationState
    step: str
    outcome: str
    error_code: str
    started_at: datetime
    finished_at: datetime | None
