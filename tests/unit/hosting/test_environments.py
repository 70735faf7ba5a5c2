"""What processes of an application see."""

import os
from pathlib import Path

import pytest

from beffroi.engines.databases import database_name
from beffroi.hosting import environments
from beffroi.hosting.vault import DATABASE_PASSWORD
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import ApplicationKind, Listening, ServerInterface
from tests.unit.hosting.declared import application

URL = "https://bus.lomme.example"
PASSWORD = {DATABASE_PASSWORD: Secret("sesame")}


@pytest.fixture
def platform_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platform itself was started with."""
    monkeypatch.setenv("BEFFROI_DATABASE_URL", "postgresql://secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")


@pytest.mark.usefixtures("platform_variables")
def test_a_serving_process_gets_nothing_of_the_platforms_environment() -> None:
    seen = environments.run_environment(application(), {}, URL)
    assert "secret" not in " ".join(seen.values())
    assert not {name for name in seen if "proxy" in name.lower()}
    assert not set(seen) & (set(os.environ) - {"PATH", "HOME", "LANG", "PYTHONUNBUFFERED"}) - {
        "PYTHONDONTWRITEBYTECODE"
    }


@pytest.mark.usefixtures("platform_variables")
def test_a_build_gets_the_proxy_and_no_secret() -> None:
    seen = environments.build_environment()
    assert seen["https_proxy"] == "http://proxy.example:3128"
    assert "secret" not in " ".join(seen.values())
    assert seen["PATH"].startswith("/app/.venv/bin:")


def test_a_serving_process_is_told_who_it_is() -> None:
    bus = application(environment={"COLOUR": "red"}, hosts=("bus.example", "b.example"))
    seen = environments.run_environment(bus, {"KEY": Secret("k1")}, URL)
    assert seen["BEFFROI_APPLICATION"] == "bus"
    assert seen["BEFFROI_ORGANISATION"] == "lomme"
    assert seen["BEFFROI_HOSTS"] == "bus.example,b.example"
    assert seen["BEFFROI_PUBLIC_URL"] == URL
    assert (seen["COLOUR"], seen["KEY"]) == ("red", "k1")
    assert seen["SOCKET"] == "/run/beffroi/http.sock"
    assert "PORT" not in seen


def test_one_that_listens_on_a_port_is_told_which() -> None:
    seen = environments.run_environment(application(listens=Listening.PORT), {}, URL)
    assert seen["PORT"].isdigit()
    assert "SOCKET" not in seen


def test_a_database_is_told_by_url_and_by_the_variables_of_libpq() -> None:
    bus = application("bus-lines", database=True)
    seen = environments.run_environment(bus, PASSWORD, URL)
    assert seen["PGUSER"] == seen["PGDATABASE"] == database_name("bus-lines") == "app_bus_lines"
    assert seen["PGHOST"] == "/run/postgresql"
    assert seen["PGPASSWORD"] == "sesame"
    assert seen["DATABASE_URL"] == (
        "postgresql://app_bus_lines:sesame@/app_bus_lines?host=%2Frun%2Fpostgresql"
    )


def test_the_name_under_which_the_password_is_kept_is_no_variable() -> None:
    seen = environments.run_environment(application(database=True), PASSWORD, URL)
    assert DATABASE_PASSWORD not in seen
    without = environments.run_environment(application(), {}, URL)
    assert not {name for name in without if name.startswith(("PG", "DATABASE"))}


def test_an_instance_sees_its_release_and_its_volumes_and_no_more(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path / "run")
    bus = application(volumes=("files", "photos"))
    mounts = environments.run_mounts(bus, places, tmp_path / "release", "")
    assert [(str(one.target), one.writable) for one in mounts] == [
        ("/app", False),
        ("/volumes/files", True),
        ("/volumes/photos", True),
    ]
    assert mounts[1].source == places.volumes / "bus" / "files"


def test_the_servers_socket_is_seen_only_by_those_with_a_database(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path / "run")
    bus = application(database=True)
    mounts = environments.run_mounts(bus, places, tmp_path, "/srv/postgresql")
    assert [(str(one.source), str(one.target), one.writable) for one in mounts[1:]] == [
        ("/srv/postgresql", "/run/postgresql", False)
    ]


def test_a_build_sees_its_files_and_a_cache(tmp_path: Path) -> None:
    mounts = environments.build_mounts(tmp_path / "app", tmp_path / "cache")
    writable = {str(one.target) for one in mounts if one.writable}
    assert writable == {"/app", "/cache"}
    assert {one.source for one in mounts if one.writable} == {tmp_path / "app", tmp_path / "cache"}


def test_only_python_applications_get_an_environment_of_packages() -> None:
    for kind in (ApplicationKind.COMMAND, ApplicationKind.STATIC):
        assert environments.packaging_commands(application(kind=kind), "2.0") == []
    python = application(kind=ApplicationKind.PYTHON, start="", entry="pages:application")
    commands = environments.packaging_commands(python, "2.0")
    assert commands[0][1] == "venv"
    assert commands[1][-1] == "granian==2.0"


def test_requirements_are_installed_with_or_without_the_server() -> None:
    python = application(kind=ApplicationKind.PYTHON, requirements="needs.txt")
    assert environments.packaging_commands(python, "2.0")[1][-2:] == ("--requirements", "needs.txt")
    bare = application(kind=ApplicationKind.PYTHON)
    assert len(environments.packaging_commands(bare, "2.0")) == 1


def test_an_entry_is_served_by_granian_on_the_socket() -> None:
    python = application(
        kind=ApplicationKind.PYTHON, start="", entry="pages:app", interface=ServerInterface.ASGI
    )
    command = environments.serve_command(python)
    assert command[0] == "granian"
    assert "--interface=asgi" in command
    assert "--uds=/run/beffroi/http.sock" in command
    assert command[-1] == "pages:app"


def test_a_command_on_a_port_runs_behind_the_forwarder() -> None:
    command = environments.serve_command(application(listens=Listening.PORT))
    assert "/run/beffroi/http.sock" in command
    assert command[-1] == "exec serve"


def test_a_single_command_takes_the_shells_place() -> None:
    assert environments.words("serve --fast") == ("/bin/sh", "-c", "exec serve --fast")


def test_a_command_that_sets_a_variable_first_takes_the_shells_place_too() -> None:
    assert environments.words("COLOUR=red serve")[-1] == "exec env COLOUR=red serve"
    assert environments.words("serve --colour=red")[-1] == "exec serve --colour=red"


@pytest.mark.parametrize("command", ["a && b", "a; b", "a | b", "a\nb"])
def test_a_chain_of_commands_stays_with_the_shell(command: str) -> None:
    assert environments.words(command) == ("/bin/sh", "-c", command)
