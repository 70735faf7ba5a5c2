"""Origins that are away, fail, lie or change their mind, and what is shown meanwhile."""

import asyncio
from collections.abc import AsyncIterator

from tests.integration.delivery.page_store.conftest import ON_ONE_NGINX
from tests.integration.delivery.page_store.origin import Answering, Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import Seen
from tests.support.waiting import eventually

pytestmark = ON_ONE_NGINX

BRIEF = ("Cache-Control", "max-age=1, stale-while-revalidate=0, stale-if-error=600")
STRICT = ("Cache-Control", "max-age=1, must-revalidate")
REVALIDATING = ("Cache-Control", "max-age=1, stale-while-revalidate=600, stale-if-error=0")


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def broken_page(what: str) -> Told:
    """One of the ways to break off an answer that might be stored."""
    headers = (("Content-Type", "text/html"), ("Cache-Control", "max-age=600"))
    half = b"half a page"
    match what:
        case "claims more than it sends":
            return Told(headers=headers, body=half, claimed_bytes=4000)
        case "claims more, of many buffers":
            return Told(headers=headers, body=half * 60_000, claimed_bytes=2_000_000)
        case "claims a body and sends none":
            return Told(headers=headers, claimed_bytes=10)
        case "is cut between two chunks":
            return Told(headers=headers, pieces=in_pieces(half), cut=True)
        case _:
            pieces = in_pieces(*(half * 1000 for _ in range(40)))
            return Told(headers=headers, pieces=pieces, cut=True)


BROKEN = (
    "claims more than it sends",
    "claims more, of many buffers",
    "claims a body and sends none",
    "is cut between two chunks",
    "is cut after many chunks",
)


def broken(what: str) -> Answering:
    return lambda _: broken_page(what)


def failing(status: int) -> Answering:
    return lambda _: page("failing", status=status)


async def shown(site: Site, target: str) -> Seen:
    return await (await site.visitor()).get(target)


async def test_a_body_shorter_than_announced_is_never_stored(site: Site) -> None:
    site.origin.answering = lambda heard: broken_page(BROKEN[int(heard.target[1:])])
    targets = [f"/{number}" for number in range(len(BROKEN))]
    answers = [await shown(site, target) for target in targets]
    site.origin.answering = lambda heard: page(f"page {heard.target}")

    async def mended() -> bool:
        return [(await shown(site, one)).text for one in targets] == [
            f"page {one}" for one in targets
        ]

    assert [one.status for one in answers] == [502] * len(BROKEN)
    assert not any(b"half" in one.body for one in answers)
    assert await eventually(mended)


async def test_a_page_outlives_a_broken_answer_where_its_origin_allows(site: Site) -> None:
    site.origin.answering = lambda heard: page(f"page {heard.target}", BRIEF)
    for number, what in enumerate(BROKEN):
        target = f"/{number}"
        site.origin.answering = lambda heard: page(f"page {heard.target}", BRIEF)
        assert (await shown(site, target)).status == 200
        await site.expired(target)
        site.origin.answering = broken(what)

        kept = await shown(site, target)

        assert (kept.status, kept.text) == (200, f"page {target}"), what
        assert "hit; fwd=stale" in kept.note


async def test_one_page_that_breaks_leaves_the_others_alone(site: Site) -> None:
    site.origin.answering = lambda heard: (
        broken_page(BROKEN[2]) if heard.target == "/broken" else page("whole")
    )

    assert (await shown(site, "/broken")).status == 502
    assert (await shown(site, "/other")).text == "whole"


async def test_a_failing_origin_is_bridged_by_the_page_that_it_gave(site: Site) -> None:
    site.origin.answering = lambda heard: page(f"page {heard.target}", BRIEF)
    assert (await shown(site, "/agenda")).text == "page /agenda"
    await site.expired("/agenda")

    site.origin.answering = lambda _: page("trace of an error", ("Set-Cookie", "a=1"), status=500)
    failing = await shown(site, "/agenda")
    new = await shown(site, "/new")
    await site.origin.leave()
    away = await shown(site, "/agenda")

    assert (failing.status, failing.text) == (200, "page /agenda")
    assert "detail=status-500" in failing.note
    assert (new.status, new.text) == (500, "trace of an error")
    assert (away.status, away.text) == (200, "page /agenda")


async def test_a_failure_is_never_stored(site: Site) -> None:
    for status in (500, 502, 503, 504):
        site.origin.answering = failing(status)
        assert (await shown(site, "/agenda")).status == status
    site.origin.answering = lambda _: page("mended")

    assert (await shown(site, "/agenda")).text == "mended"


async def test_an_origin_that_is_away_is_told_in_a_page_of_the_platform(site: Site) -> None:
    await site.origin.leave()
    away = await shown(site, "/agenda")
    await site.origin.come_back()

    assert away.status == 502
    assert "text/html" in away.headers["content-type"]
    assert away.headers["cache-control"] == "no-store"
    assert (await shown(site, "/agenda")).text == "page /agenda"


async def test_a_page_that_must_be_asked_anew_is_never_shown_stale(site: Site) -> None:
    site.origin.answering = lambda heard: page(f"page {heard.target}", STRICT)
    assert (await shown(site, "/agenda")).text == "page /agenda"
    await site.expired("/agenda")
    site.origin.answering = lambda _: page("failing", status=500)

    assert (await shown(site, "/agenda")).status == 500

    site.origin.answering = lambda _: page("newer", STRICT)
    assert (await shown(site, "/agenda")).text == "newer"


async def test_a_stale_page_is_shown_while_the_newer_one_is_fetched(site: Site) -> None:
    site.origin.answering = lambda _: page("first", REVALIDATING)
    assert (await shown(site, "/agenda")).text == "first"
    await site.expired("/agenda")
    held, asked = asyncio.Event(), len(site.origin.heard)

    async def answer(_: Heard) -> Told:
        await held.wait()
        return page("second", ("Cache-Control", "max-age=600"))

    site.origin.answering = answer
    during = [await shown(site, "/agenda") for _ in range(5)]
    held.set()

    async def renewed() -> bool:
        return (await shown(site, "/agenda")).text == "second"

    assert {(one.status, one.text) for one in during} == {(200, "first")}
    assert all("fwd=stale; detail=revalidating" in one.note for one in during)
    assert await eventually(renewed)
    assert len(site.origin.heard) - asked <= 2


async def test_a_page_that_sets_a_cookie_later_is_forgotten(site: Site) -> None:
    site.origin.answering = lambda _: page("for all", REVALIDATING)
    assert (await shown(site, "/agenda")).text == "for all"
    await site.expired("/agenda")
    site.origin.answering = lambda heard: page(
        f"for {heard.headers['user-agent'][:7]}", ("Set-Cookie", "session=1")
    )

    async def forgotten() -> bool:
        return (await shown(site, "/agenda")).text == "for Mozilla"

    assert await eventually(forgotten)
    assert (await shown(site, "/agenda")).headers["set-cookie"] == "session=1"
    assert (await site.stage.figures()).bytes_by_application.get(site.application.name, 0) == 0


async def test_a_slow_origin_is_waited_for_by_all_at_once(site: Site) -> None:
    async def answer(_: Heard) -> Told:
        await asyncio.sleep(1.5)
        return page("slow")

    site.origin.answering = answer
    seen = await asyncio.gather(*(one.get("/agenda") for one in await site.visitors(30)))

    assert {(one.status, one.text) for one in seen} == {(200, "slow")}
    assert len(site.origin.heard) == 2
