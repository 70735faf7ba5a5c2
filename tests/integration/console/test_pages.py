"""Every page: its markup, its weight, its statements, its headers."""

import gzip
import re

import pytest

from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.integration.console.statements import statements_told

# Statements per page for an operator of a town whose applications have served.
STATEMENTS = {
    "/": 8,
    "/applications": 6,
    "/applications/horloge": 17,
    "/applications/horloge/state": 7,
    "/applications/horloge/pages": 9,
    "/resultats?organisation=mairie": 6,
    # Its results were told a moment ago.
    "/resultats/horloge": 2,
    "/organisations": 3,
    "/engines": 14,
    "/operations": 3,
    "/accounts": 4,
    "/password": 3,
}
PAGES = tuple(page for page in STATEMENTS if not page.endswith("/state"))
BYTES_MOST = 60_000
ELEMENTS_MOST = 400


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_is_well_formed_and_light(house: House, language: str) -> None:
    await house.deployed("horloge")
    await house.deployed("vitrine")
    client = await house.signed_in("olga", language)
    for page in PAGES:
        answer = await client.get(page)
        assert answer.status_code == 200, page
        markup = Markup(answer.text)
        assert markup.mistakes == [], page
        assert markup.all("html")[0]["lang"] == language
        assert len(markup.elements) < ELEMENTS_MOST, page
        assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', answer.text)
        assert len(assets) <= 4, page
        kept = [(await client.get(asset)).read() for asset in assets]
        weight = sum(len(gzip.compress(part)) for part in (answer.read(), *kept))
        assert weight < BYTES_MOST, f"{page}: {weight}"


async def test_pages_before_the_sign_in_are_well_formed(house: House) -> None:
    for page, status in (("/sign-in", 200), ("/sign-in/abc", 200), ("/nowhere", 404)):
        answer = await house.visitor().get(page)
        assert answer.status_code == status
        assert Markup(answer.text).mistakes == [], page


async def test_the_statements_of_each_page_are_few_and_fixed(house: House) -> None:
    for name in ("horloge", "vitrine", "cantine"):
        await house.deployed(name)
    client = await house.signed_in("olga")
    found = {}
    for page in STATEMENTS:
        with statements_told(house.server, house.platform.foundation.database) as told:
            assert (await client.get(page)).status_code == 200
        found[page] = told
    assert {page: len(told) for page, told in found.items()} == STATEMENTS, found


async def test_more_applications_take_no_more_statements(house: House) -> None:
    client = await house.signed_in("olga")
    counts = []
    for name in ("horloge", "vitrine"):
        await house.deployed(name)
        with statements_told(house.server, house.platform.foundation.database) as told:
            await client.get("/")
        counts.append(len(told))
    assert counts[0] == counts[1]


async def test_headers_keep_others_out(house: House) -> None:
    client = await house.signed_in("olga")
    for page in ("/", "/sign-in", "/nowhere", "/applications/nothing"):
        headers = (await client.get(page)).headers
        assert "default-src 'self'" in headers["content-security-policy"], page
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


async def test_assets_are_kept_for_long_under_a_name_of_their_content(house: House) -> None:
    client = house.visitor()
    page = (await client.get("/sign-in")).text
    for path in re.findall(r'href="(/static/[^"]+)"', page):
        assert re.search(r"\.[0-9a-f]{12}\.(css|js|svg)$", path)
        answer = await client.get(path)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == answer.content
    assert (await client.get("/static/console.000000000000.css")).status_code == 404


async def test_dates_and_sizes_are_written_as_the_language_does(house: House) -> None:
    await house.deployed("horloge")
    client = await house.signed_in("olga")
    page = (await client.get("/applications/horloge")).text
    assert re.search(r'<time datetime="\d{4}-\d\d-\d\dT[^"]+">\d+\xa0\S+ \d{4}, \d\d:\d\d<', page)
    assert "sur 128\xa0Mio" in page
    await client.post("/language", data={"language": "en"})
    assert "of 128\xa0MiB" in (await client.get("/applications/horloge")).text
