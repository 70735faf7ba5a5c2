"""The command line, as people and programs use it."""

from collections.abc import AsyncIterator

import pytest

from beffroi.app.cli import program
from tests.e2e.conftest import OpenTown
from tests.e2e.petit_bourg import GUICHET
from tests.support.town import Town

LISTS = (
    ("applications",),
    ("deployments", "guichet"),
    ("secrets", "guichet"),
    ("jobs", "guichet"),
    ("engines",),
    ("operations",),
    ("accounts",),
    ("tokens",),
    ("doctor",),
)


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("guichet") as opened:
        await opened.up()
        yield opened


async def test_help_names_every_command_with_what_it_does(town: Town) -> None:
    told = (await town.cli("--help", COLUMNS="200")).output
    names = [command.name or "" for command in program.registered_commands]

    assert len(names) > 25
    assert "Usage: beffroi [OPTIONS] COMMAND" in told
    for name in names:
        line = next(line for line in told.splitlines() if line.strip("│ ").startswith(f"{name} "))
        assert len(line.strip("│ ").removeprefix(name).strip()) > 10


@pytest.mark.parametrize("command", LISTS, ids=" ".join)
async def test_a_list_is_a_json_list_when_asked(town: Town, command: tuple[str, ...]) -> None:
    ended = await town.cli(*command, "--json")

    assert ended.status == 0
    assert isinstance(ended.json(), list)


async def test_a_list_is_a_table_for_people(town: Town) -> None:
    told = (await town.cli("applications")).output

    titles, row = told.splitlines()
    assert titles.split()[:4] == ["application", "state", "address", "organisation"]
    assert row.split()[:4] == ["guichet", "serving", f"https://{town.authority(GUICHET)}", "mairie"]


async def test_a_change_is_followed_to_its_end_and_told(town: Town) -> None:
    restarted = await town.cli("restart", "guichet")
    deployed = await town.cli("deploy", "guichet", "--json")

    assert restarted.status == 0
    assert "guichet: succeeded. Deployment 2 serves release" in restarted.output
    assert deployed.json()["state"] == "succeeded"


async def test_a_failed_deploy_ends_with_1_and_shows_the_last_lines_of_its_output(
    town: Town,
) -> None:
    mood = town.source("guichet").joinpath("mood.txt")
    mood.write_text("broken")

    ended = await town.cli("deploy", "guichet")

    mood.write_text("good")
    assert ended.status == 1
    assert "guichet: failed. «guichet»: it ended with status 1." in ended.output
    assert "the guichet lost its key" in ended.output


async def test_stopping_and_starting_is_told_to_visitors(town: Town) -> None:
    assert (await town.cli("stop", "guichet")).status == 0
    stopped = await town.get(GUICHET, **{"Accept-Language": "en"})
    assert (await town.cli("start", "guichet")).status == 0

    assert stopped.status_code == 503
    assert "This site is stopped for now" in stopped.text
    assert (await town.get(GUICHET)).status_code == 200


async def test_a_secret_is_set_and_a_restart_puts_it_into_use(town: Town) -> None:
    assert (await town.cli("set-secret", "guichet", "CLE", given="sésame\n")).status == 0
    assert (await town.cli("show-secret", "guichet", "CLE")).output == "sésame\n"
    assert (await town.cli("restart", "guichet")).status == 0

    assert (await town.get(GUICHET, "/environment")).json()["CLE"] == "sésame"
    assert "sésame" not in town.log()


async def test_the_log_of_an_application_is_shown(town: Town) -> None:
    told = await town.cli("logs", "guichet", "--lines", "500")

    assert "guichet 1 starts, good" in told.output


async def test_the_authority_that_it_prints_is_the_one_that_signs_the_sites(town: Town) -> None:
    told = await town.cli("authority")

    assert told.output.startswith("-----BEGIN CERTIFICATE-----")
    assert told.output.strip() == (await town.api("GET", "/api/authority")).text.strip()


async def test_what_cannot_be_done_is_one_sentence_and_a_remedy_in_the_readers_language(
    town: Town,
) -> None:
    english = await town.cli("deploy", "piscine")
    french = await town.cli("deploy", "piscine", BEFFROI_LANGUAGE="fr")

    assert english.status == french.status == 1
    assert english.errors.splitlines()[:2] == [
        "beffroi: There is no application «piscine» that you may see.",
        "→ List them with «beffroi applications».",
    ]
    assert french.errors.startswith("beffroi: Il n'y a pas d'application «piscine»")
    assert not english.output


async def test_a_command_without_a_platform_says_how_to_start_one(town: Town) -> None:
    nowhere = str(town.folder / "nowhere")

    ended = await town.cli("applications", BEFFROI_DATA=nowhere)

    assert ended.status == 1
    assert f"No platform was ever started with the data folder {nowhere}." in ended.errors
    assert "Start one with «beffroi up»" in ended.errors


async def test_a_command_while_the_platform_is_down_says_so(town: Town) -> None:
    await town.stop()

    ended = await town.cli("applications")

    assert ended.status == 1
    assert ended.errors == "beffroi: The platform does not answer: it is stopped, or starting.\n"
