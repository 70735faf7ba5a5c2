"""Certificates by ACME, from the territory to the handshake, and what goes wrong."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509

from beffroi.delivery.certificate_files import challenge_webroot
from beffroi.delivery.drivers import AcmeIssuer
from beffroi.delivery.keys import new_key
from beffroi.delivery.model import LOCAL_ISSUER, AcmeSettings
from beffroi.engines.drivers import found_nginx
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import FailedError, UnavailableError
from beffroi.kernel.reconcile import Reconciler
from tests.contract.delivery.pebble import running_pebble
from tests.integration.delivery.stage import Stage, free_port
from tests.support.waiting import eventually
from tests.unit.delivery.territories import application, territory

HOST = "www.lemans.fr"


@pytest.fixture
async def bare(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    """A stage whose nginx does not run."""
    made = Stage(tmp_path / "data", await found_nginx(), database)
    yield made
    await made.stop()


def issuer_of(stage: Stage, settings: AcmeSettings, deadline_s: float = 60) -> AcmeIssuer:
    webroot = challenge_webroot(stage.places)
    return AcmeIssuer(settings, stage.store, webroot, SystemClock(), deadline_s=deadline_s)


async def issuer_shown(stage: Stage) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=context, server_hostname=HOST
    )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).issuer.rfc4514_string()


@pytest.mark.system
async def test_a_public_host_first_serves_then_gets_its_public_certificate(
    tmp_path: Path, bare: Stage, database: Database
) -> None:
    port = free_port()
    async with running_pebble(tmp_path, bare, bare.authority, checked_port=port) as acme:
        stage = Stage(tmp_path / "data", await found_nginx(), database, acme=acme, http_port=port)
        stage.files_of("site", {"index.html": "accueil"})
        stage.territory.held = territory(application("site", HOST), domains={"ville": "lemans.fr"})
        try:
            await stage.controller.prepare()
            await stage.engine.start()
            assert "beffroi local authority" in await issuer_shown(stage)
            key = await stage.store.key(HOST)

            reconciler = Reconciler("delivery", stage.controller, stage.clock)
            running = asyncio.create_task(reconciler.run())

            async def public() -> bool:
                return "Pebble" in await issuer_shown(stage)

            reached: bool = await eventually(public, within_s=40)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

            assert reached
            kept = (await stage.store.certificates())[HOST]
            assert kept.issuer == acme.directory
            assert await stage.store.key(HOST) == key
            assert not list(challenge_webroot(stage.places).rglob("*/acme-challenge/*"))
            local = await stage.store.certificates()
            assert local["ville.localhost"].issuer == LOCAL_ISSUER
        finally:
            await stage.stop()


@pytest.mark.system
async def test_an_account_is_found_again_by_its_key(tmp_path: Path, stage: Stage) -> None:
    async with running_pebble(tmp_path, stage, stage.authority) as acme:
        await issuer_of(stage, acme).issue((HOST,), new_key())
        first = await stage.store.account_key(acme.directory)
        await issuer_of(stage, acme).issue((HOST,), new_key())

        assert first is not None
        assert await stage.store.account_key(acme.directory) == first


@pytest.mark.system
async def test_the_directorys_own_words_tell_why_a_name_is_not_proven(
    tmp_path: Path, stage: Stage
) -> None:
    nobody = free_port()
    async with running_pebble(tmp_path, stage, stage.authority, checked_port=nobody) as acme:
        with pytest.raises(FailedError) as raised:
            await issuer_of(stage, acme).issue((HOST,), new_key())

    assert raised.value.code == "delivery.acme_not_proven"
    assert HOST in str(raised.value)
    assert "connection refused" in str(raised.value)


@pytest.mark.system
async def test_the_directorys_own_words_tell_why_it_refuses(tmp_path: Path, stage: Stage) -> None:
    async with running_pebble(tmp_path, stage, stage.authority) as acme:
        with pytest.raises(FailedError) as raised:
            await issuer_of(stage, acme).issue(("not a name.fr",), new_key())

    assert raised.value.code == "delivery.acme_refused"
    assert "character" in str(raised.value)


@pytest.mark.system
async def test_a_directory_whose_own_certificate_is_not_trusted_is_unreachable(
    tmp_path: Path, stage: Stage
) -> None:
    async with running_pebble(tmp_path, stage, stage.authority) as acme:
        strict = msgspec.structs.replace(acme, ca_bundle=None)
        with pytest.raises(UnavailableError) as raised:
            await issuer_of(stage, strict).issue((HOST,), new_key())

    assert raised.value.code == "delivery.acme_unreachable"
    assert "certificate verify failed" in str(raised.value)


async def test_a_directory_that_is_not_there_is_unreachable(bare: Stage) -> None:
    settings = AcmeSettings(directory=f"https://localhost:{free_port()}/dir")

    with pytest.raises(UnavailableError) as raised:
        await issuer_of(bare, settings).issue((HOST,), new_key())

    assert raised.value.code == "delivery.acme_unreachable"
    assert settings.directory in str(raised.value)


async def test_a_directory_that_never_answers_has_a_deadline(bare: Stage) -> None:
    held: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = AcmeSettings(directory=f"https://127.0.0.1:{port}/")
    async with server:
        with pytest.raises(UnavailableError) as raised:
            await issuer_of(bare, settings, deadline_s=0.3).issue((HOST,), new_key())
        for writer in held:
            writer.close()
            await writer.wait_closed()

    assert raised.value.code == "delivery.acme_late"


async def test_an_address_that_is_no_directory_is_told(bare: Stage) -> None:
    async def something_else(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(something_else, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    settings = AcmeSettings(directory=f"http://127.0.0.1:{port}/")
    async with server:
        with pytest.raises(UnavailableError) as raised:
            await issuer_of(bare, settings).issue((HOST,), new_key())

    assert "no ACME directory" in str(raised.value)
