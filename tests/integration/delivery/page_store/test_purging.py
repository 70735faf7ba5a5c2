"""Having pages forgotten: by whom, which ones, and while others arrive."""

import asyncio

import pytest

from tests.integration.delivery.page_store.conftest import OpenSite
from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.support.waiting import eventually

TAGGED = {
    "/": '"home", "news"',
    "/news": '"news"',
    "/news/1": '"news", "article-1"',
    "/news/2": '"news", "article-2"',
    "/newsletter": '"letter"',
}
TARGETS = (*TAGGED, "/news?page=2", "/news?page=3")


@pytest.fixture
async def filled(site: Site) -> Site:
    """A site whose pages are all stored; from now on their content is newer."""
    site.origin.answering = lambda heard: page(
        "old", ("Cache-Groups", TAGGED.get(heard.target.partition("?")[0], '"x"'))
    )
    visitor = await site.visitor()
    for target in TARGETS:
        await visitor.get(target)
        assert (await visitor.get(target)).note.startswith("beffroi; hit")
    site.origin.answering = lambda _: page("new")
    return site


async def renewed(site: Site) -> set[str]:
    visitor = await site.visitor()
    return {target for target in TARGETS if (await visitor.get(target)).text == "new"}


async def test_a_purge_of_an_address_takes_each_of_its_queries(filled: Site) -> None:
    answer = await filled.purge("/news")

    assert (answer.status, answer.body) == (200, b'{"purged":3}')
    assert await renewed(filled) == {"/news", "/news?page=2", "/news?page=3"}


async def test_a_purge_of_an_address_with_a_query_takes_that_one(filled: Site) -> None:
    assert (await filled.purge("/news?page=2&utm_source=x")).body == b'{"purged":1}'
    assert await renewed(filled) == {"/news?page=2"}


async def test_a_purge_by_prefix_takes_what_begins_so(filled: Site) -> None:
    assert (await filled.purge("/news/", Beffroi_Purge="prefix")).body == b'{"purged":2}'
    assert await renewed(filled) == {"/news/1", "/news/2"}


async def test_a_purge_by_tag_takes_what_carries_it(filled: Site) -> None:
    assert (await filled.purge("/", Cache_Groups='"article-1", "letter"')).body == b'{"purged":2}'
    assert await renewed(filled) == {"/news/1", "/newsletter"}


async def test_the_older_ways_to_name_tags_purge_too(filled: Site) -> None:
    assert (await filled.purge("/", Surrogate_Key="article-1")).body == b'{"purged":1}'
    assert (await filled.purge("/", xkey="article-2")).body == b'{"purged":1}'
    assert (await filled.purge("/", Cache_Tag="letter,home")).body == b'{"purged":2}'
    assert await renewed(filled) == {"/", "/news/1", "/news/2", "/newsletter"}


async def test_a_purge_of_the_site_takes_all_of_it_and_nothing_of_another(
    filled: Site, open_site: OpenSite
) -> None:
    other = await open_site()
    visitor = await other.visitor()
    await visitor.get("/news")

    answer = await filled.purge("/", Beffroi_Purge="site")

    assert answer.body == b'{"purged":7}'
    assert await renewed(filled) == set(TARGETS)
    assert (await visitor.get("/news")).note.startswith("beffroi; hit")


async def test_a_purge_over_https_is_as_good(filled: Site) -> None:
    visitor = await filled.visitor()
    answer = await visitor.ask("PURGE", "/news/1", {"Authorization": f"Bearer {filled.token}"})

    assert (answer.status, answer.body) == (200, b'{"purged":1}')
    assert answer.headers["content-type"] == "application/json"
    assert await renewed(filled) == {"/news/1"}


async def test_a_purge_without_the_right_token_is_refused(
    filled: Site, open_site: OpenSite
) -> None:
    other, visitor = await open_site(), await filled.visitor()
    for given in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {filled.token}"},
        {"Authorization": filled.token},
        {"X-Beffroi-Door": "platform", "X-Purge-Application": filled.application.name},
        {"X-Beffroi-Door": "platform", "Beffroi-Purge": "site"},
    ):
        assert (await visitor.ask("PURGE", "/news", given)).status == 401, given
    assert (await filled.purge("/news", token="")).status == 401
    elsewhere = await filled.purge("/news", token=other.token)

    assert elsewhere.status == 404
    assert await renewed(filled) == set()


async def test_an_application_purges_its_own_hosts_alone(filled: Site, open_site: OpenSite) -> None:
    other = await open_site()
    assert (await other.purge("/news", host=filled.host)).status == 404
    assert (await other.purge("/", host=filled.host, Beffroi_Purge="prefix")).status == 404

    by_tag = await other.purge("/", host=filled.host, Cache_Groups='"news"')
    by_site = await other.purge("/", host=filled.host, Beffroi_Purge="site")

    assert (by_tag.body, by_site.body) == (b'{"purged":0}', b'{"purged":0}')
    assert await renewed(filled) == set()


async def test_the_door_is_for_purges_alone(site: Site) -> None:
    reader, writer = await asyncio.open_unix_connection(site.stage.engine.door_socket)
    writer.write(f"GET / HTTP/1.0\r\nHost: {site.host}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()

    assert answer.startswith(b"HTTP/1.1 405 ")


class SlowPage:
    """A page whose text is taken at the question and sent when the test says so."""

    def __init__(self, site: Site) -> None:
        self.held = asyncio.Event()
        self.text = "old"
        self._asked = 0
        self._seen = 0
        site.origin.answering = self._answer

    def is_asked(self) -> bool:
        """Tell whether somebody asked since this was true."""
        new, self._seen = self._asked > self._seen, self._asked
        return new

    async def _answer(self, _: Heard) -> Told:
        text = self.text
        self._asked += 1
        await self.held.wait()
        return page(text, ("Cache-Groups", '"agenda"'))


async def test_a_page_under_way_during_its_purge_is_not_shown_afterwards(site: Site) -> None:
    orders: tuple[tuple[str, dict[str, str]], ...] = (
        ("/agenda", {}),
        ("/", {"Beffroi_Purge": "prefix"}),
        ("/", {"Beffroi_Purge": "site"}),
        ("/", {"Cache_Groups": '"agenda"'}),
    )
    for target, headers in orders:
        slow = SlowPage(site)
        waiting = asyncio.create_task((await site.visitor()).get("/agenda"))
        await eventually(slow.is_asked)

        slow.text = "new"
        purge = await site.purge(target, **headers)
        after = asyncio.create_task((await site.visitor()).get("/agenda"))
        await eventually(slow.is_asked)
        slow.held.set()

        assert purge.status == 200, headers
        assert (await waiting).status == 200
        assert (await after).text == "new", headers
        assert (await (await site.visitor()).get("/agenda")).text == "new", headers
        await site.purge("/", Beffroi_Purge="site")


async def test_a_crowd_that_waits_during_a_purge_stays_one_request(site: Site) -> None:
    slow = SlowPage(site)
    crowd = await site.visitors(60)
    asked = [asyncio.create_task(one.get("/agenda")) for one in crowd]
    await eventually(slow.is_asked)
    await asyncio.sleep(0.2)
    slow.text = "new"
    assert (await site.purge("/agenda")).status == 200
    slow.held.set()
    seen = await asyncio.gather(*asked)

    assert {one.status for one in seen} == {200}
    assert len(site.origin.heard) <= 4
    assert (await crowd[0].get("/agenda")).text == "new"


async def test_a_page_that_was_not_stored_is_judged_anew_after_a_purge(site: Site) -> None:
    visitor = await site.visitor()
    site.origin.answering = lambda _: page("careful", ("Cache-Control", "no-store"))
    await visitor.get("/agenda")
    assert (await visitor.get("/agenda")).note.endswith("detail=no-store")
    site.origin.answering = lambda _: page("for all")

    await site.purge("/agenda")

    assert (await visitor.get("/agenda")).note.endswith("stored")
