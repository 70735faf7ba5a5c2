"""Many visitors of one page that is not stored yet."""

import asyncio

from tests.integration.delivery.page_store.conftest import ON_ONE_NGINX
from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import Seen
from tests.support.waiting import eventually

pytestmark = ON_ONE_NGINX

CROWD = 200


async def test_many_visitors_of_an_unstored_page_cost_one_request_and_its_check(
    site: Site,
) -> None:
    held = asyncio.Event()

    async def answer(heard: Heard) -> Told:
        await held.wait()
        return page(f"page {heard.target}")

    site.origin.answering = answer
    crowd = await site.visitors(CROWD)
    asked = [asyncio.create_task(one.get("/agenda")) for one in crowd]
    await eventually(lambda: site.origin.asked("/agenda"))
    await asyncio.sleep(0.3)
    held.set()
    seen = await asyncio.gather(*asked)

    assert {(one.status, one.text) for one in seen} == {(200, "page /agenda")}
    assert len(site.origin.asked("/agenda")) == 2
    assert all(one.is_of_the_filler for one in site.origin.heard)


async def test_the_fifth_page_of_a_site_is_the_last_that_is_checked(site: Site) -> None:
    visitor = await site.visitor()
    for number in range(8):
        await visitor.get(f"/{number}")

    asked = [len(site.origin.asked(f"/{number}")) for number in range(8)]
    assert asked == [2, 2, 2, 2, 2, 1, 1, 1]


async def test_a_visitor_who_leaves_does_not_stop_what_others_wait_for(site: Site) -> None:
    held = asyncio.Event()

    async def answer(heard: Heard) -> Told:
        await held.wait()
        return page(f"page {heard.target}")

    site.origin.answering = answer
    hurried, patient = await site.visitors(2)
    leaving = asyncio.create_task(hurried.get("/agenda"))
    await eventually(lambda: site.origin.asked("/agenda"))
    waiting = asyncio.create_task(patient.get("/agenda"))
    await asyncio.sleep(0.1)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    await asyncio.sleep(0.1)
    held.set()

    assert (await waiting).text == "page /agenda"
    assert len(site.origin.asked("/agenda")) == 2
    assert (await patient.get("/agenda")).note.startswith("beffroi; hit")


async def test_a_page_whose_only_visitor_left_is_stored_for_the_next(site: Site) -> None:
    held = asyncio.Event()

    async def answer(heard: Heard) -> Told:
        await held.wait()
        return page(f"page {heard.target}")

    site.origin.answering = answer
    hurried, next_one = await site.visitors(2)
    leaving = asyncio.create_task(hurried.get("/agenda"))
    await eventually(lambda: site.origin.asked("/agenda"))
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    held.set()
    await eventually(lambda: len(site.origin.asked("/agenda")) == 2)

    async def stored() -> bool:
        return (await next_one.get("/agenda")).note.startswith("beffroi; hit")

    assert await eventually(stored)
    assert len(site.origin.asked("/agenda")) == 2


async def test_who_waited_for_an_unstorable_page_asks_the_origin_for_one_of_its_own(
    site: Site,
) -> None:
    held, counted = asyncio.Event(), iter(range(10_000))

    async def answer(heard: Heard) -> Told:
        if heard.is_of_the_filler:
            await held.wait()
        mark = next(counted)
        return page(f"panier {mark}", ("Set-Cookie", f"panier={mark}; Path=/"))

    site.origin.answering = answer
    crowd = await site.visitors(40)
    asked = [asyncio.create_task(one.get("/panier")) for one in crowd]
    await eventually(lambda: site.origin.asked("/panier"))
    await asyncio.sleep(0.3)
    held.set()
    seen = await asyncio.gather(*asked)

    def mark_of(one: Seen) -> str:
        return one.headers["set-cookie"].removeprefix("panier=").removesuffix("; Path=/")

    assert [one.text for one in seen] == [f"panier {mark_of(one)}" for one in seen]
    assert len({mark_of(one) for one in seen}) == len(crowd)
    assert sum(one.is_of_the_filler for one in site.origin.heard) == 1
    assert (await crowd[0].get("/panier")).note.endswith("detail=set-cookie")
