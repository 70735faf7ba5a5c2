"""The story of Le Mans: four real applications of three organisations, built from PyPI."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.conftest import OpenTown
from tests.support.browser import Person
from tests.support.town import Town
from tests.support.waiting import scaled

pytestmark = pytest.mark.timeout(scaled(300))
STORY = Path(__file__).parents[2] / "stories" / "le-mans" / "territory.yaml"
TOWN_HALL = "www.ville.localhost"
WIKI = "wiki.ville.localhost"
OPEN_DATA = "donnees.metropole.localhost"
LIBRARIES = "www.mediatheques.localhost"
HOSTS = (TOWN_HALL, WIKI, OPEN_DATA, LIBRARIES)


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town(file=STORY) as opened:
        await opened.up(within_s=240)
        yield opened


async def test_every_application_is_told_as_serving(town: Town) -> None:
    lines = [line for line in town.said.splitlines() if line.startswith("●")]

    assert len(lines) == 4
    assert all(line.endswith("  serving") for line in lines)


async def test_the_home_page_of_the_town_shows_services_news_and_pictures(town: Town) -> None:
    page = await town.get(TOWN_HALL)

    assert page.status_code == 200
    assert "<h1>Votre ville, vos services</h1>" in page.text
    assert {"/services/dechets/", "/actualites/", "/contact/"} <= set(
        re.findall(r'href="([^"]+)"', page.text)
    )
    assert page.headers["cache-control"].startswith("public")
    pictures = re.findall(r'src="(/media/images/[^"]+)"', page.text)
    assert len(pictures) >= 3
    for path in pictures:
        picture = await town.get(TOWN_HALL, path)
        assert picture.headers["content-type"] == "image/webp"
        assert picture.content.startswith(b"RIFF")


async def test_every_link_of_the_home_page_leads_somewhere(town: Town) -> None:
    page = await town.get(TOWN_HALL)
    paths = set(re.findall(r'(?:href|src)="(/[^"#]*)"', page.text))

    statuses = {path: (await town.get(TOWN_HALL, path)).status_code for path in paths}

    assert len(paths) > 20
    assert set(statuses.values()) == {200}, statuses


async def test_a_search_of_the_town_finds_a_service_without_its_accents(town: Town) -> None:
    page = await town.get(TOWN_HALL, "/recherche/?q=dechets")

    assert "1 résultat pour" in page.text
    assert '<a href="/services/dechets/">Déchets et propreté</a>' in page.text


async def test_a_message_sent_by_the_contact_form_arrives(town: Town) -> None:
    person = Person(town, TOWN_HALL)

    empty = await person.submit("/contact/", "/contact/", nom_et_prenom="Agathe Martin")
    sent = await person.submit(
        "/contact/",
        "/contact/",
        nom_et_prenom="Agathe Martin",
        adresse_electronique="agathe@exemple.fr",
        sujet="Une idée",
        message="Un banc sous le tilleul.",
    )

    assert "Le message n'est pas parti" in empty.text
    assert "Votre message est bien arrivé" in sent.text


async def test_an_editor_signs_in_to_the_site_with_the_secret_of_the_platform(town: Town) -> None:
    path = "/api/applications/site-municipal/secrets/WAGTAIL_ADMIN_PASSWORD"
    password = (await town.told(path))["value"]
    person = Person(town, TOWN_HALL)

    page = await person.submit(
        "/admin/login/", "/admin/login/", username="mairie", password=password
    )

    assert page.status_code == 200
    assert (await person.open("/admin/pages/")).status_code == 200


async def test_open_data_are_read_as_tables_and_as_json(town: Town) -> None:
    home = await town.get(OPEN_DATA)
    table = await town.get(OPEN_DATA, "/territoires/communes?_search=Besançon")
    rows = await town.get(OPEN_DATA, "/territoires/communes.json?nom=Besançon&_shape=objects")

    assert "<h1>Données ouvertes de Le Mans Métropole</h1>" in home.text
    assert "Licence Ouverte 2.0" in home.text
    assert "Besançon" in table.text
    assert [(row["code"], row["population"]) for row in rows.json()["rows"]] == [("25056", 118489)]


async def test_open_data_answer_a_query_of_their_own(town: Town) -> None:
    query = "/territoires/communes-d-un-code-postal.json?code_postal=25000&_shape=array"

    assert [row["nom"] for row in (await town.get(OPEN_DATA, query)).json()] == ["Besançon"]


async def test_anyone_reads_the_wiki_and_only_who_signed_in_writes(town: Town) -> None:
    anonymous = Person(town, WIKI)

    assert "Wiki des services" in (await anonymous.open("/")).text
    assert (await anonymous.open("/Plan canicule/edit")).status_code == 403


async def test_a_registered_person_writes_a_page_that_others_read(town: Town) -> None:
    person, password = Person(town, WIKI), "trois-mots-de-passe"
    await person.submit(
        "/-/register",
        "/-/register",
        email="agathe@ville.example",
        name="Agathe Martin",
        password1=password,
        password2=password,
    )
    await person.submit("/-/login", "/-/login", email="agathe@ville.example", password=password)

    saved = await person.submit(
        "/Plan canicule/edit",
        "/Plan canicule/save",
        content="# Plan canicule\n\nOuvrir les salles fraîches.",
        commit="Première version",
    )

    assert saved.status_code == 200
    assert "Ouvrir les salles fraîches." in (await town.get(WIKI, "/Plan canicule")).text
    assert "Agathe Martin" in (await town.get(WIKI, "/Plan canicule/history")).text


async def test_the_pages_of_the_libraries_are_files(town: Town) -> None:
    home = await town.get(LIBRARIES)
    style = await town.get(LIBRARIES, "/style.css")
    missing = await town.get(LIBRARIES, "/rien")

    assert "<h1>Lire, écouter, jouer, apprendre</h1>" in home.text
    assert (await town.get(LIBRARIES, "/horaires/")).status_code == 200
    assert style.headers["content-type"] == "text/css"
    assert missing.status_code == 404
    assert "Page introuvable - Médiathèques" in missing.text


async def test_the_second_up_is_back_quickly_with_everything_people_wrote(town: Town) -> None:
    assert await town.stop() == 0
    await town.up(within_s=15)

    assert [(await town.get(host)).status_code for host in HOSTS] == [200, 200, 200, 200]
    assert "Ouvrir les salles fraîches." in (await town.get(WIKI, "/Plan canicule")).text
