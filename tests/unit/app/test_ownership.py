"""One platform per data folder; commands find the one that runs."""

import sys
from pathlib import Path

import pytest

from beffroi.app.ownership import Ownership, read_control, write_control
from beffroi.kernel.errors import ConflictError
from beffroi.kernel.secrets import Secret
from tests.support.programs import kill_program, program, told
from tests.support.waiting import eventually

HOLDER = "tests.unit.app.programs.holder"


def test_a_second_one_is_told_who_runs(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    first.tell("process 42, https://console.ville.localhost/")
    with pytest.raises(ConflictError) as refused:
        Ownership(tmp_path)
    assert "process 42, https://console.ville.localhost/" in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    first.release()


def test_what_is_told_last_replaces_what_was_told_before(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    first.tell("process 42, with a long story to tell")
    first.tell("process 43")
    with pytest.raises(ConflictError) as refused:
        Ownership(tmp_path)
    assert refused.value.values["holder"] == "process 43"
    first.release()


def test_a_folder_that_was_released_is_free(tmp_path: Path) -> None:
    Ownership(tmp_path).release()
    second = Ownership(tmp_path)
    second.tell("process 44")
    assert (tmp_path / "beffroi.lock").read_text() == "process 44"
    second.release()


def test_two_folders_do_not_mind_each_other(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    owners = [Ownership(folder) for folder in folders]
    for owner in owners:
        owner.release()
    assert all((folder / "beffroi.lock").exists() for folder in folders)


async def test_the_kernel_lets_go_of_the_folder_of_a_killed_process(tmp_path: Path) -> None:
    async with program(HOLDER, str(tmp_path)) as holder:
        assert await told(holder) == "held"
        with pytest.raises(ConflictError, match=f"process {holder.pid}"):
            Ownership(tmp_path)
        await kill_program(holder)

    def taken() -> Ownership | None:
        try:
            return Ownership(tmp_path)
        except ConflictError:
            return None

    owner = await eventually(taken)
    assert owner is not None
    owner.release()


async def test_a_child_of_the_holder_does_not_hold_on(tmp_path: Path) -> None:
    async with program(HOLDER, str(tmp_path), "with-child") as holder:
        assert await told(holder) == "held"
        await kill_program(holder)
    owner = Ownership(tmp_path)
    owner.release()
    assert sys.platform == "linux"


def test_commands_find_the_platform_by_its_folder(tmp_path: Path) -> None:
    assert read_control(tmp_path) is None
    write_control(tmp_path, Path("/run/b/http.sock"), Secret("t0k3n"))
    control = read_control(tmp_path)
    assert control is not None
    assert (control.socket, control.token) == ("/run/b/http.sock", "t0k3n")


def test_only_its_user_may_read_how_to_command_a_platform(tmp_path: Path) -> None:
    for token in ("first", "second"):
        write_control(tmp_path, Path("/run/b/http.sock"), Secret(token))
    (path,) = [entry for entry in tmp_path.iterdir() if "control" in entry.name]
    assert path.stat().st_mode & 0o777 == 0o600
    assert "second" in path.read_text()
