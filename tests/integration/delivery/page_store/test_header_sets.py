"""Status and headers of stored answers, before and after nginx knows them."""

import pytest

from tests.integration.delivery.page_store.origin import Told, page
from tests.integration.delivery.page_store.stage import Site

POLICY = "default-src 'self'; script-src 'nonce-$x' \"https://a.example/${y}\"; report-uri /r\\d"
ANSWERS = {
    "page": page("<p>page", ("Content-Security-Policy", POLICY), ("X-Own", "a b;c, d")),
    "plain": page("text", ("Content-Type", "text/plain; charset=iso-8859-1")),
    "typeless": Told(headers=(("Cache-Control", "max-age=600"),), body=b"\x00\x01"),
    "feed": page("<rss/>", ("Content-Type", 'application/rss+xml; charset="utf-8"')),
    "moved": page("", ("Location", "/a?b=1&c=$d#e"), status=301),
    "found": page("", ("Location", "https://a.example/x;y"), status=302),
    "kept": page("", ("Location", "/form"), status=308),
    "absent": page("<p>not here", ("X-Robots-Tag", "noindex"), status=404),
    "gone": page("<p>gone", status=410),
    "empty": page("", status=204),
    "altered": page("<p>altered", status=203),
    "download": page("a;b", ("Content-Type", "text/csv"), ("Content-Disposition", 'x; y="é"')),
    "linked": page("x", ("Link", '</a.css>; rel=preload; as="style"'), ("Link", "</b>; rel=next")),
}
DROPPED = {
    "Server": "theirs",
    "X-Powered-By": "PHP/8",
    "Cache-Groups": '"a"',
    "Surrogate-Key": "a",
    "Surrogate-Control": "max-age=600",
    "CDN-Cache-Control": "max-age=600",
    "X-Accel-Redirect": "/etc/passwd",
    "X-Accel-Expires": "1",
    "X-Runtime": "0.1",
    "X-Content-Type-Options": "theirs",
    "Strict-Transport-Security": "max-age=1",
}
COMPARED = ("location", "content-security-policy", "x-own", "cache-control", "link")


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_stored_answer_is_what_the_origin_told(site: Site, name: str) -> None:
    told = ANSWERS[name]
    site.origin.answering = lambda _: told
    expected: dict[str, str] = {}
    for header, value in told.headers:
        known = expected.get(header.lower())
        expected[header.lower()] = value if known is None else f"{known}, {value}"
    visitor = await site.visitor()
    first = await visitor.get("/a")
    by_filler = await visitor.get("/a")
    asked = len(site.origin.heard)
    await site.stage.learn_header_sets()
    by_nginx = await visitor.get("/a")

    for seen in (first, by_filler, by_nginx):
        assert seen.status == told.status
        if told.status < 300 or told.status >= 400:
            assert seen.body == told.body
            assert seen.headers.get("content-type", "") == expected.get("content-type", "")
        for header in COMPARED:
            if header in expected:
                shown = seen.headers[header].replace("\n", ", ")
                assert shown == expected[header], header
    if name != "download":
        assert (by_filler.note, by_nginx.note) == ("beffroi; hit", "beffroi; hit")
        assert len(site.origin.heard) == asked


async def test_what_is_for_caches_or_of_the_origins_machine_stays_inside(site: Site) -> None:
    site.origin.answering = lambda _: page("x", *DROPPED.items())
    visitor = await site.visitor()
    first = await visitor.get("/a")
    await site.stage.learn_header_sets()
    second = await visitor.get("/a")

    for seen in (first, second):
        assert seen.headers["server"] == "nginx"
        assert seen.headers["x-content-type-options"] == "nosniff"
        left = {name.lower() for name in DROPPED} - {"server", "x-content-type-options"}
        assert left.isdisjoint(seen.headers), seen.headers
    assert second.note == "beffroi; hit"


async def test_each_coding_that_a_browser_takes_is_served_from_its_file(site: Site) -> None:
    site.origin.answering = lambda _: page("<p>page</p>" * 500)
    visitor = await site.visitor()
    await visitor.get("/a")
    await site.stage.learn_header_sets()
    taken = {
        "": None,
        "identity": None,
        "gzip": "gzip",
        "gzip, deflate, br, zstd": "br",
        "zstd, gzip": "zstd",
        "br;q=0": None,
        "gzip;q=0.5": "gzip",
        "brotli": None,
    }
    for accepted, coding in taken.items():
        seen = await visitor.get("/a", Accept_Encoding=accepted)

        assert seen.headers.get("content-encoding") == coding, accepted
        assert seen.headers["vary"] == "Accept-Encoding"
        assert seen.headers["content-type"] == "text/html; charset=utf-8"
        assert (len(seen.body) == 5500) is (coding is None)
        again = await visitor.get(
            "/a", Accept_Encoding=accepted, If_None_Match=seen.headers["etag"]
        )
        assert (again.status, again.body) == (304, b"")


async def test_an_origin_that_compresses_is_asked_not_to(site: Site) -> None:
    visitor = await site.visitor()
    await visitor.get("/a", Accept_Encoding="gzip")

    assert site.origin.heard[0].headers["accept-encoding"] == "identity"


async def test_a_part_of_a_stored_page_is_served(site: Site) -> None:
    site.origin.answering = lambda _: page("0123456789")
    visitor = await site.visitor()
    await visitor.get("/a")
    await site.stage.learn_header_sets()
    part = await visitor.get("/a", Range="bytes=2-4")

    assert (part.status, part.body) == (206, b"234")
    assert (await visitor.get("/a")).text == "0123456789"


async def test_headers_that_nginx_knew_under_a_number_are_not_those_of_its_next_owner(
    site: Site,
) -> None:
    """The filler forgets at its start the headers that no page has any more."""
    site.origin.answering = lambda _: page("first", ("X-Own", "first"))
    visitor = await site.visitor()
    await visitor.get("/a")
    await site.stage.learn_header_sets()
    await site.purge("/", Beffroi_Purge="site")
    await site.stage.kill_filler()
    await site.stage.filler.start()
    site.origin.answering = lambda _: page("second", ("X-Own", "second"))

    for _ in range(3):
        seen = await visitor.get("/b")
        assert (seen.text, seen.headers["x-own"]) == ("second", "second")
