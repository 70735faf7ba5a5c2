"""Which keys go with which kind of application, and which schedules ever run."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.territory.application_rules import application_mistakes
from beffroi.territory.model import Application, ApplicationKind, Job, Source

_STATIC = Application(
    name="a",
    organisation="ville",
    title="A",
    kind=ApplicationKind.STATIC,
    source=Source(git="/srv/a.git"),
    hosts=("a.fr",),
)
_NOT_FOR_STATIC = (
    "interface",
    "entry",
    "requirements",
    "start",
    "listens",
    "prepare",
    "secrets",
    "volumes",
    "database",
    "network",
    "jobs",
)


def _codes(application: Application, *given_keys: str) -> list[str]:
    return [mistake.code for mistake in application_mistakes(application, set(given_keys))]


def _with_schedule(schedule: str) -> Application:
    job = Job(name="j", schedule=schedule, command="x")
    return msgspec.structs.replace(
        _STATIC, kind=ApplicationKind.COMMAND, start="serve", jobs={"j": job}
    )


@pytest.mark.parametrize("key", _NOT_FOR_STATIC)
def test_a_static_application_takes_no_key_of_a_process(key: str) -> None:
    assert _codes(_STATIC, key) == ["territory.key_not_for_kind"]


def test_a_static_application_may_be_built() -> None:
    built = msgspec.structs.replace(_STATIC, build=("make site",))
    assert _codes(built, "build", "public", "environment", "limits") == []


def test_a_command_takes_no_entry() -> None:
    command = msgspec.structs.replace(_STATIC, kind=ApplicationKind.COMMAND, start="serve")
    assert _codes(command, "start", "entry") == ["territory.key_not_for_kind"]


def test_a_command_needs_its_start() -> None:
    command = msgspec.structs.replace(_STATIC, kind=ApplicationKind.COMMAND)
    assert _codes(command) == ["territory.missing_key"]


def test_a_python_application_needs_an_entry_or_a_start() -> None:
    python = msgspec.structs.replace(_STATIC, kind=ApplicationKind.PYTHON)
    assert _codes(python) == ["territory.entry_or_start"]


def test_a_python_application_with_a_start_listens_where_it_says() -> None:
    python = msgspec.structs.replace(_STATIC, kind=ApplicationKind.PYTHON, start="serve")
    assert _codes(python, "start", "listens") == []


def test_a_python_application_with_a_start_has_no_interface() -> None:
    python = msgspec.structs.replace(_STATIC, kind=ApplicationKind.PYTHON, start="serve")
    assert _codes(python, "start", "interface") == ["territory.key_needs"]


def test_a_branch_goes_with_git_only() -> None:
    source = Source(folder="/srv", ref="main")
    assert _codes(msgspec.structs.replace(_STATIC, source=source)) == ["territory.key_needs"]


def test_two_origins_are_one_too_many() -> None:
    source = Source(folder="/srv", git="/srv/a.git")
    assert _codes(msgspec.structs.replace(_STATIC, source=source)) == ["territory.source_not_one"]


@pytest.mark.parametrize(
    "schedule", ["* * * * *", "*/15 8-18 * * MON-FRI", "0 4 29 2 *", "0 0 L * *"]
)
def test_a_schedule_that_runs_is_accepted(schedule: str) -> None:
    assert _codes(_with_schedule(schedule), "start") == []


@pytest.mark.parametrize("schedule", ["60 * * * *", "0 0 30 2 *", "a b c d e", "*/0 * * * *"])
def test_a_schedule_that_never_runs_is_refused(schedule: str) -> None:
    assert _codes(_with_schedule(schedule), "start") == ["territory.not_a_schedule"]


@given(schedule=st.text(alphabet="0123456789*/-,LW# ABCDEFMONTU", min_size=1, max_size=30))
def test_any_schedule_is_accepted_or_refused(schedule: str) -> None:
    assert _codes(_with_schedule(schedule), "start") in (
        [],
        ["territory.not_a_schedule"],
        ["territory.schedule_not_five_fields"],
    )
