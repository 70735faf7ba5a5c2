"""kill -9 of every part: nothing committed is lost, the rest answers, all of it comes back."""

import os
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from beffroi.kernel.processes.tables import children_of, descendants_of
from tests.e2e.conftest import OpenTown
from tests.e2e.ledger import ledger_of
from tests.e2e.petit_bourg import AGENDA, CANTINE, GUICHET, HOSTS, VITRINE
from tests.support.town import Town, comes_true


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet", "cantine", "agenda") as opened:
        await opened.up()
        yield opened


async def serves(town: Town, *hosts: str) -> bool:
    """Tell whether these sites answer."""
    return all([(await town.get(host)).status_code == 200 for host in hosts])


def kill(town: Town, unit: str) -> None:
    """Kill the application or the engine itself, inside its sandbox."""
    os.kill(town.main_pid(unit), signal.SIGKILL)


async def gone(town: Town, pids: set[int]) -> bool:
    """Tell whether none of these processes is left."""
    return not pids & town.pids()


@pytest.mark.parametrize(("unit", "host"), [("guichet.1", GUICHET), ("agenda.1", AGENDA)])
async def test_a_killed_application_answers_again(town: Town, unit: str, host: str) -> None:
    kill(town, unit)

    assert await comes_true(lambda: serves(town, host), within_s=5)


async def test_an_application_whose_sandbox_is_killed_from_outside_is_replaced_whole(
    town: Town,
) -> None:
    inside = {row.pid for row in descendants_of(town.unit_pid("cantine.1"))}
    os.kill(town.unit_pid("cantine.1"), signal.SIGKILL)

    assert await comes_true(lambda: gone(town, inside), within_s=5)
    assert await comes_true(lambda: serves(town, CANTINE), within_s=5)


async def test_the_visitor_of_an_application_that_crashes_is_told_so(town: Town) -> None:
    cut = await town.get(GUICHET, "/crash", **{"Accept-Language": "en"})

    assert cut.status_code == 502
    assert "This site does not answer for now" in cut.text
    assert await comes_true(lambda: serves(town, GUICHET), within_s=8)


async def test_nothing_committed_is_lost_when_postgresql_is_killed(town: Town) -> None:
    ledger = await ledger_of(town, GUICHET)
    await ledger.create()
    async with ledger.writing():
        assert await comes_true(lambda: ledger.grows_to(50), within_s=10)
        before = len(ledger.acknowledged)
        kill(town, "postgresql")
        assert await serves(town, *HOSTS)
        assert await comes_true(lambda: ledger.grows_to(before + 50), within_s=20)

    assert set(ledger.acknowledged) <= await ledger.numbers()
    assert await serves(town, *HOSTS)


async def test_the_platform_works_again_after_a_process_of_postgresql_was_killed(
    town: Town,
) -> None:
    os.kill(children_of(town.main_pid("postgresql"))[-1], signal.SIGKILL)

    async def database_is_back() -> bool:
        return (await town.api("GET", "/api/applications")).is_success

    assert await comes_true(database_is_back, within_s=20)
    town.source("vitrine").joinpath("index.html").write_text("<h1>Après la panne</h1>")
    assert (await town.deploy("vitrine"))["state"] == "succeeded"
    assert "Après la panne" in (await town.get(VITRINE)).text


async def test_a_killed_nginx_is_back(town: Town) -> None:
    before = town.unit_pid("nginx")
    kill(town, "nginx")

    async def is_another() -> bool:
        return town.has_another("nginx", before) and await is_reached(town)

    assert await comes_true(is_another, within_s=5)
    assert await serves(town, *HOSTS)


async def is_reached(town: Town) -> bool:
    """Tell whether the first site can be asked at all."""
    try:
        return await serves(town, VITRINE)
    except httpx.TransportError:
        return False


async def test_every_page_answers_while_beffroi_is_dead_and_the_next_start_adopts_all(
    town: Town,
) -> None:
    units = {unit: town.unit_pid(unit) for unit in town.units()}
    await town.kill()
    assert await serves(town, *HOSTS)

    await town.up()

    assert {unit: town.unit_pid(unit) for unit in town.units()} == units
    assert await serves(town, *HOSTS)


async def test_adopted_applications_stay_under_control(town: Town) -> None:
    await town.kill()
    await town.up()

    kill(town, "cantine.1")
    assert await comes_true(lambda: serves(town, CANTINE), within_s=8)
    town.source("agenda").joinpath("edition.txt").write_text("2")
    assert (await town.deploy("agenda"))["state"] == "succeeded"
    assert (await town.get(AGENDA)).text == "agenda 2"


async def test_what_died_while_beffroi_was_dead_runs_again_at_the_next_start(town: Town) -> None:
    await town.kill()
    kill(town, "postgresql")
    kill(town, "guichet.1")
    kill(town, "nginx")

    await town.up()

    assert await comes_true(lambda: serves(town, *HOSTS), within_s=10)
