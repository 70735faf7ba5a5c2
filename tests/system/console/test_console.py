"""The console in a real browser, over the real platform: how it looks, weighs and reads.

``BEFFROI_SCREENSHOTS`` names a folder in which the pictures are kept.
"""

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.console.house import write_town
from tests.support.town import Town
from tests.system.console.browser import Browser, opened_browser
from tests.system.console.contrast import CONTRAST

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

PAGES = {
    "overview": "/",
    "applications": "/applications",
    "application": "/applications/horloge",
    "stored-pages": "/applications/horloge/pages",
    "results": "/resultats",
    "site-results": "/resultats/horloge",
    "organisations": "/organisations",
    "engines": "/engines",
    "operations": "/operations",
    "accounts": "/accounts",
    "password": "/password",
}
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
BYTES_MOST = 60_000
ELEMENTS_MOST = 400
REQUESTS_MOST = 6


@pytest.fixture(scope="module")
async def town(request: pytest.FixtureRequest) -> AsyncIterator[Town]:
    """The town of the integration tests, run by ``beffroi up``."""
    town = Town()
    town.file = write_town(town.folder)
    failed_before = request.session.testsfailed
    await town.up()
    yield town
    await town.stop()
    await town.close(keep_logs=request.session.testsfailed > failed_before)


@pytest.fixture
async def browser(town: Town) -> AsyncIterator[Browser]:
    """A browser in which the operator has signed in by a one-time link."""
    link = (await town.cli("sign-in-link", "operator")).output.strip()
    async with opened_browser() as browser:
        await browser.resize(*SIZES["wide"])
        await browser.open(link)
        await browser.click("main button")
        assert (await browser.evaluate("location.pathname")) in ("/password", "/")
        yield browser


def console(town: Town, path: str) -> str:
    """Return the address of a page."""
    return f"https://console.example.localhost:{town.https_port}{path}"


async def read_in(browser: Browser, town: Town, language: str) -> None:
    """Choose the language by its button."""
    await browser.open(console(town, "/password"))
    if await browser.evaluate("document.documentElement.lang") != language:
        await browser.click(f".languages button[value={language}]")


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_pages_fit_every_screen_and_stay_light(
    browser: Browser, town: Town, language: str, tmp_path: Path
) -> None:
    pictures = Path(os.environ.get("BEFFROI_SCREENSHOTS", tmp_path))
    await read_in(browser, town, language)
    for name, path in PAGES.items():
        for size, (width, height) in SIZES.items():
            await browser.resize(width, height, dark=False)
            await browser.open(console(town, path))
            weight = await browser.weight()
            assert weight.transferred_bytes < BYTES_MOST, (name, weight)
            assert weight.elements < ELEMENTS_MOST, (name, weight)
            assert weight.requests <= REQUESTS_MOST, (name, weight)
            overflow = "document.documentElement.scrollWidth - innerWidth"
            assert await browser.evaluate(overflow) <= 0, (name, size)
            await browser.screenshot(pictures / f"{name}-{size}-{language}.png")
    assert [line for line in browser.console if "Password" not in line] == []


@pytest.mark.parametrize("dark", [False, True])
async def test_every_text_stands_out_by_day_and_by_night(
    browser: Browser, town: Town, *, dark: bool
) -> None:
    await browser.resize(*SIZES["wide"], dark=dark)
    for path in (*PAGES.values(), "/nowhere", "/sign-in"):
        await browser.open(console(town, path))
        assert await browser.evaluate(CONTRAST) == [], path


async def test_the_keyboard_reaches_the_content_first(browser: Browser, town: Town) -> None:
    await browser.open(console(town, "/applications"))
    await browser.press("Tab")
    assert await browser.evaluate("document.activeElement.className") == "skip"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await browser.evaluate(outline) == "solid"
    await browser.press("Enter")
    await browser.becomes("document.activeElement.id === 'content'")
    await browser.press("Tab")
    focused = await browser.evaluate("document.activeElement.getAttribute('href')")
    assert focused.startswith("/applications/")


async def test_the_log_is_live_and_can_be_suspended(browser: Browser, town: Town) -> None:
    await browser.open(console(town, "/applications/horloge"))
    log = "document.querySelector('[data-log]').textContent"
    await browser.becomes(f"{log}.includes('<b>ding</b> green & dong')")
    path = town.places.logs / "applications" / "horloge" / "application.log"
    with path.open("a") as file:
        file.write("the stream is open\n")
    await browser.becomes(f"{log}.includes('the stream is open')")
    await browser.evaluate("new Promise(done => setTimeout(done, 500))")
    with path.open("a") as file:
        file.write("".join(f"line {number}\n" for number in range(1200)))
    await browser.becomes(f"{log}.includes('line 1199')")
    assert len((await browser.evaluate(log)).splitlines()) == 1000

    await browser.evaluate("document.querySelector('[data-log-pause]').click()")
    with path.open("a") as file:
        file.write("while suspended\n")
    await browser.evaluate("new Promise(done => setTimeout(done, 1500))")
    assert "while suspended" not in await browser.evaluate(log)
    await browser.evaluate("document.querySelector('[data-log-pause]').click()")
    await browser.becomes(f"{log}.includes('while suspended')")


async def test_an_operation_is_followed_to_its_end(browser: Browser, town: Town) -> None:
    await read_in(browser, town, "fr")
    await browser.open(console(town, "/applications/horloge"))
    await browser.click("form[action$='/restart'] button")
    assert re.fullmatch("/operations/[0-9a-z]{18}", await browser.evaluate("location.pathname"))
    await browser.becomes("document.querySelector('#operation').textContent.includes('réussie')")
    assert await browser.evaluate("document.querySelector('#operation[data-hx-get]') === null")


async def test_everything_is_there_without_scripts(browser: Browser, town: Town) -> None:
    await read_in(browser, town, "fr")
    await browser.allow_scripts(allowed=False)
    await browser.open(console(town, "/applications/horloge"))
    text = "document.body.innerText"
    assert "<b>ding</b>" in await browser.evaluate(text)
    await browser.click("form[action$='/restart'] button")
    await browser.becomes("document.body.innerText.includes('réussie')", within_s=20)
