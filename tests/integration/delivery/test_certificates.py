"""Certificates from PostgreSQL to the handshake."""

import asyncio
import shutil
import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from beffroi.delivery.keys import checked_validity
from beffroi.delivery.model import CONSOLE, IssueCertificate
from beffroi.delivery.ports import Authority
from beffroi.engines.drivers import NginxBinary
from beffroi.engines.model import EngineState
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import FailedError
from beffroi.kernel.reconcile import Reconciler
from tests.integration.delivery.binaries import nginx_named
from tests.integration.delivery.stage import Stage
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually, scaled
from tests.unit.delivery.territories import application, territory

IPV6 = Path("/proc/net/if_inet6")
DOMAIN = "ville.localhost"
FIVE_DOMAINS = {f"c{number}": f"c{number}.ville.localhost" for number in range(4)}


async def serial_shown(stage: Stage, host: str) -> int:
    """Shake hands anew; return the certificate's serial number."""
    context = await stage.trusting()
    _, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=context, server_hostname=host
    )
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(shown).serial_number


async def serial_kept(stage: Stage, name: str) -> int:
    material = await stage.store.material(name)
    return x509.load_pem_x509_certificate(material.chain.encode()).serial_number


async def test_a_renewed_certificate_is_shown_without_a_reload(stage: Stage) -> None:
    first = await serial_shown(stage, f"console.{DOMAIN}")
    key = await stage.store.key(DOMAIN)

    renewal = IssueCertificate(DOMAIN, (DOMAIN, f"*.{DOMAIN}"), "local")
    await stage.controller.apply(renewal)
    await stage.controller.prepare()

    async def shown_by_every_worker() -> bool:
        shown = {await serial_shown(stage, f"console.{DOMAIN}") for _ in range(12)}
        return shown == {await serial_kept(stage, DOMAIN)} != {first}

    renewed: bool = await eventually(shown_by_every_worker, within_s=15)
    assert renewed
    assert await stage.store.key(DOMAIN) == key


async def test_no_handshake_fails_while_a_certificate_is_renewed(stage: Stage) -> None:
    renewal = IssueCertificate(DOMAIN, (DOMAIN, f"*.{DOMAIN}"), "local")
    serials = set()
    for _ in range(40):
        await stage.controller.apply(renewal)
        placing = asyncio.create_task(stage.controller.prepare())
        serials.add(await serial_shown(stage, f"console.{DOMAIN}"))
        await placing

    assert serials


async def test_missing_files_are_written_again_from_postgresql(stage: Stage) -> None:
    before = await serial_shown(stage, f"console.{DOMAIN}")
    for path in stage.places.certificates.iterdir():
        path.unlink()

    await stage.controller.prepare()

    assert await serial_shown(stage, f"console.{DOMAIN}") == before
    assert {path.name for path in stage.places.certificates.iterdir()} == {
        "unknown.crt",
        "unknown.key",
        f"{DOMAIN}.crt",
        f"{DOMAIN}.key",
    }


async def test_a_certificate_near_its_end_is_renewed_and_an_unwanted_one_removed(
    tmp_path: Path, database: Database
) -> None:
    clock = ManualClock()
    stage = Stage(tmp_path / "data", await nginx_named("system"), database, clock=clock)
    try:
        await stage.declare(territory(domains={"ville": "autre.localhost"}))
        born = await stage.store.certificates()
        await stage.declare(territory())
        assert "autre.localhost" in await stage.store.certificates()

        clock.move(timedelta(days=340).total_seconds())
        await stage.controller.prepare()
        renewed = await stage.store.certificates()
        assert renewed[DOMAIN].not_after > born[DOMAIN].not_after
        assert renewed["unknown"].not_after > born["unknown"].not_after
        assert "autre.localhost" in renewed

        clock.move(timedelta(days=26).total_seconds())
        await stage.controller.prepare()
        assert "autre.localhost" not in await stage.store.certificates()
        assert not list(stage.places.certificates.glob("autre*"))
    finally:
        await stage.stop()


async def test_the_first_start_with_five_domains_is_short(
    tmp_path: Path, binary: NginxBinary, database: Database
) -> None:
    stage = Stage(tmp_path / "data", binary, database)
    clock = SystemClock()
    stage.territory.held = territory(domains=FIVE_DOMAINS)
    try:
        started_s = clock.monotonic_s()
        await stage.controller.prepare()
        taken_s = clock.monotonic_s() - started_s

        assert len(await stage.store.certificates()) == 6
        assert stage.controller.plan(await stage.controller.observe()) == []
        assert taken_s < scaled(1)
    finally:
        await stage.stop()


async def test_a_second_start_changes_nothing(stage: Stage) -> None:
    serial = await serial_shown(stage, f"console.{DOMAIN}")

    again = await stage.controller.observe()

    assert stage.controller.plan(again) == []
    assert await serial_shown(stage, f"console.{DOMAIN}") == serial


async def test_the_reconciler_follows_the_territory(stage: Stage) -> None:
    reconciler = Reconciler("delivery", stage.controller, stage.clock)
    running = asyncio.create_task(reconciler.run())
    try:
        stage.files_of("site", {"index.html": "accueil"})
        stage.territory.held = territory(
            application("site", "site.autre.localhost"), domains={"ville": "autre.localhost"}
        )
        reconciler.wake()

        async def served() -> bool:
            try:
                async with stage.browser() as browser:
                    return (await browser.get("site.autre.localhost")).text == "accueil"
            except httpx.ConnectError:
                return False

        found: bool = await eventually(served, within_s=10)
        assert found
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_public_name_serves_under_a_local_certificate_until_it_has_its_own(
    stage: Stage,
) -> None:
    await stage.declare(
        territory(application("site", "www.lemans.fr"), domains={"ville": "lemans.fr"})
    )
    material = await stage.store.material("www.lemans.fr")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def shown() -> bool:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", stage.settings.https_port, ssl=context, server_hostname="www.lemans.fr"
        )
        found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return ssl.DER_cert_to_PEM_cert(found).strip() == material.chain.strip()

    placed: bool = await eventually(shown)
    assert placed


async def test_private_keys_lie_sealed_in_postgresql(stage: Stage, database: Database) -> None:
    key = await stage.store.key(DOMAIN)
    assert key is not None
    assert "PRIVATE KEY" in key.reveal()
    async with await database.dedicated() as connection:
        await connection.execute("select set_config('beffroi.everything', 'on', false)")
        cursor = await connection.execute("select sealed_key, chain from delivery.certificate")
        rows = await cursor.fetchall()

    assert len(rows) == 2
    assert all(b"PRIVATE" not in bytes(sealed) for sealed, _ in rows)


async def test_an_organisations_transaction_sees_no_certificate(
    stage: Stage, database: Database
) -> None:
    async with await database.dedicated() as connection:
        await connection.execute("select set_config('beffroi.organisation', 'ville', false)")
        cursor = await connection.execute("select count(*) from delivery.certificate")
        seen = await cursor.fetchone()

    assert seen == (0,)
    assert len(await stage.store.certificates()) == 2


async def test_a_chain_for_another_key_or_name_is_refused(stage: Stage) -> None:
    material = await stage.store.material(DOMAIN)
    other = await stage.store.key("unknown")
    assert other is not None

    with pytest.raises(FailedError) as raised:
        checked_validity(material.chain, (DOMAIN, f"*.{DOMAIN}"), other)
    assert raised.value.code == "delivery.chain_unfit"

    with pytest.raises(FailedError):
        checked_validity(material.chain, ("autre.localhost",), material.key)
    with pytest.raises(FailedError):
        checked_validity("no chain", (DOMAIN,), material.key)


async def test_two_authorities_made_at_once_are_one(stage: Stage) -> None:
    kept = await stage.store.authority()
    assert kept is not None

    again = await stage.store.keep_authority(Authority("another", kept.key))

    assert again.certificate == kept.certificate


async def test_without_its_sealing_key_the_platform_still_answers_visitors(
    tmp_path: Path, binary: NginxBinary, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first = Stage(tmp_path / "first", binary, database)
    await first.controller.prepare()
    shutil.rmtree(first.places.runtime)
    second = Stage(tmp_path / "second", binary, database)
    try:
        await second.controller.prepare()
        await second.engine.start()

        assert (await second.engine.status()).state is EngineState.ANSWERS
        assert second.routes.served() == {f"console.{DOMAIN}": CONSOLE}
        told = [record.getMessage() for record in caplog.records]
        assert any("sealing.key" in sentence for sentence in told)
        assert not any("BUG" in sentence for sentence in told)
    finally:
        await second.stop()


@pytest.mark.skipif(not IPV6.exists(), reason="this machine has no IPv6")
async def test_every_address_is_listened_on(
    tmp_path: Path, binary: NginxBinary, database: Database
) -> None:
    stage = Stage(tmp_path / "data", binary, database, addresses=("127.0.0.1", "::1"))
    try:
        await stage.controller.prepare()
        await stage.engine.start()
        context = await stage.trusting()
        for address in stage.settings.addresses:
            _, writer = await asyncio.open_connection(
                address,
                stage.settings.https_port,
                ssl=context,
                server_hostname=f"console.{DOMAIN}",
            )
            assert writer.get_extra_info("peername")[0] == address
            writer.close()
    finally:
        await stage.stop()
