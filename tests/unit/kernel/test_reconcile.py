"""The loop that moves the world towards what was decided, on small worlds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from beffroi.kernel.errors import FailedError
from beffroi.kernel.reconcile import Reconciler
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

Act = Callable[[str], Awaitable[None]]


class Raise(msgspec.Struct, frozen=True):
    """Bring one lamp nearer to its height, by one."""

    subject: str


class Lamps:
    """A world of lamps to be raised to a height, each by single steps."""

    def __init__(self, wanted: dict[str, int], act: Act | None = None) -> None:
        self.wanted = wanted
        self.heights = dict.fromkeys(wanted, 0)
        self.tried: list[str] = []
        self.under_way: set[str] = set()
        self.observed = 0
        self.observation_fails = False
        self._act = act

    async def observe(self) -> dict[str, int]:
        self.observed += 1
        if self.observation_fails:
            raise FailedError("kernel.database_unreachable")
        return {name: self.wanted[name] - self.heights[name] for name in self.wanted}

    def plan(self, snapshot: dict[str, int]) -> Sequence[Raise]:
        return [Raise(name) for name, missing in snapshot.items() if missing > 0]

    async def apply(self, step: Raise) -> str:
        assert step.subject not in self.under_way
        self.tried.append(step.subject)
        self.under_way.add(step.subject)
        try:
            if self._act is not None:
                await self._act(step.subject)
        finally:
            self.under_way.remove(step.subject)
        self.heights[step.subject] += 1
        return f"raised to {self.heights[step.subject]}"


@asynccontextmanager
async def running(
    lamps: Lamps, clock: ManualClock, *, step_deadline_s: float = 300.0, side_by_side: int = 4
) -> AsyncIterator[Reconciler[dict[str, int], Raise]]:
    reconciler = Reconciler(
        "lamps", lamps, clock, step_deadline_s=step_deadline_s, side_by_side=side_by_side
    )
    task = asyncio.create_task(reconciler.run())
    try:
        yield reconciler
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _tried(lamps: Lamps, subject: str, times: int) -> Callable[[], bool]:
    return lambda: lamps.tried.count(subject) == times


async def _looks(lamps: Lamps, reconciler: Reconciler[dict[str, int], Raise]) -> None:
    before = lamps.observed
    reconciler.wake()
    await eventually(lambda: lamps.observed > before)


async def looked_again(lamps: Lamps, reconciler: Reconciler[dict[str, int], Raise]) -> bool:
    """Make the loop look twice: what the first look started has then been counted."""
    for _ in range(2):
        await _looks(lamps, reconciler)
    return True


async def test_it_reaches_what_was_decided_and_then_rests(clock: ManualClock) -> None:
    lamps = Lamps({"north": 3, "south": 1, "west": 0})
    async with running(lamps, clock) as reconciler:
        await eventually(lambda: lamps.heights == lamps.wanted)
        await looked_again(lamps, reconciler)
    assert sorted(lamps.tried) == ["north", "north", "north", "south"]


async def test_each_step_is_told_in_one_sentence(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lamps = Lamps({"north": 2})
    async with running(lamps, clock):
        await eventually(lambda: lamps.heights == lamps.wanted)
        await eventually(lambda: len(caplog.messages) == 2)
    assert caplog.messages == ["lamps subject=north raised to 1", "lamps subject=north raised to 2"]


async def test_a_wake_makes_it_look_at_once(clock: ManualClock) -> None:
    lamps = Lamps({"north": 0})
    async with running(lamps, clock) as reconciler:
        await eventually(lambda: lamps.observed == 1)
        lamps.wanted["north"] = 1
        reconciler.wake()
        assert await eventually(lambda: lamps.heights["north"] == 1, within_s=1)


async def test_distinct_subjects_move_side_by_side_up_to_a_bound(clock: ManualClock) -> None:
    most = 0
    gate = asyncio.Event()

    async def act(_: str) -> None:
        nonlocal most
        most = max(most, len(lamps.under_way))
        await gate.wait()

    lamps = Lamps({f"lamp-{number}": 2 for number in range(7)}, act)
    async with running(lamps, clock, side_by_side=3):
        await eventually(lambda: len(lamps.under_way) == 3)
        gate.set()
        await eventually(lambda: lamps.heights == lamps.wanted)
    assert most == 3


async def test_a_slow_subject_neither_holds_others_nor_has_two_steps(clock: ManualClock) -> None:
    gate = asyncio.Event()

    async def act(subject: str) -> None:
        if subject == "slow":
            await gate.wait()

    lamps = Lamps({"slow": 2, "quick": 20}, act)
    async with running(lamps, clock):
        await eventually(lambda: lamps.heights["quick"] == 20)
        assert lamps.tried.count("slow") == 1
        gate.set()
        await eventually(lambda: lamps.heights == lamps.wanted)


async def test_backoff_doubles_per_subject_and_spares_the_others(clock: ManualClock) -> None:
    async def act(subject: str) -> None:
        if subject == "broken":
            raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"broken": 1, "sound": 0}, act)
    async with running(lamps, clock) as reconciler:
        for tries, pause_s in enumerate((1, 2, 4, 8), start=1):
            await eventually(_tried(lamps, "broken", tries))
            clock.move(pause_s - 0.1)
            lamps.wanted["sound"] += 1
            await looked_again(lamps, reconciler)
            assert lamps.tried.count("broken") == tries
            clock.move(0.2)
            reconciler.wake()
        await eventually(lambda: lamps.heights["sound"] == 4)


async def test_backoff_ends_at_five_minutes(clock: ManualClock) -> None:
    async def act(_: str) -> None:
        raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"broken": 1}, act)
    async with running(lamps, clock) as reconciler:
        for tries in range(1, 15):
            await eventually(_tried(lamps, next(iter(lamps.wanted)), tries))
            clock.move(300.1)
            reconciler.wake()
        assert await eventually(lambda: len(lamps.tried) == 15)


async def test_a_failure_that_lasts_for_weeks_is_still_tried_every_five_minutes(
    clock: ManualClock,
) -> None:
    async def act(_: str) -> None:
        raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"broken": 1}, act)
    async with running(lamps, clock) as reconciler:
        for tries in range(1, 1200):
            while len(lamps.tried) < tries:  # noqa: ASYNC110 - 1200 times: no pause
                await asyncio.sleep(0)
            clock.move(300.1)
            reconciler.wake()
        before = len(lamps.tried)
        await looked_again(lamps, reconciler)
        assert len(lamps.tried) <= before + 1


async def test_a_failure_is_told_once_when_it_starts_and_once_when_it_ends(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def act(subject: str) -> None:
        if lamps.tried.count(subject) <= 3:
            raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"north": 1}, act)
    async with running(lamps, clock) as reconciler:
        for tries in range(1, 4):
            await eventually(_tried(lamps, next(iter(lamps.wanted)), tries))
            await looked_again(lamps, reconciler)
            clock.move(10)
            reconciler.wake()
        await eventually(lambda: lamps.heights["north"] == 1)
        await eventually(lambda: any("raised" in line for line in caplog.messages))
    states = [line.split(" ", 3)[2] for line in caplog.messages if "state=" in line]
    assert states == ["state=failing", "state=recovered"]
    assert "after_s=30.0 tries=3" in caplog.text


async def test_a_failure_that_heals_by_itself_is_told_ended_and_counted_anew(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def act(_: str) -> None:
        raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"north": 1}, act)
    async with running(lamps, clock) as reconciler:
        await eventually(lambda: len(lamps.tried) == 1)
        lamps.wanted["north"] = 0
        await looked_again(lamps, reconciler)
        lamps.wanted["north"] = 1
        await looked_again(lamps, reconciler)
        await eventually(lambda: len(lamps.tried) == 2)
        await looked_again(lamps, reconciler)
    states = [line.split(" ", 3)[2] for line in caplog.messages if "state=" in line]
    assert states == ["state=failing", "state=recovered", "state=failing"]


async def test_a_forgiven_subject_is_tried_at_once(clock: ManualClock) -> None:
    async def act(_: str) -> None:
        if len(lamps.tried) == 1:
            raise FailedError("kernel.bug", reference="lamp")

    lamps = Lamps({"north": 1}, act)
    async with running(lamps, clock) as reconciler:
        await eventually(lambda: len(lamps.tried) == 1)
        await looked_again(lamps, reconciler)
        assert len(lamps.tried) == 1
        reconciler.forgive("north")
        assert await eventually(lambda: lamps.heights["north"] == 1)


async def test_an_unexpected_error_is_a_bug_line_and_the_others_go_on(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(subject: str) -> None:
        if subject == "broken":
            raise ZeroDivisionError

    lamps = Lamps({"broken": 1, "sound": 3}, act)
    async with running(lamps, clock):
        await eventually(lambda: lamps.heights["sound"] == 3)
    bugs = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [bug.getMessage() for bug in bugs] == ["BUG in controller name=lamps subject=broken"]
    assert bugs[0].exc_info is not None


async def test_a_plan_that_breaks_is_a_bug_line_and_is_tried_again(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Careless(Lamps):
        def plan(self, snapshot: dict[str, int]) -> Sequence[Raise]:
            if self.observed < 3:
                raise KeyError("height")
            return super().plan(snapshot)

    lamps = Careless({"north": 1})
    async with running(lamps, clock) as reconciler:
        await looked_again(lamps, reconciler)
        await looked_again(lamps, reconciler)
        await eventually(lambda: lamps.heights["north"] == 1)
    assert "BUG in controller name=lamps at=observe" in caplog.messages


async def test_an_observation_that_fails_is_told_once_and_tried_again(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    lamps = Lamps({"north": 1})
    lamps.observation_fails = True
    async with running(lamps, clock) as reconciler:
        await looked_again(lamps, reconciler)
        await looked_again(lamps, reconciler)
        assert sum("state=failing" in line for line in caplog.messages) == 1
        lamps.observation_fails = False
        reconciler.wake()
        await eventually(lambda: lamps.heights["north"] == 1)
    assert sum("state=recovered" in line for line in caplog.messages) == 1


async def test_a_step_that_takes_too_long_is_cut_and_told(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(_: str) -> None:
        await asyncio.Event().wait()

    lamps = Lamps({"stuck": 1}, act)
    async with running(lamps, clock, step_deadline_s=0.05):
        await eventually(lambda: "the step took more than 0.05 s" in caplog.text)
        await eventually(lambda: not lamps.under_way)
    assert lamps.heights["stuck"] == 0


async def test_an_observation_that_hangs_is_cut_and_told(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Blind(Lamps):
        async def observe(self) -> dict[str, int]:
            if self.observed == 0:
                self.observed += 1
                await asyncio.Event().wait()
            return await super().observe()

    lamps = Blind({"north": 1})
    async with running(lamps, clock, step_deadline_s=0.05) as reconciler:
        await eventually(lambda: "state=failing" in caplog.text)
        reconciler.wake()
        assert await eventually(lambda: lamps.heights["north"] == 1)


async def test_cancelling_the_loop_cancels_the_steps_under_way(clock: ManualClock) -> None:
    cut: list[str] = []

    async def act(subject: str) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.append(subject)
            raise

    lamps = Lamps({"north": 1, "south": 1}, act)
    async with running(lamps, clock):
        await eventually(lambda: len(lamps.under_way) == 2)
    assert sorted(cut) == ["north", "south"]
