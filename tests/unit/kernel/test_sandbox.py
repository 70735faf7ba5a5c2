"""The command line of the sandbox, read without running it."""

from pathlib import Path

import pytest

from beffroi.kernel.processes.model import Identity, Mount, ProcessPlan, Sandbox
from beffroi.kernel.processes.sandbox import as_identity, sandboxed_command


@pytest.fixture
def plan(tmp_path: Path) -> ProcessPlan:
    return ProcessPlan(
        unit="bus-web-1",
        command=("python", "-m", "bus", "--port", "0"),
        folder=tmp_path,
        log_path=tmp_path / "log",
        working_folder=Path("/application"),
    )


def _pairs(line: list[str], verb: str) -> list[tuple[str, str]]:
    return [(line[place + 1], line[place + 2]) for place, word in enumerate(line) if word == verb]


def test_the_command_comes_last_and_whole(plan: ProcessPlan) -> None:
    line = sandboxed_command(plan, Sandbox())
    assert tuple(line[-5:]) == plan.command
    assert "--" in line


def test_it_has_no_network_unless_asked(plan: ProcessPlan) -> None:
    assert "--unshare-net" in sandboxed_command(plan, Sandbox())
    assert "--unshare-net" not in sandboxed_command(plan, Sandbox(network=True))


def test_only_mounts_that_are_writable_are_bound_so(plan: ProcessPlan, tmp_path: Path) -> None:
    release, volume = Mount(tmp_path, Path("/application")), Mount(tmp_path, Path("/data"), True)  # noqa: FBT003
    line = sandboxed_command(plan, Sandbox(mounts=(release, volume)))
    assert (str(tmp_path), "/application") in _pairs(line, "--ro-bind")
    assert _pairs(line, "--bind") == [(str(tmp_path), "/data")]


def test_the_root_is_made_read_only_after_the_mounts(plan: ProcessPlan, tmp_path: Path) -> None:
    line = sandboxed_command(plan, Sandbox(mounts=(Mount(tmp_path, Path("/data")),)))
    assert line.index("--remount-ro") > line.index("/data")
    assert line[line.index("--remount-ro") + 1] == "/"
    assert line[line.index("--chdir") + 1] == "/application"


def test_nothing_of_home_root_or_run_is_shown(plan: ProcessPlan) -> None:
    line = sandboxed_command(plan, Sandbox(network=True))
    targets = {target for verb in ("--bind", "--ro-bind") for _, target in _pairs(line, verb)}
    assert not targets & {"/", "/home", "/root", "/run", "/var", "/etc", "/sys"}


def test_an_identity_is_taken_for_good_inside_the_sandbox(plan: ProcessPlan) -> None:
    line = sandboxed_command(plan, Sandbox(identity=Identity(4321, 4322)))
    inside = line[line.index("--") + 1 :]
    assert inside[: -len(plan.command)] == as_identity(Identity(4321, 4322))
    assert inside[0] == "setpriv"
    assert {"--reuid=4321", "--regid=4322", "--clear-groups", "--no-new-privs"} <= set(inside)


def test_the_sandbox_knows_one_user_name(plan: ProcessPlan, tmp_path: Path) -> None:
    sandboxed_command(plan, Sandbox(identity=Identity(4321, 4322)))
    assert (tmp_path / "passwd").read_text().split(":")[:4] == ["application", "x", "4321", "4322"]
    assert (tmp_path / "group").read_text().split(":")[2] == "4322"


def test_bubblewrap_does_not_end_with_the_platform(plan: ProcessPlan) -> None:
    assert "--die-with-parent" not in sandboxed_command(plan, Sandbox())
