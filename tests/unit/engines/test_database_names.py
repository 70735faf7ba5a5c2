"""Names of applications as names of databases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.engines.databases import ApplicationDatabases, database_name
from beffroi.kernel.errors import FailedError
from beffroi.kernel.ids import SLUG_PATTERN, is_slug
from beffroi.kernel.secrets import Secret

slugs = st.from_regex(SLUG_PATTERN, fullmatch=True).filter(is_slug)


@given(slugs, slugs)
def test_two_applications_never_share_a_database(first: str, second: str) -> None:
    assert (database_name(first) == database_name(second)) == (first == second)


@given(slugs)
def test_a_name_fits_postgresql_and_needs_no_quotes(name: str) -> None:
    made = database_name(name)
    assert len(made) <= 63
    assert made.isidentifier()
    assert made == made.lower()


@pytest.mark.parametrize("name", ["", "Bus", "bus; drop", 'b"us', "bus lines", "a" * 41, "é"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(FailedError, match="cannot name a database"):
        database_name(name)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:p@/db?host=/run/postgresql", "postgresql://u:p@/db?host=%2Frun%2Fpostgresql"],
)
def test_applications_reach_the_server_by_its_sockets_folder(url: str) -> None:
    assert ApplicationDatabases(Secret(url)).socket_folder == "/run/postgresql"


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@db.example/db", "postgresql://u:p@/db?host=db.example"]
)
def test_a_server_reached_by_tcp_is_told_to_be_out_of_reach(url: str) -> None:
    with pytest.raises(FailedError, match="no network"):
        _ = ApplicationDatabases(Secret(url)).socket_folder
