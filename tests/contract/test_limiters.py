"""What every limiter owes, each as well as its capabilities claim."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from beffroi.kernel.processes.exits import wait_for_exit
from beffroi.kernel.processes.launch import is_alive
from beffroi.kernel.processes.limits import LIMITERS, Limiter, best_limiter
from beffroi.kernel.processes.limits.cgroup1 import Cgroup1Limiter
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.model import Limits, ProcessPlan
from beffroi.kernel.processes.stopping import kill
from beffroi.kernel.units import MIB
from tests.support.processes import AS_ROOT, fresh_identity, launched, pids_running, shell_plan
from tests.support.waiting import eventually, scaled

NAMESPACE = "beffroi-tests"
ROOMY = Limits(memory_bytes=256 * MIB, cpus=2, processes=50)


@pytest.fixture(params=sorted(LIMITERS))
def limiter(request: pytest.FixtureRequest) -> Iterator[Limiter]:
    kind = LIMITERS[request.param]
    if not kind.usable():
        pytest.skip(f"{kind.capabilities.name}: this user may not make its groups on this machine")
    made: Limiter = kind(NAMESPACE)
    yield made
    made.release("unit")


def _again(limiter: Limiter) -> Limiter:
    return next(kind(NAMESPACE) for kind in LIMITERS.values() if isinstance(limiter, kind))


def _plan(folder: Path, script: str, limits: Limits) -> ProcessPlan:
    return msgspec.structs.replace(
        shell_plan(folder, script), limits=limits, identity=fresh_identity()
    )


async def test_what_stays_within_its_limits_runs(limiter: Limiter, tmp_path: Path) -> None:
    plan = _plan(tmp_path, "head -c 20M /dev/zero | tail > /dev/null && echo done", ROOMY)
    with launched(plan, limiter) as process:
        assert await wait_for_exit(process) == 0
    assert plan.log_path.read_text() == "done\n"


async def test_a_memory_eater_is_ended(limiter: Limiter, tmp_path: Path) -> None:
    limits = msgspec.structs.replace(ROOMY, memory_bytes=48 * MIB)
    plan = _plan(tmp_path, "head -c 900M /dev/zero | tail > /dev/null && echo survived", limits)
    with launched(plan, limiter) as process:
        async with asyncio.timeout(scaled(20)):
            await wait_for_exit(process)
        usage = limiter.usage("unit", process.pid)
    assert "survived" not in plan.log_path.read_text()
    assert (usage.memory_kills > 0) is limiter.capabilities.whole_unit


async def test_memory_is_counted_over_the_unit_where_claimed(
    limiter: Limiter, tmp_path: Path
) -> None:
    limits = msgspec.structs.replace(ROOMY, memory_bytes=64 * MIB)
    eater = "(head -c 40M /dev/zero; sleep 1) | tail > /dev/null && echo survived"
    plan = _plan(tmp_path, f"{eater} & {eater} & {eater} & wait", limits)
    with launched(plan, limiter) as process:
        async with asyncio.timeout(scaled(20)):
            await wait_for_exit(process)
    survivors = plan.log_path.read_text().count("survived")
    assert survivors < 3 if limiter.capabilities.whole_unit else survivors == 3


@pytest.mark.parametrize("allowed", [10, 25])
async def test_a_fork_bomb_is_held(limiter: Limiter, tmp_path: Path, allowed: int) -> None:
    limits = msgspec.structs.replace(ROOMY, processes=allowed)
    bomb = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); sleep 300.8011 & done"
    plan = _plan(tmp_path, f"({bomb}; wait) & exec sleep 300.8012", limits)
    with launched(plan, limiter) as process:
        await eventually(lambda: pids_running("300.8011"))
        most = 0
        for _ in range(20):
            most = max(most, len(pids_running("300.8011")))
            await asyncio.sleep(0.02)
        await kill(process)
        assert await eventually(lambda: not pids_running("300.8011"))
    assert 0 < most <= allowed


async def test_cpu_time_is_bounded_where_claimed(limiter: Limiter, tmp_path: Path) -> None:
    limits = msgspec.structs.replace(ROOMY, cpus=0.2)
    with launched(_plan(tmp_path, "while :; do :; done", limits), limiter) as process:
        await eventually(lambda: limiter.usage("unit", process.pid).cpu_s > 0)
        before_s = limiter.usage("unit", process.pid).cpu_s
        await asyncio.sleep(1)
        used_s = limiter.usage("unit", process.pid).cpu_s - before_s
    assert used_s > 0.05
    assert used_s < 0.35 or not limiter.capabilities.cpu


async def test_cpu_time_of_children_that_ended_stays_counted(
    limiter: Limiter, tmp_path: Path
) -> None:
    burn = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    script = f"sh -c '{burn}'; (sh -c '{burn}'; true); echo burnt; sleep 300; true"
    plan = _plan(tmp_path, script, ROOMY)
    with launched(plan, limiter) as process:
        await eventually(lambda: "burnt" in plan.log_path.read_text(), within_s=20)
        one, other = (limiter.usage("unit", process.pid) for _ in range(2))
    assert one.cpu_s > 0.1
    assert other.cpu_s >= one.cpu_s


@pytest.mark.skipif(not Cgroup1Limiter.usable(), reason="no control groups of version 1 here")
async def test_a_unit_whose_group_lingers_begins_at_nothing(tmp_path: Path) -> None:
    limiter = Cgroup1Limiter(NAMESPACE)
    with launched(_plan(tmp_path, "while :; do :; done", ROOMY), limiter) as process:
        await eventually(lambda: limiter.usage("unit", process.pid).cpu_s > 0.3)
        limiter.prepare("unit", ROOMY)
        assert limiter.usage("unit", process.pid).cpu_s < 0.2
    limiter.release("unit")


async def test_usage_counts_processes_memory_and_cpu(limiter: Limiter, tmp_path: Path) -> None:
    script = "(head -c 30M /dev/zero; sleep 300) | tail > /dev/null"
    with launched(_plan(tmp_path, script, ROOMY), limiter) as process:
        await eventually(lambda: limiter.usage("unit", process.pid).memory_bytes > 28 * MIB)
        usage = limiter.usage("unit", process.pid)
        assert usage.memory_bytes < 80 * MIB
        assert 3 <= usage.processes <= 6
        assert 0 <= usage.cpu_s < 5


async def test_the_next_platform_reads_the_same_unit(limiter: Limiter, tmp_path: Path) -> None:
    with launched(_plan(tmp_path, "sleep 300", ROOMY), limiter) as process:
        await eventually(lambda: limiter.usage("unit", process.pid).processes > 0)
        later = _again(limiter)
        assert later.usage("unit", process.pid).processes > 0
        assert is_alive(process)


async def test_limits_are_set_anew_at_each_launch(limiter: Limiter, tmp_path: Path) -> None:
    script = "head -c 60M /dev/zero | tail > /dev/null && echo survived"
    small = msgspec.structs.replace(ROOMY, memory_bytes=8 * MIB)
    for limits in (small, ROOMY, small):
        with launched(_plan(tmp_path, script, limits), limiter) as process:
            await wait_for_exit(process)
            kills = limiter.usage("unit", process.pid).memory_kills
        assert kills == 0 or limits is small
    assert (tmp_path / "unit.log").read_text().count("survived") == 1


def test_releasing_twice_and_a_unit_that_never_was_is_harmless(limiter: Limiter) -> None:
    limiter.prepare("unit", ROOMY)
    for unit in ("unit", "unit", "never-was"):
        limiter.release(unit)
    assert limiter.usage("never-was", 2**22 - 1).processes == 0


def test_the_best_limiter_is_the_first_usable_one() -> None:
    chosen = best_limiter(NAMESPACE)
    usable = [name for name, kind in LIMITERS.items() if kind.usable()]
    assert isinstance(chosen, LIMITERS[usable[0]])


@pytest.mark.skipif(AS_ROOT, reason="root's units run under users of their own")
async def test_what_an_ordinary_user_already_runs_is_not_counted(tmp_path: Path) -> None:
    crowd = shell_plan(tmp_path, "for i in $(seq 60); do sleep 300 & done; wait", "crowd")
    limits = msgspec.structs.replace(ROOMY, processes=20)
    with launched(crowd):
        await eventually(lambda: len(pids_running("300")) == 60)
        plan = _plan(tmp_path, "(true) && echo forked", limits)
        with launched(plan, RlimitLimiter(NAMESPACE)) as process:
            assert await wait_for_exit(process) == 0
    assert plan.log_path.read_text() == "forked\n"
