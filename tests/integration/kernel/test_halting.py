"""The switch of a control group of version 2, where the machine has one that may be written."""

import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from beffroi.kernel.processes.limits.group_files import may_make_groups
from beffroi.kernel.processes.limits.halting import Group2, Motion
from tests.support.processes import launched, shell_plan
from tests.support.waiting import eventually

TREES = [
    folder
    for folder in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))
    if (folder / "cgroup.controllers").exists() and may_make_groups(folder)
]


@pytest.fixture
def group() -> Iterator[Path]:
    if not TREES:
        pytest.skip("this user may not make groups of version 2 on this machine")
    folder = TREES[0] / f"beffroi-tests-{secrets.token_hex(4)}"
    folder.mkdir()
    yield folder
    with suppress(OSError):
        folder.rmdir()


async def test_a_group_halts_and_goes_on(group: Path, tmp_path: Path) -> None:
    script = f"echo $$ > {group}/cgroup.procs; while :; do echo tick; sleep 0.01; done"
    plan = shell_plan(tmp_path, script)
    with launched(plan) as process:
        switch = Group2(group, process.pid)
        assert switch.motion() is Motion.RUNNING
        await eventually(lambda: plan.log_path.exists() and plan.log_path.stat().st_size > 10)
        switch.halt()
        await eventually(lambda: switch.motion() is Motion.HALTED)
        size = plan.log_path.stat().st_size
        for _ in range(5):
            assert plan.log_path.stat().st_size == size
        switch.resume_all()
        assert switch.motion() is Motion.RUNNING
        await eventually(lambda: plan.log_path.stat().st_size > size)


def test_a_group_that_is_gone_runs_nothing_that_is_halted(tmp_path: Path) -> None:
    switch = Group2(tmp_path / "gone", 2**22 - 1)
    switch.halt()
    switch.resume_all()
    assert switch.motion() is Motion.RUNNING
