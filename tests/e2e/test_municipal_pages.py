"""The municipal site purges what an editor's change made stale: all of it, and little else."""

from collections.abc import AsyncIterator, Mapping

import pytest

from tests.integration.integrations.municipal_site import (
    STORY,
    MunicipalSite,
    environment_with,
    opened_site,
)
from tests.integration.integrations.purge_door import opened_door
from tests.integration.integrations.staleness import changed, purged
from tests.support.postgres import PostgresServer
from tests.support.sources import ROOT
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.timeout(scaled(180))


@pytest.fixture(scope="module")
async def site(
    shared_postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MunicipalSite]:
    folder = tmp_path_factory.mktemp("site")
    python = await environment_with(folder / "venv", "-r", str(STORY / "requirements.txt"))
    database = await shared_postgres.create_database("municipal_site")
    try:
        async with opened_door(folder) as door, opened_site(folder, python, database, door) as site:
            yield site
    finally:
        await shared_postgres.drop_database("municipal_site")


async def test_each_page_is_kept_under_the_tags_of_what_it_shows(site: MunicipalSite) -> None:
    home, piece = await site.get("/"), (await site.pages())["/services/dechets/"]

    assert home.headers["cache-control"] == "public, max-age=60, s-maxage=86400"
    assert home.headers["cache-groups"].count("list-") == 4
    assert {tag.rstrip("0123456789") for tag in piece.tags} == {"menu", "page-", "link-"}
    assert piece.stored


@pytest.mark.parametrize("path", ["/contact/", "/recherche/?q=parc", "/admin/login/"])
async def test_what_is_a_visitors_own_is_kept_nowhere(site: MunicipalSite, path: str) -> None:
    answer = await site.get(path)

    assert answer.status_code == 200
    assert {"private", "no-store"} & set(answer.headers["cache-control"].split(", "))
    assert "cache-groups" not in answer.headers


PIECE = "/actualites/le-pont-rouvre/"
SERVICE = "/services/etat-civil/"
# What an editor does, and pages that it surely changes.
DEEDS: Mapping[str, set[str]] = {
    "draft_service": set(),
    "give_up": set(),
    "publish_news": {"/", "/actualites/", "/sitemap.xml", PIECE},
    "rewrite_news": {PIECE},
    "schedule_news": set(),
    "rewrite_service": {SERVICE},
    "mention_service": {"/actualites/conseil-municipal-des-jeunes/"},
    "replace_picture": {"/services/", SERVICE},
    "redirect_old_address": {"/ancienne-page"},
    "rename_service": {"/", "/services/", SERVICE, "/actualites/conseil-municipal-des-jeunes/"},
    "retitle_services": {"/", "/services/", "/services/dechets/", PIECE, "/mentions-legales/"},
    "unpublish_news": {"/", "/actualites/", PIECE},
    "delete_service": {"/", "/services/", "/actualites/conseil-municipal-des-jeunes/"},
    "close_service": {"/sitemap.xml"},
    "move_services": {"/", "/services/", "/mentions-legales/"},
}
# Lists that show a page in part, and what has no page of its own, may be purged for nothing.
LISTS = {"/", "/actualites/", "/services/", "/sitemap.xml", "/ancienne-page", PIECE}
WHOLE_SITE = {"close_service", "move_services"}


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_changes_is_purged_and_little_else(site: MunicipalSite, deed: str) -> None:
    before = await site.pages()

    address = await site.have(deed)

    after = {path: await site.answer(path) for path in before}
    stale = changed(before, after)
    assert DEEDS[deed] <= stale <= purged(before, site.door), (address, site.door.asked)
    assert site.door.whole_site == (deed in WHOLE_SITE)
    assert bool(site.door.asked) == bool(DEEDS[deed])
    if deed not in WHOLE_SITE:
        assert purged(before, site.door) - stale <= LISTS


async def test_a_scheduled_publication_purges_from_its_job(site: MunicipalSite) -> None:
    await site.have("publish_news")
    await site.have("schedule_news")
    before = await site.pages()

    async def published() -> bool:
        await site.have("publish_scheduled")
        return bool(site.door.asked)

    await eventually(published, within_s=10)

    stale = changed(before, {path: await site.answer(path) for path in before})
    assert {"/", "/actualites/"} <= stale <= purged(before, site.door)


def test_no_file_of_an_integration_is_there_twice() -> None:
    links = sorted((ROOT / "integrations" / "python").glob("*.py"))

    assert [link.name for link in links] == [
        "beffroi_django.py",
        "beffroi_pages.py",
        "beffroi_wagtail.py",
    ]
    assert {link.resolve().parent for link in links} == {STORY}
