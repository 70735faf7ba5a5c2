"""Pages of people who signed in, among the visits of everybody else."""

import asyncio
import random

from beffroi.territory.model import PageRules
from tests.integration.delivery.page_store.conftest import ON_ONE_NGINX, OpenSite
from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import Seen, Visitor

pytestmark = ON_ONE_NGINX

SEED = 20261122
REQUESTS = 10_000
VISITORS = 24
NAMES = ("alice", "bruno", "")
TARGETS = tuple(f"/{number}" for number in range(12))


def careless(heard: Heard) -> Told:
    """Greet by name, and let every cache keep it."""
    name = heard.cookie.partition("session=")[2].partition(";")[0] or "stranger"
    return page(f"{name} {heard.target}", ("Cache-Control", "public, max-age=600"))


def careful(heard: Heard) -> Told:
    """Greet by name, as an application should."""
    name = heard.cookie.partition("session=")[2].partition(";")[0]
    control = "private" if name else "public, max-age=600"
    return page(
        f"{name or 'stranger'} {heard.target}",
        ("Cache-Control", control),
        ("Vary", "Cookie"),
    )


async def test_nobody_reads_the_page_of_another_in_ten_thousand_visits(site: Site) -> None:
    chance = random.Random(SEED)  # noqa: S311 - visits hold no secret
    wrong: list[tuple[str, Seen]] = []

    async def visit(visitor: Visitor, number: int) -> None:
        for _ in range(number):
            name, target = chance.choice(NAMES), chance.choice(TARGETS)
            measured = chance.choice(("", "_ga=GA1.2.3", "tarteaucitron=!a=true"))
            cookies = [one for one in (measured, f"session={name}" if name else "") if one]
            headers = {"Cookie": "; ".join(cookies)} if cookies else {}
            seen = await visitor.ask("GET", target, headers)
            if (seen.status, seen.text) != (200, f"{name or 'stranger'} {target}"):
                wrong.append((name, seen))

    for answering in (careless, careful):
        site.origin.answering = answering
        await site.purge("/", Beffroi_Purge="site")
        each = REQUESTS // 2 // VISITORS + 1
        await asyncio.gather(*(visit(one, each) for one in await site.visitors(VISITORS)))

    assert wrong == []
    signed_in = [one for one in site.origin.heard if "session=" in one.cookie]
    assert len(signed_in) > REQUESTS // 2
    assert len(site.origin.heard) - len(signed_in) < REQUESTS // 100


async def test_credentials_pass_by_the_store(site: Site) -> None:
    site.origin.answering = lambda heard: page(heard.headers.get("authorization", "nobody"))
    visitor = await site.visitor()
    first = await visitor.get("/", Authorization="Bearer one")
    second = await visitor.get("/")
    third = await visitor.get("/", Authorization="Basic two")

    assert [one.text for one in (first, second, third)] == ["Bearer one", "nobody", "Basic two"]


async def test_cookies_that_count_are_told_from_those_that_measure(site: Site) -> None:
    site.origin.answering = lambda heard: page(heard.cookie or "none")
    visitor = await site.visitor()
    await visitor.get("/")
    harmless = ("_ga=1", "_ga=1; _gid=2;", " _pk_id.1.2=x ;_fbp=1", "euconsent-v2=a=b=")
    counting = ("a=1", "_ga=1; a=1", "_ga=1;a=1", "_ga=1, a=1", "_ga_session=1; x", "_ga", "_GA=1")

    shared = {one: (await visitor.get("/", Cookie=one)).text for one in harmless}
    own = {one: (await visitor.get("/", Cookie=one)).text for one in counting}

    assert shared == dict.fromkeys(harmless, "none")
    assert own == {one: one for one in counting}


async def test_two_cookie_headers_are_read_as_one(site: Site) -> None:
    site.origin.answering = lambda heard: page(heard.cookie or "none")
    visitor = await site.visitor()
    await visitor.get("/")
    reader = await visitor.begin(
        f"GET / HTTP/1.1\r\nHost: {site.host}\r\nCookie: _ga=1\r\nCookie: session=me\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    answer = await reader.read()

    assert b"session=me" in answer.partition(b"\r\n\r\n")[2]


async def test_a_site_may_ignore_a_cookie_of_its_own(open_site: OpenSite) -> None:
    site = await open_site(PageRules(ignored_cookies=("theme", "lang_*")))
    site.origin.answering = lambda heard: page(heard.cookie or "none")
    visitor = await site.visitor()
    await visitor.get("/")

    assert (await visitor.get("/", Cookie="theme=dark; lang_x=fr")).text == "none"
    assert (await visitor.get("/", Cookie="theme=dark; session=1")).text.endswith("session=1")
