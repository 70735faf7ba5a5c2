"""Le Mans behind the accelerator: what is stored, and what an editor's deed purges."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import OpenTown
from tests.e2e.test_le_mans import LIBRARIES, OPEN_DATA, STORY, TOWN_HALL, WIKI
from tests.support.browser import Person
from tests.support.town import Town
from tests.support.waiting import scaled

pytestmark = pytest.mark.timeout(scaled(300))
SERVICE = "/services/dechets/"


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town(file=STORY) as opened:
        await opened.up(within_s=240)
        yield opened


def is_hit(cache_status: str) -> bool:
    return bool(re.search(r";\s*hit\b", cache_status))


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (TOWN_HALL, "/"),
        (TOWN_HALL, "/services/"),
        (TOWN_HALL, "/actualites/?page=2"),
        (TOWN_HALL, "/sitemap.xml"),
        (TOWN_HALL, "/page-qui-n-existe-pas/"),
        (OPEN_DATA, "/"),
        (OPEN_DATA, "/territoires/epci.json?_shape=array"),
        (WIKI, "/static/js/otterwiki.js"),
        (LIBRARIES, "/horaires/"),
    ],
)
async def test_what_is_the_same_for_everyone_is_stored(town: Town, host: str, path: str) -> None:
    first = await town.get(host, path)
    second = await town.get(host, path)

    assert is_hit(second.headers["cache-status"])
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert "cache-groups" not in second.headers


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (TOWN_HALL, "/contact/"),
        (TOWN_HALL, "/recherche/?q=parc"),
        (TOWN_HALL, "/admin/login/"),
        (WIKI, "/"),
    ],
)
async def test_what_is_a_visitors_own_is_not(town: Town, host: str, path: str) -> None:
    answers = [await town.get(host, path) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any(is_hit(answer.headers.get("cache-status", "")) for answer in answers)


async def test_who_wrote_to_the_town_still_reads_stored_pages(town: Town) -> None:
    await town.get(TOWN_HALL, "/")

    answer = await town.get(TOWN_HALL, "/", Cookie="csrftoken=abc; _ga=GA1.1")

    assert is_hit(answer.headers["cache-status"])


async def test_what_an_editor_withdraws_is_gone_at_once(town: Town) -> None:
    path = "/api/applications/site-municipal/secrets/WAGTAIL_ADMIN_PASSWORD"
    password = (await town.told(path))["value"]
    editor = Person(town, TOWN_HALL)
    await editor.submit("/admin/login/", "/admin/login/", username="mairie", password=password)
    listing = await editor.open("/admin/pages/4/")
    numbers = dict.fromkeys(re.findall(r"/admin/pages/(\d+)/edit/", listing.text))
    forms = [f"/admin/pages/{number}/unpublish/" for number in numbers]
    (form,) = [form for form in forms if "Déchets" in (await editor.open(form)).text]
    for stored in (SERVICE, "/services/", "/", "/mentions-legales/"):
        await town.get(TOWN_HALL, stored)
        assert is_hit((await town.get(TOWN_HALL, stored)).headers["cache-status"])

    await editor.submit(form, form)

    assert (await town.get(TOWN_HALL, SERVICE)).status_code == 404
    assert SERVICE not in (await town.get(TOWN_HALL, "/services/")).text
    assert SERVICE not in (await town.get(TOWN_HALL, "/sitemap.xml")).text
    untouched = await town.get(TOWN_HALL, "/mentions-legales/")
    assert is_hit(untouched.headers["cache-status"])
