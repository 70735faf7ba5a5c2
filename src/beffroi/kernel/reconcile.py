"""The loop that moves the world towards what was decided.

Observe, plan, apply a step, say one sentence, observe again. Steps of distinct subjects run
side by side; a subject never has two. A crash between two steps is a normal case.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

import msgspec

from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_BACKOFF_FIRST_S = 1.0
_BACKOFF_MOST_S = 300.0
_BACKOFF_DOUBLINGS = 10

SnapshotT = TypeVar("SnapshotT")


class Step(Protocol):
    """One idempotent act on one subject."""

    @property
    def subject(self) -> str:
        """Name what it acts on; backoff is kept per subject."""
        ...


StepT = TypeVar("StepT", bound=Step)


class Controller(Protocol[SnapshotT, StepT]):
    """What a domain writes."""

    async def observe(self) -> SnapshotT:
        """Read the world and what was decided, once, into one immutable value."""
        ...

    def plan(self, snapshot: SnapshotT) -> Sequence[StepT]:
        """Tell the steps to take, in a safe order; pure and total."""
        ...

    async def apply(self, step: StepT) -> str:
        """Take one step; return what was done, in one sentence."""
        ...


class _Failing(msgspec.Struct):
    since_s: float
    times: int
    retry_at_s: float


class Reconciler(Generic[SnapshotT, StepT]):
    """Runs one controller."""

    def __init__(
        self,
        name: str,
        controller: Controller[SnapshotT, StepT],
        clock: Clock,
        *,
        period_s: float = 30.0,
        step_deadline_s: float = 300.0,
        side_by_side: int = 4,
    ) -> None:
        self.name = name
        self._controller = controller
        self._clock = clock
        self._period_s = period_s
        self._step_deadline_s = step_deadline_s
        self._side_by_side = side_by_side
        self._woken = asyncio.Event()
        self._taking: dict[str, asyncio.Task[None]] = {}
        self._failing: dict[str, _Failing] = {}

    def wake(self) -> None:
        """Look again now."""
        self._woken.set()

    def forgive(self, subject: str) -> None:
        """Try a failing subject again now, because something about it changed."""
        self._failing.pop(subject, None)
        self.wake()

    async def run(self) -> None:
        """Reconcile until cancelled; the steps under way are cancelled with it."""
        try:
            while True:
                self._woken.clear()
                await self._cycle()
                await self._wait()
        finally:
            tasks = tuple(self._taking.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _cycle(self) -> None:
        try:
            async with asyncio.timeout(self._step_deadline_s):
                snapshot = await self._controller.observe()
            steps = self._controller.plan(snapshot)
        except (BeffroiError, TimeoutError) as error:
            self._note_failure(self.name, error)
            return
        except Exception:
            _logger.exception("BUG in controller name=%s at=observe", self.name)
            self._back_off(self.name)
            return
        self._note_success(self.name)
        self._settle_unplanned({step.subject for step in steps})
        for step in steps:
            if len(self._taking) < self._side_by_side and self._may_take(step.subject):
                task = asyncio.create_task(self._take(step), name=f"{self.name} {step.subject}")
                self._taking[step.subject] = task

    def _settle_unplanned(self, planned: set[str]) -> None:
        """Close the failures of subjects that no longer need a step."""
        for subject in self._failing.keys() - planned - self._taking.keys():
            self._note_success(subject)

    def _may_take(self, subject: str) -> bool:
        failing = self._failing.get(subject)
        waits = failing is not None and failing.retry_at_s > self._clock.monotonic_s()
        return subject not in self._taking and not waits

    async def _take(self, step: StepT) -> None:
        try:
            async with asyncio.timeout(self._step_deadline_s):
                sentence = await self._controller.apply(step)
        except (BeffroiError, TimeoutError) as error:
            self._note_failure(step.subject, error)
        except Exception:
            _logger.exception("BUG in controller name=%s subject=%s", self.name, step.subject)
            self._back_off(step.subject)
        else:
            self._note_success(step.subject)
            _logger.info("%s subject=%s %s", self.name, step.subject, sentence)
        finally:
            del self._taking[step.subject]
            self.wake()

    async def _wait(self) -> None:
        now = self._clock.monotonic_s()
        retries = [failing.retry_at_s - now for failing in self._failing.values()]
        wait_s = max(0.05, min([self._period_s, *(retry for retry in retries if retry > 0)]))
        with suppress(TimeoutError):
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the wake-up.
            async with asyncio.timeout(wait_s):
                await self._woken.wait()

    def _note_failure(self, subject: str, error: Exception) -> None:
        failing = self._back_off(subject)
        if failing.times == 1:
            reason = str(error) or f"the step took more than {self._step_deadline_s} s"
            _logger.warning("%s subject=%s state=failing %s", self.name, subject, reason)

    def _back_off(self, subject: str) -> _Failing:
        now = self._clock.monotonic_s()
        failing = self._failing.setdefault(subject, _Failing(now, 0, now))
        failing.times += 1
        doublings = min(failing.times - 1, _BACKOFF_DOUBLINGS)
        pause_s = min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2**doublings)
        failing.retry_at_s = now + pause_s
        return failing

    def _note_success(self, subject: str) -> None:
        failing = self._failing.pop(subject, None)
        if failing is None:
            return
        _logger.info(
            "%s subject=%s state=recovered after_s=%.1f tries=%s",
            self.name,
            subject,
            self._clock.monotonic_s() - failing.since_s,
            failing.times,
        )
