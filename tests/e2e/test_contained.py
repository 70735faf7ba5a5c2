"""Applications that misbehave: contained, the old release serves on, the message says why."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from beffroi.kernel.processes.tables import descendants_of
from tests.e2e.conftest import OpenTown
from tests.e2e.ledger import ledger_of
from tests.e2e.petit_bourg import CANTINE, GUICHET, VITRINE
from tests.support.town import Town, comes_true

BAD_RELEASES = {
    "broken": "ended with status 1.\nguichet 2 starts, broken\nthe guichet lost its key",
    "sick": "did not become healthy: / gave 503 for 3 s.",
    "mute": "did not become healthy: / gave no answer for 3 s.",
    "hungry": "used more than its 96.0 MiB of memory and was ended.",
    "rabbit": "did not become healthy: / gave no answer for 3 s.",
}


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet", "cantine") as opened:
        for name in ("guichet", "cantine"):
            opened.territory["applications"][name]["health"]["within_s"] = 3
        opened.write()
        await opened.up()
        yield opened


async def serves(town: Town, *hosts: str) -> bool:
    """Tell whether these sites answer."""
    return all([(await town.get(host)).status_code == 200 for host in hosts])


@pytest.mark.parametrize("mood", BAD_RELEASES)
async def test_a_bad_release_is_told_and_the_old_serves_on(town: Town, mood: str) -> None:
    source = town.source("guichet")
    source.joinpath("edition.txt").write_text("2")
    source.joinpath("mood.txt").write_text(mood)

    ended = await town.deploy("guichet")

    assert ended["state"] == "failed"
    assert BAD_RELEASES[mood] in ended["outcome"]
    assert "What served before still serves" in ended["outcome"] or mood == "hungry"
    assert (await town.get(GUICHET)).text == '"guichet 1"'
    assert town.units() == ["cantine.1", "filler", "guichet.1", "nginx", "postgresql"]
    assert await serves(town, VITRINE, CANTINE)


async def test_an_application_that_eats_memory_is_ended_and_started_again(town: Town) -> None:
    cut = await town.get(CANTINE, "/eat")

    assert cut.status_code == 502
    assert await serves(town, VITRINE, GUICHET)
    assert await comes_true(lambda: serves(town, CANTINE))


async def has_processes(town: Town, unit: str, least: int) -> bool:
    """Tell whether an instance has grown to so many processes."""
    return len(descendants_of(town.unit_pid(unit))) >= least


async def test_an_application_sees_nothing_of_the_platform_or_of_other_organisations(
    town: Town,
) -> None:
    kept = await town.get(CANTINE, "/write?name=enfants&text=confidentiel")
    assert kept.json() == {"got": "confidentiel"}
    places = town.places
    secret_paths = (
        places.volumes / "cantine" / "dossiers" / "enfants",
        places.data / "sealing.key",
        places.data / "control.json",
        places.engines / "postgresql",
        places.releases / "cantine",
        places.instances / "cantine.1",
        places.runtime,
        places.data,
        town.folder,
    )

    for path in secret_paths:
        answer = (await town.get(GUICHET, f"/read?path={path}")).json()
        assert answer == {"refused": "FileNotFoundError"}, path


async def test_an_application_reaches_no_socket_of_another(town: Town) -> None:
    instances = town.places.instances
    sockets = (
        instances / "cantine.1" / "listen" / "http.sock",
        instances / "_console" / "listen" / "http.sock",
        town.places.runtime / "nginx" / "status.sock",
    )
    assert all(socket.is_socket() for socket in sockets)

    for socket in sockets:
        answer = (await town.get(GUICHET, f"/connect?path={socket}")).json()
        assert answer == {"refused": "FileNotFoundError"}, socket
    dialled = await town.get(GUICHET, f"/dial?address=127.0.0.1:{town.https_port}")
    assert dialled.json() == {"refused": "ConnectionRefusedError"}


async def test_an_application_sees_no_process_but_its_own(town: Town) -> None:
    seen = (await town.get(GUICHET, "/read?path=/proc")).json()["got"].split()

    assert len([name for name in seen if name.isdigit()]) < 10


async def test_an_application_may_not_change_its_release_or_the_system(town: Town) -> None:
    inside = (await town.get(GUICHET, "/environment")).json()
    for path in ("/app/edition.txt", "/etc/passwd", "/usr/bin/env"):
        refused = await town.get(GUICHET, f"/write?name={path}&text=x")
        assert "refused" in refused.json(), path

    assert inside["HOME"] == "/tmp"
    assert not any(str(town.folder) in value for value in inside.values())


async def test_an_application_opens_no_database_but_its_own(town: Town) -> None:
    ledger = await ledger_of(town, GUICHET)
    async with await ledger.connect() as own:
        cursor = await own.execute("select current_user, current_database()")
        assert await cursor.fetchone() == ("app_guichet", "app_guichet")

    for other in ("app_cantine", "beffroi", "postgres", "template1"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            await ledger.connect(other)


async def test_an_application_cannot_take_the_role_of_another(town: Town) -> None:
    ledger = await ledger_of(town, GUICHET)
    async with await ledger.connect() as own:
        for statement in (
            "set role app_cantine",
            "set role beffroi",
            "grant app_cantine to app_guichet",
            "create role thief superuser",
            "create database theft",
            "select pg_read_file('/etc/passwd')",
            "copy (select 1) to program 'id'",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await own.execute(statement.encode())


async def test_a_link_in_place_of_the_socket_opens_no_file_of_the_machine(town: Town) -> None:
    """The folder of the socket is the application's: what it puts there is not to be trusted."""
    key = town.places.data / "sealing.key"
    mode = key.stat().st_mode
    source = town.source("guichet")
    source.joinpath("mood.txt").write_text("sly")
    source.joinpath("target.txt").write_text(str(key))

    ended = await town.deploy("guichet")

    assert ended["state"] == "failed"
    assert key.stat().st_mode == mode
    source.joinpath("mood.txt").write_text("good")


async def test_an_application_that_forks_without_end_holds_up_nobody_else(town: Town) -> None:
    """The last test of the town: Ctrl-C ends the forks too."""
    unit = f"guichet.{(await town.told('/api/applications/guichet'))['serving']['number']}"
    forking = asyncio.create_task(town.get(GUICHET, "/fork"))
    assert await comes_true(lambda: has_processes(town, unit, 20))

    assert await serves(town, VITRINE, CANTINE)
    assert len(descendants_of(town.unit_pid(unit))) <= 42
    assert (await town.ordered("/api/applications/guichet/restart"))["state"] == "succeeded"
    assert (await town.get(GUICHET)).status_code == 200
    assert await town.stop() == 0
    assert not town.pids()
    forking.cancel()
    await asyncio.gather(forking, return_exceptions=True)
