"""Checking, comparing and applying territory files on a platform that runs."""

import shutil
from collections.abc import AsyncIterator

import httpx
import pytest
import yaml

from tests.e2e.conftest import OpenTown
from tests.e2e.petit_bourg import CANTINE, GUICHET, VITRINE, guichet, source_of
from tests.support.town import Town, comes_true

# What stands in the file, what is written in its place, where the mistake is, what is said of it.
MISTAKES = {
    "unknown key": (
        "title: Site de la mairie",
        "titre: Site de la mairie",
        "titre",
        "The key «titre» does not exist here; the nearest one is «title».",
    ),
    "value out of bounds": ("latitude: 48.0", "latitude: 148.0", "148.0", "148.0"),
    "value of another kind": ("cpus: 2", "cpus: two", "two", "two"),
    "noun that nobody declares": ("site: mairie", "site: gare", "gare", "gare"),
    "key of another kind of application": (
        "kind: static",
        "kind: static\n    database: true",
        "database",
        "static",
    ),
    "text that is no YAML": ("cpus: 2", "cpus: [2", "[2", ""),
}


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet") as opened:
        await opened.up()
        yield opened


@pytest.fixture(autouse=True)
def _says_what_serves(town: Town) -> None:
    """Give each test the file that holds."""
    town.write()


@pytest.mark.parametrize(
    ("verb", "mistake"),
    [
        *(("check", mistake) for mistake in MISTAKES),
        *((verb, "unknown key") for verb in ("diff", "apply", "up")),
    ],
)
async def test_a_mistake_is_told_with_its_place_and_its_remedy_and_changes_nothing(
    town: Town, verb: str, mistake: str
) -> None:
    right, wrong, marked, said = MISTAKES[mistake]
    text = written(town)
    assert text.count(right) == 1
    path = town.folder / "wrong.yaml"
    path.write_text(text.replace(right, wrong))
    before = await town.told("/api/territory")

    ended = await town.cli(verb, str(path))

    assert ended.status == 1
    assert ended.output == "" or verb == "up"
    place = place_of(path.read_text(), marked)
    told, remedy = next(
        (line, after)
        for line, after in zip(
            ended.errors.splitlines(), ended.errors.splitlines()[1:], strict=False
        )
        if line.startswith(f"{path}:{place}  ")
    )
    assert said in told
    assert remedy.startswith("    ")
    assert await town.told("/api/territory") == before


def written(town: Town) -> str:
    """Write the territory with one key per line where people do."""
    text: str = yaml.safe_dump(town.territory, sort_keys=False, allow_unicode=True)
    return text


def place_of(text: str, marked: str) -> str:
    """Return the line and the column of the first occurrence of a text."""
    before = text[: text.index(marked)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


async def test_a_file_without_mistakes_passes(town: Town) -> None:
    ended = await town.cli("check", str(town.file))

    assert ended.status == 0
    assert "petit-bourg" in ended.output


async def test_a_difference_is_shown_and_nothing_is_changed(town: Town) -> None:
    declared = town.territory["applications"]["vitrine"]
    declared["title"] = "Site de Petit-Bourg"
    town.write()
    ended = await town.cli("diff", str(town.file))
    again = await town.cli("diff", str(town.file), "--json")
    declared["title"] = "Site de la mairie"

    assert ended.output.splitlines() == [
        "~ application vitrine",
        "    title: Site de la mairie → Site de Petit-Bourg",
    ]
    assert [one["name"] for one in again.json()] == ["vitrine"]
    assert (await town.told("/api/applications/vitrine"))["title"] == "Site de la mairie"


async def test_an_application_that_is_added_is_deployed(town: Town) -> None:
    shutil.copytree(source_of("cantine"), town.source("cantine"))
    town.territory["applications"]["cantine"] = guichet("ecole")
    town.write()

    ended = await town.cli("apply", str(town.file))

    assert ended.status == 0
    assert "+ application cantine" in ended.output
    assert await comes_true(lambda: answers(town, CANTINE, '"guichet 1"'), within_s=15)


async def test_a_changed_host_name_is_served_without_a_restart(town: Town) -> None:
    renamed = "accueil.mairie.localhost"
    nginx = town.main_pid("nginx")
    town.territory["applications"]["vitrine"]["hosts"] = [renamed]
    town.territory["applications"]["vitrine"]["aliases"] = [VITRINE]

    (await town.apply()).raise_for_status()

    assert await comes_true(lambda: answers(town, renamed, "Petit-Bourg"))
    expected = f"https://{town.authority(renamed)}/page?a=1"
    assert await comes_true(lambda: leads_to(town, "/page?a=1", expected))
    assert town.main_pid("nginx") == nginx


async def test_an_application_that_is_removed_is_withdrawn_and_keeps_its_volume(
    town: Town,
) -> None:
    kept = town.places.volumes / "guichet" / "dossiers" / "acte"
    await town.get(GUICHET, "/write?name=acte&text=naissance")
    removed = town.territory["applications"].pop("guichet")

    (await town.apply()).raise_for_status()

    assert await comes_true(lambda: is_unknown(town, GUICHET), within_s=10)
    assert await comes_true(lambda: runs_no(town, "guichet"), within_s=10)
    assert (await town.api("GET", "/api/applications/guichet")).status_code == 404
    assert kept.read_text() == "naissance"
    town.territory["applications"]["guichet"] = removed
    (await town.apply()).raise_for_status()
    assert await comes_true(lambda: answers(town, GUICHET, '"guichet 1"'), within_s=15)
    back = await town.get(GUICHET, "/read?path=/volumes/dossiers/acte")
    assert back.json() == {"got": "naissance"}


async def answers(town: Town, host: str, text: str) -> bool:
    """Tell whether a site answers with a text."""
    answer = await town.get(host)
    return answer.status_code == 200 and text in answer.text


async def leads_to(town: Town, path: str, target: str) -> bool:
    """Tell whether the former address of the site leads to another.

    nginx, which reads its redirects anew, closes the idle connections of its visitors.
    """
    try:
        answer = await town.get(VITRINE, path)
    except httpx.RemoteProtocolError:
        return False
    return answer.status_code == 308 and answer.headers["location"] == target


async def is_unknown(town: Town, host: str) -> bool:
    """Tell whether visitors are told that no site has this name."""
    answer = await town.get(host, **{"Accept-Language": "en"})
    return answer.status_code == 404 and "No site is published under this name" in answer.text


async def runs_no(town: Town, application: str) -> bool:
    """Tell whether nothing runs for an application."""
    return not any(unit.startswith(f"{application}.") for unit in town.units())
