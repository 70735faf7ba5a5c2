"""Requests that would poison a page, or be taken for another's."""

import asyncio
import random

import pytest

from beffroi.delivery.page_keys import page_key
from beffroi.territory.model import PageRules
from tests.integration.delivery.page_store.conftest import OpenSite
from tests.integration.delivery.page_store.origin import Heard, Told, page
from tests.integration.delivery.page_store.stage import Site
from tests.integration.delivery.page_store.visitor import Seen, Visitor, read_answer

SEED = 20261122
UNKEYED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Scheme": "evil",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-Original-URL": "/evil",
    "X-Rewrite-URL": "/evil",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Real-IP": "6.6.6.6",
    "True-Client-IP": "6.6.6.6",
    "Client-IP": "6.6.6.6",
    "Forwarded": "for=6.6.6.6;host=evil.example",
    "Proxy": "http://evil.example",
    "Accept-Language": "evil",
    "Accept": "text/evil",
    "Accept-Charset": "evil",
    "Origin": "https://evil.example",
    "Referer": "https://evil.example/",
    "User-Agent": "Mozilla/5.0 evil",
    "Range": "bytes=0-3",
    "If-None-Match": '"evil"',
    "If-Modified-Since": "Sun, 06 Nov 2094 08:49:37 GMT",
    "Cache-Control": "no-cache, evil",
    "Pragma": "evil",
    "Transfer-Encoding": "evil",
    "Content-Type": "text/evil",
    "X-Beffroi-Target": "/evil",
    "X-Beffroi-Host": "evil.example",
    "X-Beffroi-Door": "evil",
    "X-Beffroi-Storable": "evil",
    "X-Accel-Redirect": "/evil",
    "X-Request-ID": "evil",
    "Save-Data": "evil",
    "Sec-CH-UA": "evil",
    "DNT": "evil",
}


def mirror(heard: Heard) -> Told:
    """Write into the page all that was asked."""
    told = "\n".join(
        f"{name}: {value}"
        for name, value in sorted(heard.headers.items())
        # nginx gives each request a number of its own: no two pages would be alike.
        if name != "x-request-id"
    )
    return page(f"{heard.method} {heard.target}\n{told}")


async def test_nothing_that_a_visitor_says_is_in_what_others_read(site: Site) -> None:
    site.origin.answering = mirror
    poisoner, reader = await site.visitor(), await site.visitor()
    for number, (name, value) in enumerate(UNKEYED.items()):
        if name == "Transfer-Encoding":
            continue
        await poisoner.ask("GET", f"/{number}", {name: value})

        seen = await reader.get(f"/{number}")

        assert seen.status == 200
        assert "evil" not in seen.text, name
        assert "6.6.6.6" not in seen.text, name
        assert seen.text.startswith(f"GET /{number}\n"), name
        assert seen.note.startswith("beffroi; hit"), name
    assert all(one.is_of_the_filler for one in site.origin.heard)


async def test_a_body_or_a_method_of_another_name_changes_no_page(site: Site) -> None:
    site.origin.answering = mirror
    poisoner, reader = await site.visitor(), await site.visitor()
    await poisoner.ask("GET", "/a", {"Content-Length": "4"}, b"evil")
    for method in ("HEAD", "OPTIONS", "PROPFIND", "BREW", "get"):
        await poisoner.ask(method, "/a")

    assert (await reader.get("/a")).text.startswith("GET /a\n")
    assert "evil" not in (await reader.get("/a")).text


async def test_a_head_request_fills_the_page_and_has_no_body(site: Site) -> None:
    visitor = await site.visitor()
    head = await visitor.ask("HEAD", "/agenda")
    page_itself = await visitor.get("/agenda")
    again = await visitor.ask("HEAD", "/agenda")

    assert (head.status, again.status) == (200, 200)
    assert page_itself.text == "page /agenda"
    assert page_itself.note.startswith("beffroi; hit")
    assert again.headers["content-length"] == page_itself.headers["content-length"]


async def test_a_host_written_otherwise_finds_the_same_page(site: Site) -> None:
    site.origin.answering = lambda heard: page(heard.headers["host"])
    visitor = await site.visitor()
    port = site.stage.settings.https_port
    written = (
        site.host,
        f"{site.host}:{port}",
        f"{site.host}:1",
        site.host.upper(),
        f"{site.host}.",
        f"{site.host.title()}.:{port}",
    )
    for host in written:
        seen = await visitor.ask("GET", "/", {"Host": host})
        assert (seen.status, seen.text) == (200, f"{site.host}:{port}"), host

    assert len(site.origin.heard) == 2


async def test_an_absolute_target_decides_over_the_host(open_site: OpenSite) -> None:
    one, other = await open_site(), await open_site()
    for site in (one, other):
        site.origin.answering = lambda heard: page(f"{heard.headers['host']} {heard.target}")
    visitor = await one.visitor()
    port = one.stage.settings.https_port

    crossed = await visitor.ask("GET", f"https://{other.host}/a", {"Host": one.host})
    own = await visitor.get("/a")
    others = await (await other.visitor()).get("/a")

    assert crossed.text == others.text == f"{other.host}:{port} /a"
    assert own.text == f"{one.host}:{port} /a"


ODD = (
    "/a%2Fb",
    "/a%2fb",
    "/a//b",
    "//a/b",
    "/a/../b",
    "/a/./b",
    "/a/..",
    "/%2e%2e/b",
    "/a@b",
    "/a%40b",
    "/@",
    "/a%00b",
    "/a%0ab",
    "/a%0d%0aX-Evil:%201",
    "/a%ff",
    "/%c3",
    "/%c3%a9",
    "/é",
    "/a%20b",
    "/a+b",
    "/a;b=1",
    "/a;jsessionid=1",
    "/a?jsessionid=1",
    "/a?b=c&PHPSESSID=1",
    "/a'b",
    '/a"b',
    "/a\\b",
    "/a|b",
    "/a$b",
    "/a{b}",
    "/~a",
    "/.a",
    "/a.",
    "/.well-known/x",
    "/.well-known/beffroi/failing.fr.html",
    "/.well-known/beffroi-answer/a/0123456789ab/0123456789abcdef",
    "/" + "a" * 120,
    "/" + "a" * 121,
    "/" + "a" * 255,
    "/" + "a" * 4000,
    "/" + "a/" * 600,
    "/" + "%c3%a9" * 60,
    "/" + "%c3%a9" * 61,
    "/a?" + "b" * 120,
    "/a?" + "b" * 121,
    "/a?" + "b" * 4000,
    "/a?",
    "/a??",
    "/a?b=%00",
    "/a?b=/../c",
    "/a?/../c@",
    "/a?/../../../answers",
    "/a?b=c@d",
    "/a?a=1&b=2",
    "/a?b=2&a=1",
    "/a?utm_source=x",
    "/a?utm_source=x&b=1",
    "/a?b=%75",
    "/a?%62=u",
    "/links/x@",
    "/identity.0123456789ab",
)


def told_by(heard: Heard) -> Told:
    headers = (("Content-Type", "text/html"), ("Cache-Control", "max-age=600"))
    return Told(headers=headers, body=heard.target.encode("latin-1"))


async def test_an_odd_target_never_shows_another_page_and_never_fails(site: Site) -> None:
    site.origin.answering = told_by
    for _ in range(2):
        visitor = await site.visitor()
        for target in ODD:
            written = target.encode().decode("latin-1")
            seen = await visitor.ask("GET", written)

            assert seen.status in {200, 400, 404}, (target, seen)
            assert seen.status != 200 or is_page_of(site, seen.body.decode("latin-1"), written)


def is_page_of(site: Site, told: str, asked: str) -> bool:
    """Tell whether the origin's name of a page means what was asked."""
    if told == asked:
        return True
    rules = site.application.pages
    key = page_key(site.host, asked, rules)
    return key is not None and key == page_key(site.host, told, rules)


@pytest.mark.parametrize("queries", [("*",), (), ("page", "q")])
async def test_nginx_and_the_filler_agree_on_every_name(
    open_site: OpenSite, queries: tuple[str, ...]
) -> None:
    site = await open_site(PageRules(queries=queries))
    site.origin.answering = told_by
    chance = random.Random(SEED)  # noqa: S311 - targets hold no secret
    targets = [_target(chance) for _ in range(400)]
    wrong: list[tuple[str, Seen]] = []

    async def ask(visitor: Visitor, some: list[str]) -> None:
        for target in some:
            seen = await visitor.ask("GET", target)
            fine = seen.status == 400 or is_page_of(site, seen.body.decode("latin-1"), target)
            if not fine:
                wrong.append((target, seen))

    await asyncio.gather(*(ask(one, targets) for one in await site.visitors(2)))
    await site.stage.learn_header_sets()
    hits = {}
    visitor = await site.visitor()
    for target in targets:
        seen = await visitor.ask("GET", target)
        hits[target] = seen.note.startswith("beffroi; hit")
    await ask(visitor, targets)
    keys = {target: page_key(site.host, target, site.application.pages) for target in targets}

    assert wrong == []
    assert hits == {target: key is not None for target, key in keys.items()}
    assert site.shown() == {f"{key.path}@{key.query}" for key in keys.values() if key is not None}


_PIECES = (
    *("a", "b", "A", "é", "%C3%A9", "%c3%a9", "%20", "+", ".", "..", "~", "-", "_", "$", "'"),
    *("(", ")", "*", ",", ";", "=", ":", "!", "@", "%40", "%2F", "%2e", "%41", "&", "//"),
    *("%E2%82%AC", "%ED%A0%80", "%F0%9F%98%80", "%C0%AF", "%FF", "%7E", "[", "]", "%5B"),
)
_PARAMETERS = (
    *("page=1", "q=a", "q=%C3%A9", "utm_source=x", "fbclid=1", "x=1", "page=2", "", "q=a+b"),
    *("utm_", "gclid", "%70age=1", "b[]=1", "a=b=c", "p@ge=1", "q=/", "PAGE=1"),
)


def _target(chance: random.Random) -> str:
    path = "".join(
        "/" + "".join(chance.choices(_PIECES, k=chance.randrange(4)))
        for _ in range(chance.randrange(1, 4))
    )
    query = "&".join(chance.choices(_PARAMETERS, k=chance.randrange(4)))
    return (path + (f"?{query}" if query else "")).encode().decode("latin-1")


async def test_a_raw_byte_in_the_request_breaks_nothing(site: Site) -> None:
    for line in (b"GET /a\x00b HTTP/1.1", b"GET /a\x01 HTTP/1.1", b"GET /\xff\xfe HTTP/1.1"):
        visitor = await site.visitor()
        reader = await visitor.begin(
            line + f"\r\nHost: {site.host}\r\nConnection: close\r\n\r\n".encode()
        )
        assert (await read_answer(reader)).status in {200, 400, 404}, line
