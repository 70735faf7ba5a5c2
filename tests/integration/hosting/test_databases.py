"""The database of an application: its own, and no other."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from beffroi.hosting.vault import DATABASE_PASSWORD
from beffroi.kernel.operations import OperationState
from beffroi.territory.model import Application
from tests.integration.hosting.stage import Sources, Stage

pytestmark = pytest.mark.usefixtures("tidied")


def _vendored(sources: Sources, name: str) -> None:
    """Put PostgreSQL's driver beside the application, as a vendored package."""
    for package in ("psycopg", "psycopg_binary", "typing_extensions"):
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        if origin.name != "__init__.py":
            shutil.copy(origin, sources.base / name)
            continue
        shutil.copytree(origin.parent, sources.base / name / package)
        libraries = origin.parent.with_name(f"{package}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, sources.base / name / libraries.name)


async def test_an_application_reaches_its_own_database_and_no_other(
    stage: Stage, sources: Sources
) -> None:
    reader = sources.serving("reader", database=True)
    owner = sources.serving(
        "owner", database=True, organisation="lille", hosts=("owner.lille.example",)
    )
    for one in (reader, owner):
        _vendored(sources, one.name)
        ended = await stage.deploy(one)
        assert ended.state is OperationState.SUCCEEDED, ended.outcome
    try:
        await _reads_its_own_and_no_other(stage, reader, owner)
    finally:
        for one in (reader, owner):
            await stage.remove(one.name)
            await stage.tools.databases.remove(one.name)


async def _reads_its_own_and_no_other(
    stage: Stage, reader: Application, owner: Application
) -> None:
    write = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("create table private as select 'theirs' as word")
    answer = connection.execute("select word from private").fetchall()
"""
    assert await stage.tries(owner, write) == [["theirs"]]
    platform = stage.database.url.reveal().rpartition("/")[2].partition("?")[0]
    wished: list[dict[str, Any]] = [
        {"dbname": name} for name in ("app_owner", platform, "postgres", "template1", "beffroi")
    ]
    wished += [
        {"dbname": "app_owner", "user": user, "password": password}
        for user in ("app_owner", "beffroi", "postgres")
        for password in (None, "", user, "postgres")
    ]
    steal = f"""
import os, psycopg
answer = []
for wish in {wished!r}:
    given = {{"password": os.environ["PGPASSWORD"], **{{k: v for k, v in wish.items() if v}}}}
    try:
        with psycopg.connect(**given, connect_timeout=5) as connection:
            answer.append([wish, connection.execute("select current_user").fetchone()[0]])
    except psycopg.Error as error:
        pass
"""
    assert await stage.tries(reader, steal) == []
    raised = """
import os, psycopg
answer = []
for statement in ("create role other", "create database other", "alter role app_reader superuser",
                  "set role app_owner", "set role beffroi", "copy (select 1) to program 'id'",
                  "select pg_read_file('/etc/passwd')", "select * from pg_authid"):
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(statement)
        answer.append(statement)
    except psycopg.Error:
        pass
"""
    assert await stage.tries(reader, raised) == []


async def test_a_database_keeps_its_password_until_it_is_removed_with_all_it_holds(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("renewed", database=True)
    await stage.deploy(application)
    try:
        before = (await stage.vault.ensure(application))[DATABASE_PASSWORD]
        again = (await stage.vault.ensure(application))[DATABASE_PASSWORD]
        assert before == again
        assert (await stage.tools.databases.sizes(["renewed"]))["renewed"] > 0
    finally:
        await stage.remove("renewed")
        await stage.tools.databases.remove("renewed")
    assert await stage.tools.databases.sizes(["renewed"]) == {"renewed": 0}
