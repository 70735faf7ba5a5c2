"""Starting twice, stopping, starting again."""

import os
import re
import signal
from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import OpenTown
from tests.e2e.ledger import ledger_of
from tests.e2e.petit_bourg import AGENDA, CANTINE, GUICHET, HOSTS, VITRINE
from tests.support.town import Town, comes_true
from tests.support.town_processes import described, processes_of


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet", "cantine", "agenda") as opened:
        await opened.up()
        yield opened


async def test_up_tells_each_application_its_address_its_owner_and_its_state(town: Town) -> None:
    for name, host, owner in (
        ("vitrine", VITRINE, "mairie"),
        ("guichet", GUICHET, "mairie"),
        ("cantine", CANTINE, "ecole"),
        ("agenda", AGENDA, "bibliotheque"),
    ):
        line = f"● https://{town.authority(host)}/  {name}  {owner}  serving"
        assert line in town.said.splitlines()


async def test_the_link_that_up_prints_signs_in_once(town: Town) -> None:
    link = re.search(r"https://(console\S+):\d+(/sign-in/\S+)", town.said)
    assert link is not None
    host, path = link.groups()

    first = await town.visit("POST", host, path)
    second = await town.visit("POST", host, path)

    assert first.status_code in (302, 303)
    assert "__Host-beffroi" in first.headers["set-cookie"]
    assert "__Host-beffroi" not in second.headers.get("set-cookie", "")


async def test_a_second_up_says_who_runs_and_changes_nothing(town: Town) -> None:
    before = town.pids()

    ended = await town.cli("up", str(town.file), "--data", str(town.places.data))

    assert ended.status == 1
    console = f"https://console.localhost:{town.https_port}/"
    assert f"is in use: process {town.pid}, {console}." in ended.errors
    assert town.pids() == before
    assert [(await town.get(host)).status_code for host in HOSTS] == [200, 200, 200, 200]


async def test_ctrl_c_ends_everything_and_the_next_up_has_lost_nothing(town: Town) -> None:
    ledger = await ledger_of(town, GUICHET)
    await ledger.create()
    async with await ledger.connect() as connection:
        await connection.execute("insert into entry values (7)")
    await town.get(GUICHET, "/write?name=acte&text=naissance")
    secrets = await secrets_of(town)
    authority = (await town.api("GET", "/api/authority")).text

    assert await town.stop() == 0
    assert not processes_of(town.places), described(processes_of(town.places))
    await town.up(within_s=15)

    assert [(await town.get(host)).status_code for host in HOSTS] == [200, 200, 200, 200]
    assert await ledger.numbers() == {7}
    volume = await town.get(GUICHET, "/read?path=/volumes/dossiers/acte")
    assert volume.json() == {"got": "naissance"}
    assert await secrets_of(town) == secrets
    assert (await town.api("GET", "/api/authority")).text == authority


async def secrets_of(town: Town) -> list[str]:
    """Return the secrets that the two guichets were given."""
    environments = [(await town.get(host, "/environment")).json() for host in (GUICHET, CANTINE)]
    return [one[name] for one in environments for name in ("CLE", "PGPASSWORD")]


async def test_what_a_person_stopped_or_rolled_back_stays_so_across_a_start(town: Town) -> None:
    town.source("agenda").joinpath("edition.txt").write_text("2")
    assert (await town.deploy("agenda"))["state"] == "succeeded"
    back = await town.ordered("/api/applications/agenda/roll-back", {})
    stopped = await town.ordered("/api/applications/cantine/stop")
    assert (back["state"], stopped["state"]) == ("succeeded", "succeeded")

    await town.stop()
    await town.up()

    assert (await town.get(AGENDA)).text == "agenda 1"
    assert (await town.get(CANTINE)).status_code == 503
    await town.deploy("agenda")
    await town.ordered("/api/applications/cantine/start")
    assert (await town.get(AGENDA)).text == "agenda 2"
    assert (await town.get(CANTINE)).status_code == 200


async def test_ctrl_c_while_applications_start_ends_everything(town: Town) -> None:
    await town.stop()
    town.launch()
    assert await comes_true(lambda: shows(town, "guichet.1"), within_s=15)

    os.kill(town.pid, signal.SIGINT)

    assert await town.ended() == 0
    assert not processes_of(town.places), described(processes_of(town.places))


async def shows(town: Town, unit: str) -> bool:
    """Tell whether an instance has been launched."""
    return unit in town.units()


async def test_up_without_a_file_runs_the_territory_that_holds(town: Town) -> None:
    await town.up(file=False)

    assert [(await town.get(host)).status_code for host in HOSTS] == [200, 200, 200, 200]


async def test_sigterm_ends_everything_too(town: Town) -> None:
    os.kill(town.pid, signal.SIGTERM)

    assert await town.ended() == 0
    assert not processes_of(town.places), described(processes_of(town.places))
