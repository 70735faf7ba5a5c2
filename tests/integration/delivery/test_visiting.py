"""What visitors find, on real nginx with real TLS."""

import asyncio
import os
import re
import ssl
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from tests.integration.delivery.stage import Browser, Reply, Stage, upstream
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application, territory

SITE = "site.ville.localhost"
# The line of the visitor; what was asked of the origin has one of its own.
_PAGE = re.compile('"uri":"/page".*"served":"(?!rendering)')


@pytest.fixture
async def app(stage: Stage) -> AsyncIterator[str]:
    """The host of an application behind a socket."""
    folder = stage.places.instances / "app-1"
    async with upstream(folder, "app"):
        stage.routes.point("app", folder)
        await stage.declare(territory(application("app", "app.ville.localhost")))
        yield "app.ville.localhost"


async def declare_site(stage: Stage, **files: str) -> None:
    stage.files_of("site", {"index.html": "accueil", **files})
    await stage.declare(territory(application("site", SITE)))


TITLES = {
    "fr-FR,fr;q=0.9,en;q=0.8": "Aucun site",
    "en-GB,en;q=0.9,fr;q=0.8": "No site",
    "de-DE,de;q=0.9,en;q=0.8": "No site",
    "de-DE,de;q=0.9,fr;q=0.8,en;q=0.7": "Aucun site",
    "de": "Aucun site",
}


async def test_an_unknown_host_is_told_in_the_visitors_language(browser: Browser) -> None:
    for accepted, title in TITLES.items():
        found = await browser.get("nobody.ville.localhost", Accept_Language=accepted)

        assert found.status_code == 404
        assert title in found.text, accepted
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["server"] == "nginx"
        assert "retry-after" not in found.headers


async def test_the_unknown_hosts_page_answers_a_form_too(browser: Browser) -> None:
    found = await browser.ask("POST", "nobody.ville.localhost", body=b"a=1")

    assert found.status_code == 404
    assert "Aucun site" in found.text


async def test_files_are_served_with_what_lets_a_browser_keep_them(
    stage: Stage, browser: Browser
) -> None:
    stage.files_of(
        "site", {"app.3f2a9c1b.js": "let a;" * 200, "photo.png": b"\x89PNG", "a.txt": "t"}
    )
    await declare_site(stage)

    page = await browser.get(SITE)
    script = await browser.get(SITE, "/app.3f2a9c1b.js", Accept_Encoding="gzip")
    photo = await browser.get(SITE, "/photo.png")

    assert (page.status_code, page.text) == (200, "accueil")
    assert page.headers["content-type"] == "text/html"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in page.headers
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["content-type"] == "text/javascript"
    assert "max-age=600" in photo.headers["cache-control"]
    again = await browser.get(SITE, "/photo.png", If_None_Match=photo.headers["etag"])
    assert again.status_code == 304


async def test_a_folder_without_its_slash_leads_to_its_page(stage: Stage, browser: Browser) -> None:
    stage.files_of("site", {"docs/index.html": "docs", "empty/deep/a.txt": "a"})
    await declare_site(stage)

    bare = await browser.get(SITE, "/docs")
    assert (bare.status_code, bare.headers["location"]) == (301, "/docs/")
    assert (await browser.get(SITE, "/docs/")).text == "docs"
    assert (await browser.get(SITE, "/empty/")).status_code == 404


async def test_a_missing_file_is_told_by_the_sites_own_page(stage: Stage, browser: Browser) -> None:
    stage.files_of("site", {"404.html": "le site dit : introuvable"})
    await declare_site(stage)

    found = await browser.get(SITE, "/absent")

    assert (found.status_code, found.text) == (404, "le site dit : introuvable")
    assert found.headers["cache-control"] == "no-cache"


async def test_a_missing_file_is_told_by_the_platform_where_the_site_has_no_page(
    stage: Stage, browser: Browser
) -> None:
    await declare_site(stage)

    found = await browser.get(SITE, "/absent", Accept_Language="en")

    assert found.status_code == 404
    assert "Page not found" in found.text


HIDDEN = (
    "/.env",
    "/.git/config",
    "/a/.secret",
    "/%2e%2e/%2e%2e/x",
    "/..%2f..%2fx",
    "/link",
    "/folder/a.txt",
)


async def test_a_site_shows_nothing_hidden_and_nothing_outside_itself(
    stage: Stage, browser: Browser
) -> None:
    folder = stage.files_of("site", {".env": "KEY=1", ".git/config": "x", "a/.secret": "x"})
    other = stage.files_of("other", {"a.txt": "another site's"})
    (folder / "www" / "link").symlink_to(stage.places.certificates / "unknown.key")
    (folder / "www" / "folder").symlink_to(other / "www")
    await declare_site(stage)

    found = {path: (await browser.get(SITE, path)).status_code for path in HIDDEN}

    assert set(found.values()) <= {400, 404}, found


async def test_what_browsers_look_for_in_a_well_known_place_is_shown(
    stage: Stage, browser: Browser
) -> None:
    stage.files_of("site", {".well-known/security.txt": "Contact: mailto:dsi@ville.fr"})
    await declare_site(stage)

    assert (await browser.get(SITE, "/.well-known/security.txt")).status_code == 200


async def test_an_application_gets_the_request_whole(
    browser: Browser, stage: Stage, app: str
) -> None:
    found = await browser.ask(
        "POST",
        app,
        "/a%20b?q=1",
        body=b"nom=Lef\xc3\xa8vre",
        headers={"X-Forwarded-For": "1.2.3.4", "Proxy": "x", "Forwarded": "for=1.2.3.4"},
    )

    reply = msgspec.json.decode(found.content, type=Reply)
    assert (reply.method, reply.path, reply.body) == ("POST", "/a%20b?q=1", "nom=Lefèvre")
    assert reply.headers["host"] == f"{app}{stage.settings.port_suffix}"
    assert reply.headers["x-forwarded-host"] == f"{app}{stage.settings.port_suffix}"
    assert reply.headers["x-forwarded-for"] == "127.0.0.1"
    assert reply.headers["x-forwarded-proto"] == "https"
    assert len(reply.headers["x-request-id"]) == 32
    assert not {"proxy", "forwarded"} & reply.headers.keys()


async def test_an_applications_answer_cannot_steer_the_web_server(
    browser: Browser, app: str
) -> None:
    found = await browser.get(app)

    assert found.json()["path"] == "/"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "strict-transport-security" not in found.headers


async def test_http2_reaches_an_application_with_a_body(stage: Stage, app: str) -> None:
    async with stage.browser(http2=True) as browser:
        found = await browser.ask("POST", app, "/form", body=b"x" * 200_000)

    assert found.http_version == "HTTP/2"
    assert len(found.json()["body"]) == 200_000


async def test_a_websocket_stays_open_both_ways(stage: Stage, app: str) -> None:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=await stage.trusting(), server_hostname=app
    )
    writer.write(
        b"GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        % app.encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(b"bonjour")
    first = await reader.readexactly(7)
    writer.write(b"encore")
    second = await reader.readexactly(6)
    writer.close()

    assert head.startswith(b"HTTP/1.1 101 ")
    assert (first, second) == (b"BONJOUR", b"ENCORE")


async def test_an_application_that_does_not_answer_is_told_to_every_kind_of_request(
    stage: Stage, browser: Browser
) -> None:
    (stage.places.instances / "dead" / "listen").mkdir(parents=True)
    stage.routes.point("dead", stage.places.instances / "dead")
    await stage.declare(territory(application("dead", "dead.ville.localhost")))

    page = await browser.get("dead.ville.localhost", Accept_Language="en")
    form = await browser.ask("POST", "dead.ville.localhost", body=b"a=1")

    assert page.status_code == form.status_code == 502
    assert "does not answer" in page.text
    assert "ne répond pas" in form.text


async def test_a_stopped_application_says_so_until_it_serves_again(
    stage: Stage, browser: Browser, app: str
) -> None:
    stage.routes.stop("app")
    stopped = await browser.ask("POST", app, "/form", body=b"a=1")
    stage.routes.point("app", stage.places.instances / "app-1")
    again = await browser.get(app)

    assert stopped.status_code == 503
    assert "Site arrêté" in stopped.text
    assert stopped.headers["retry-after"] == "60"
    assert again.status_code == 200


async def test_an_application_that_never_served_is_told_to_be_stopped(
    stage: Stage, browser: Browser
) -> None:
    await stage.declare(territory(application("new", "new.ville.localhost")))

    assert (await browser.get("new.ville.localhost")).status_code == 503


async def test_plain_http_leads_to_https_and_keeps_the_path(stage: Stage) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        origin = f"http://127.0.0.1:{stage.settings.http_port}"
        found = await client.get(f"{origin}/a?b=1", headers={"Host": f"{SITE}:8080"})
        wrong = await client.get(
            f"http://127.0.0.1:{stage.settings.https_port}/a", headers={"Host": SITE}
        )

    assert found.status_code == 308
    assert found.headers["location"] == f"https://{SITE}:{stage.settings.https_port}/a?b=1"
    assert wrong.status_code == 308
    assert wrong.headers["location"] == f"https://{SITE}:{stage.settings.https_port}/a"


async def test_aliases_and_redirects_lead_on(stage: Stage, browser: Browser) -> None:
    stage.files_of("site", {"plan.html": "plan"})
    redirects = {
        "/ancien": "/nouveau",
        "/Casse": "/casse",
        "/état": "/demarches?theme=etat",
        "/ailleurs": "https://autre.fr/x",
        "/A": "/grand",
        "/a": "/petit",
    }
    await stage.declare(
        territory(
            application("site", SITE, aliases=("vieux.ville.localhost",), redirects=redirects)
        )
    )

    async def location(path: str, host: str = SITE) -> str:
        found: str = (await browser.get(host, path)).headers.get("location", "")
        return found

    async def reloaded() -> bool:
        return await location("/ancien") != ""

    taken: bool = await eventually(reloaded)
    assert taken

    port = stage.settings.https_port
    assert await location("/x?y=1", "vieux.ville.localhost") == f"https://{SITE}:{port}/x?y=1"
    assert await location("/ancien?a=1&b=2") == "/nouveau?a=1&b=2"
    assert await location("/Casse") == "/casse"
    assert await location("/casse") == ""
    assert await location("/%C3%A9tat") == "/demarches?theme=etat"
    assert await location("/ailleurs") == "https://autre.fr/x"
    assert (await location("/A"), await location("/a")) == ("/grand", "/petit")


async def test_every_request_is_logged_as_json_without_what_its_query_holds(
    stage: Stage, browser: Browser, app: str
) -> None:
    log = stage.places.logs / "nginx" / "access.log"
    await browser.get(app, "/page?nom=Dupont", User_Agent='un "navigateur"')

    line = await eventually(lambda: "".join(filter(_PAGE.search, log.read_text().splitlines())))

    logged = msgspec.json.decode(line)
    assert (logged["host"], logged["method"], logged["status"]) == (app, "GET", 200)
    assert logged["user_agent"] == 'un "navigateur"'
    assert logged["remote_address"] == "127.0.0.1"
    assert logged["bytes"] > 0
    # nginx reads its clock once for each event: the two may differ by what one of them took.
    assert logged["request_s"] + 0.01 > float(logged["upstream_s"].split(", ")[-1]) >= 0
    assert "Dupont" not in log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives nginx a user of its own")
async def test_private_keys_are_for_nginx_alone(stage: Stage) -> None:
    keys = list(stage.places.certificates.glob("*.key"))

    assert {path.name for path in keys} == {"unknown.key", "ville.localhost.key"}
    assert {path.stat().st_mode & 0o777 for path in keys} == {0o640}
    assert {path.stat().st_uid for path in keys} == {210_002}
    assert stage.places.certificates.stat().st_mode & 0o777 == 0o700


async def test_a_client_of_tls_1_2_gets_a_cipher_with_forward_secrecy(stage: Stage) -> None:
    context = await stage.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=context, server_hostname=SITE
    )
    cipher = writer.get_extra_info("cipher")
    writer.close()

    assert cipher[0].startswith("ECDHE-ECDSA-")
