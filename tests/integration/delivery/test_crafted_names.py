"""Names that no honest browser sends: in the handshake, in the request, or in neither."""

import asyncio
import socket

import pytest
from cryptography.x509 import DNSName, SubjectAlternativeName
from OpenSSL import SSL

from tests.integration.delivery.stage import Browser, Stage
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application, territory

SITE = "site.ville.localhost"
_ANSWERS_IN_A_ROW = 20


@pytest.fixture(autouse=True)
async def declared(stage: Stage) -> None:
    """One site; a file outside of it that a crafted name might reach."""
    stage.files_of("site", {"index.html": "accueil"})
    (stage.places.targets / "www").mkdir()
    (stage.places.targets / "www" / "index.html").write_text("outside")
    (stage.places.data / "listen").mkdir()
    await stage.declare(
        territory(application("site", SITE, "www.lemans.fr"), domains={"ville": "lemans.fr"})
    )

    def left_to_new_workers() -> bool:
        """Earlier workers of nginx go on accepting until they are told to end."""
        return all(
            names_in_certificate(stage, b"www.lemans.fr") == ["www.lemans.fr"]
            for _ in range(_ANSWERS_IN_A_ROW)
        )

    assert await eventually(left_to_new_workers)


async def answer_of(stage: Stage, request: str) -> tuple[int, bytes]:
    """Send text as it is over TLS; return the status and the whole answer."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=await stage.trusting(), server_hostname=SITE
    )
    return await _exchanged(reader, writer, request)


async def plain_answer_of(stage: Stage, request: str) -> tuple[int, bytes]:
    """Send text as it is without TLS."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.settings.http_port)
    return await _exchanged(reader, writer, request)


async def _exchanged(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str
) -> tuple[int, bytes]:
    writer.write(request.encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


CRAFTED = (
    "..",
    "../targets",
    "..%2ftargets",
    "../../data",
    "a/../..",
    "/",
    ".",
    ".new",
    "a..b",
    "_",
    "a_b.ville.localhost",
    "-",
    "[::1]",
    "[..]",
    "127.0.0.1",
    "x" * 300,
    "a" * 60 + ".ville.localhost",
    "site.ville.localhost\\x",
    "site.ville.localhost$host",
    "${pages}",
    "",
)
SAME = ("SITE.Ville.LocalHost", f"{SITE}.", f"{SITE}:1", f"{SITE}.:443", SITE.upper())


async def test_a_crafted_host_finds_nothing(stage: Stage) -> None:
    for host in CRAFTED:
        request = f"GET /index.html HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        status, answer = await answer_of(stage, request)
        plain_status, plain_answer = await plain_answer_of(stage, request)

        assert status in {400, 404}, host
        assert plain_status in {308, 400}, host
        assert b"outside" not in answer + plain_answer
        assert b"nginx/" not in answer + plain_answer


async def test_a_name_written_otherwise_is_the_same_name(browser: Browser) -> None:
    found = {host: (await browser.ask("GET", host, name=SITE)).text for host in SAME}

    assert found == dict.fromkeys(SAME, "accueil")


async def test_a_request_without_a_host_is_refused(stage: Stage) -> None:
    status, answer = await answer_of(stage, "GET / HTTP/1.0\r\n\r\n")
    plain_status, _ = await plain_answer_of(stage, "GET / HTTP/1.0\r\n\r\n")

    assert (status, plain_status) == (404, 400)
    assert b"outside" not in answer


async def test_the_path_cannot_climb_out_either(stage: Stage) -> None:
    for path in (
        "/../../targets/www/index.html",
        "//..//..//targets",
        "/%2e%2e/%2e%2e/targets/www/",
    ):
        request = f"GET {path} HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n"
        status, answer = await answer_of(stage, request)
        assert status in {400, 404}
        assert b"outside" not in answer


async def test_the_host_decides_where_the_handshake_named_another(browser: Browser) -> None:
    found = await browser.ask("GET", SITE, name="console.ville.localhost")

    assert (found.status_code, found.text) == (200, "accueil")


def names_in_certificate(stage: Stage, name: bytes | None) -> list[str]:
    """Shake hands under a name given as bytes; return whom the certificate is for."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    with socket.create_connection(("127.0.0.1", stage.settings.https_port), timeout=5) as plain:
        plain.settimeout(None)
        connection = SSL.Connection(context, plain)
        connection.set_connect_state()
        if name is not None:
            connection.set_tlsext_host_name(name)
        connection.do_handshake()
        shown = connection.get_peer_certificate()
    assert shown is not None
    told = shown.to_cryptography().extensions.get_extension_for_class(SubjectAlternativeName)
    return told.value.get_values_for_type(DNSName)


SHOWN = {
    None: "unknown.invalid",
    b"nobody.example": "unknown.invalid",
    b"../../etc/x": "unknown.invalid",
    b"../certificates/www.lemans.fr": "unknown.invalid",
    b"x/../www.lemans.fr": "unknown.invalid",
    b"WWW.LEMANS.FR": "unknown.invalid",
    b"www.lemans.fr": "www.lemans.fr",
    b"Site.VILLE.localhost": "ville.localhost",
    b"x" * 250: "unknown.invalid",
    b"a_b.ville.localhost": "ville.localhost",
}


async def test_a_handshake_never_reads_a_file_elsewhere(stage: Stage) -> None:
    found = {
        name: (await asyncio.to_thread(names_in_certificate, stage, name))[0] for name in SHOWN
    }

    assert found == SHOWN


async def test_a_public_name_that_is_not_hosted_ends_the_handshake_alone(
    stage: Stage, browser: Browser
) -> None:
    with pytest.raises(SSL.Error):
        await asyncio.to_thread(names_in_certificate, stage, b"absent.lemans.fr")

    assert (await browser.get(SITE)).status_code == 200
