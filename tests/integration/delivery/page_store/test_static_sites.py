"""Files of static sites, whose stored copies come and go while they are read."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import quote

import pytest

from tests.integration.delivery.page_store.origin import Origin
from tests.integration.delivery.page_store.stage import PageStage, Site
from tests.integration.delivery.page_store.visitor import Seen, Visitor
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application

FILES = {
    "index.html": "home",
    "agenda/index.html": "agenda",
    "agenda/été 2027.html": "summer",
    "a+b.html": "plus",
    "archive/index.htm": "archive",
    "photos/town.svg": "<svg/>",
    ".hidden/note.txt": "hidden",
    "404.html": "not here",
}
PAGES = {
    "/": "home",
    "/agenda/": "agenda",
    f"/agenda/{quote('été 2027.html')}": "summer",
    "/a+b.html": "plus",
    "/a+b.html?x=%2e%2e&y=1": "plus",
}
SEEN_ALIKE = {
    "/archive/": (200, "archive"),
    "/agenda/%C3%A9t%c3%A9%202027%2Ehtml": (200, "summer"),
    "/photos/../a+b.html": (200, "plus"),
    "/agenda/..%2fa%2Bb.html": (200, "plus"),
    "/agenda?x=1": (301, "/agenda/?x=1"),
    "/photos": (301, "/photos/"),
    "/photos/": (404, "not here"),
    "/photos/town.svg/": (404, "not here"),
    "/a+b.html%3Fx=1": (404, "not here"),
    "/.hidden/note.txt": (404, "not here"),
    "/agenda/%2e%2e/%2ehidden/note.txt": (404, "not here"),
    "/agenda/%C3%A9t%C3%A9%25202027.html": (404, "not here"),
    "/%2e%2e/%2e%2e/targets/papers/www/index.html": (400, ""),
}
READERS = 4
PURGERS = 4
PURGES_EACH = 120


@pytest.fixture
async def static_site(stage: PageStage) -> AsyncIterator[Site]:
    """A site of files."""
    declared = application("papers", "papers.ville.localhost")
    stage.files_of(declared.name, FILES)
    await stage.put(declared)
    site = Site(stage, declared, Origin())
    try:
        yield site
    finally:
        await site.close()
        await stage.remove(declared.name)


@pytest.mark.parametrize("cookie", ["", "session=1"])
@pytest.mark.parametrize("target", SEEN_ALIKE)
async def test_a_name_leads_to_the_same_file_with_and_without_the_page_store(
    static_site: Site, target: str, cookie: str
) -> None:
    visitor = await static_site.visitor()
    for _ in range(2):
        seen = await visitor.get(target, Cookie=cookie)
        told = seen.headers["location"] if seen.status == 301 else seen.text
        expected = SEEN_ALIKE[target]
        assert (seen.status, told if expected[1] else "") == expected


async def test_a_file_whose_stored_copy_just_went_is_read_from_the_site(static_site: Site) -> None:
    visitor = await static_site.visitor()
    for target in PAGES:
        await visitor.get(target)
    await static_site.stage.learn_header_sets()
    store = static_site.stage.places.store
    await eventually((store / "links" / static_site.host / "@").is_symlink, within_s=10)
    shutil.rmtree(store / "answers" / static_site.application.name)

    seen = [(target, await visitor.get(target)) for target in PAGES]

    assert failures(seen) == {}
    assert {one.note for _, one in seen} == {"beffroi; fwd=miss; detail=just-purged"}
    assert {one.headers["cache-control"] for _, one in seen} == {"no-cache"}


async def test_no_file_is_missing_while_its_site_is_purged_again_and_again(
    static_site: Site,
) -> None:
    leaving = asyncio.Event()
    seen: list[tuple[str, Seen]] = []

    async def read(visitor: Visitor, target: str) -> None:
        while not leaving.is_set():
            seen.append((target, await visitor.get(target)))

    async def purge() -> None:
        for _ in range(PURGES_EACH):
            assert (await static_site.purge(Beffroi_Purge="site")).status == 200

    async with asyncio.TaskGroup() as people:
        for target in PAGES:
            for visitor in await static_site.visitors(READERS):
                people.create_task(read(visitor, target))
        async with asyncio.TaskGroup() as publishers:
            for _ in range(PURGERS):
                publishers.create_task(purge())
        leaving.set()

    assert failures(seen) == {}


def failures(seen: Sequence[tuple[str, Seen]]) -> Mapping[tuple[str, int, str], int]:
    """Count what was not answered as it should be, by target, status and note."""
    return Counter(
        (target, one.status, one.note)
        for target, one in seen
        if one.status != 200 or one.text != PAGES[target]
    )
