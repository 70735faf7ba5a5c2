"""How much a visitor may ask, and how much room a site may take."""

import asyncio
from collections import Counter
from hashlib import sha512

from beffroi.territory.model import PageRules, VisitorLimits
from tests.integration.delivery.page_store.conftest import ON_ONE_NGINX, OpenSite
from tests.integration.delivery.page_store.origin import page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import BROWSER, CRAWLER, Visitor

pytestmark = ON_ONE_NGINX

QUERIES = 10_000
VISITORS = 24
MIB = 1024 * 1024


def noise(target: str) -> str:
    """Return four thousand letters of a page's own, which nothing compresses much."""
    return "".join(sha512(f"{target} {number}".encode()).hexdigest() for number in range(32))


async def asked_by_all(site: Site, targets: list[str]) -> Counter[int]:
    """Have several visitors share many questions; count the statuses."""
    statuses: Counter[int] = Counter()

    async def visit(visitor: Visitor, some: list[str]) -> None:
        for target in some:
            statuses[(await visitor.get(target)).status] += 1

    crowd = await site.visitors(VISITORS)
    await asyncio.gather(*(visit(one, targets[place::VISITORS]) for place, one in enumerate(crowd)))
    return statuses


async def test_queries_that_only_track_are_one_page(site: Site) -> None:
    await (await site.visitor()).get("/")
    targets = [f"/?utm_source=letter&fbclid={number}" for number in range(QUERIES)]

    assert await asked_by_all(site, targets) == {200: QUERIES}
    assert len(site.origin.heard) == 2


async def test_queries_that_a_site_does_not_know_are_one_page(open_site: OpenSite) -> None:
    site = await open_site(PageRules(queries=("page",)))
    targets = [f"/?page=2&x{number}=/{number}" for number in range(QUERIES)]

    assert await asked_by_all(site, targets) == {200: len(targets)}
    assert {one.target for one in site.origin.heard} == {"/?page=2"}
    assert len(site.origin.heard) <= 4


async def test_pages_keep_to_the_room_of_their_site_the_least_used_going_first(
    open_site: OpenSite,
) -> None:
    site = await open_site(PageRules(mib=1))
    site.origin.answering = lambda heard: page(heard.target + noise(heard.target))
    visitor = await site.visitor()
    await visitor.get("/kept")
    for start in range(0, 1000, 100):
        await asked_by_all(site, [f"/?q={number}" for number in range(start, start + 100)])
        await visitor.get("/kept")
    asked = len(site.origin.heard)

    kept, newest = await visitor.get("/kept"), await visitor.get("/?q=999")
    oldest = await visitor.get("/?q=0")
    size = (await site.stage.figures()).bytes_by_application[site.application.name]

    assert kept.note.startswith("beffroi; hit")
    assert newest.note.startswith("beffroi; hit")
    assert oldest.note.endswith("stored")
    assert len(site.origin.heard) == asked + 1
    assert 0.5 * MIB < size <= MIB
    folder = site.stage.places.store / "answers" / site.application.name
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= MIB


async def test_queries_without_end_that_change_a_page_stay_bounded(open_site: OpenSite) -> None:
    site = await open_site(PageRules(mib=1))
    site.origin.answering = lambda heard: page(heard.target + noise(heard.target))
    targets = [f"/?q={number}" for number in range(1500)]

    assert await asked_by_all(site, targets) == {200: len(targets)}
    assert (await site.stage.figures()).bytes_by_application[site.application.name] <= MIB


async def test_a_page_larger_than_the_sites_room_is_shown_all_the_same(
    open_site: OpenSite,
) -> None:
    site = await open_site(PageRules(mib=1))
    site.origin.answering = lambda _: page("x" * 3 * MIB, ("Content-Type", "application/zip"))
    visitor = await site.visitor()

    for _ in range(2):
        seen = await visitor.get("/archive.zip")
        assert (seen.status, len(seen.body)) == (200, 3 * MIB)


async def test_a_site_without_room_is_served_by_its_application(open_site: OpenSite) -> None:
    site = await open_site(PageRules(mib=0))
    visitor = await site.visitor()
    first, second = await visitor.get("/"), await visitor.get("/")

    assert (first.text, second.text) == ("page /", "page /")
    assert not any(one.is_of_the_filler for one in site.origin.heard)


async def test_two_sites_have_each_their_own_page_of_one_path(open_site: OpenSite) -> None:
    one, other = await open_site(), await open_site()
    for site in (one, other):
        site.origin.answering = lambda heard: page(heard.headers["host"])
    for _ in range(2):
        for site in (one, other):
            seen = await (await site.visitor()).get("/same?q=1")
            assert seen.text.partition(":")[0] == site.host

    await one.purge("/same")

    assert (await (await other.visitor()).get("/same?q=1")).note.startswith("beffroi; hit")
    assert (await (await one.visitor()).get("/same?q=1")).note.endswith("stored")


async def test_a_visitors_rate_counts_stored_pages_too(open_site: OpenSite) -> None:
    site = await open_site(visitors=VisitorLimits(requests_per_s=5))
    greedy, modest = await site.visitor(), await site.visitor()
    await modest.get("/")
    await site.stage.learn_header_sets()
    seen = [await greedy.get("/") for _ in range(120)]
    statuses = Counter(one.status for one in seen)
    refused = next(one for one in seen if one.status == 429)

    assert statuses[200] >= 50
    assert statuses[429] > 30
    assert set(statuses) == {200, 429}
    assert refused.headers["retry-after"] == "1"
    assert (await modest.get("/")).status == 200
    assert (await modest.get("/unstored")).status == 200
    asked = len(site.origin.heard)
    assert Counter([(await greedy.get(f"/{n}")).status for n in range(30)])[429] > 20
    assert len(site.origin.heard) - asked < 10


async def test_a_sites_rate_bounds_all_its_visitors_and_no_other_site(
    open_site: OpenSite,
) -> None:
    site = await open_site(visitors=VisitorLimits(site_requests_per_s=10))
    other = await open_site()
    statuses: Counter[int] = Counter()
    for one in await site.visitors(180):
        statuses[(await one.get("/")).status] += 1

    assert 100 <= statuses[200] < 170
    assert statuses[429] == 180 - statuses[200]
    assert (await (await other.visitor()).get("/")).status == 200


async def test_crawlers_read_what_is_stored_and_have_a_budget_for_the_rest(
    open_site: OpenSite,
) -> None:
    site = await open_site(visitors=VisitorLimits(crawler_misses_per_minute=6))
    crawler, person = await site.visitor(CRAWLER), await site.visitor(BROWSER)
    statuses = [(await crawler.get(f"/{number}")).status for number in range(20)]
    beyond = await crawler.get("/19")

    assert statuses == [200] * 6 + [429] * 14
    assert beyond.headers["retry-after"] == "60"
    assert [(await person.get(f"/p{n}")).status for n in range(20)] == [200] * 20
    assert [(await crawler.get(f"/p{n}")).status for n in range(20)] == [200] * 20


async def test_a_budget_of_one_site_is_not_spent_on_another(open_site: OpenSite) -> None:
    none = await open_site(visitors=VisitorLimits(crawler_misses_per_minute=0))
    usual = await open_site()

    assert (await (await none.visitor(CRAWLER)).get("/")).status == 429
    assert (await (await usual.visitor(CRAWLER)).get("/")).status == 200


async def test_a_page_beyond_its_life_is_shown_to_crawlers_without_a_budget(
    open_site: OpenSite,
) -> None:
    site = await open_site(visitors=VisitorLimits(crawler_misses_per_minute=0))
    control = "max-age=1, stale-while-revalidate=0, stale-if-error=600"
    site.origin.answering = lambda _: page("first", ("Cache-Control", control))
    await (await site.visitor()).get("/")
    await site.expired("/")
    asked = len(site.origin.heard)

    seen = await (await site.visitor(CRAWLER)).get("/")

    assert (seen.status, seen.text) == (200, "first")
    assert len(site.origin.heard) == asked
