"""What people ask of delivery."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509

from beffroi.delivery.model import PublishRoutes
from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.database import Database
from beffroi.kernel.errors import InvalidInputError, NotFoundError
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.integration.delivery.stage import Stage
from tests.unit.delivery.territories import application, territory

TWO_TOWNS = territory(
    application("site", "www.lemans.fr", "lemans.fr", organisation="lemans"),
    application("bus", "bus.ville.localhost", organisation="ville"),
    domains={"lemans": "lemans.fr", "ville": "ville.localhost"},
)


@pytest.fixture
async def unstarted(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    """A stage whose nginx does not run."""
    made = Stage(tmp_path / "data", NginxBinary(Path("/nonexistent/nginx"), (1, 22, 1)), database)
    yield made
    await made.stop()


async def test_sites_tell_their_addresses_and_certificates(stage: Stage) -> None:
    await stage.declare(TWO_TOWNS)

    bus, site = await stage.service.sites(PLATFORM)

    port = stage.settings.https_port
    assert [host.url for host in site.hosts] == [
        f"https://www.lemans.fr:{port}/",
        f"https://lemans.fr:{port}/",
    ]
    kept = await stage.store.certificates()
    assert bus.hosts[0].issuer == "local"
    assert bus.hosts[0].expires_at == kept["ville.localhost"].not_after
    assert site.hosts[1].expires_at == kept["lemans.fr"].not_after


async def test_before_its_certificate_a_site_has_no_issuer(unstarted: Stage) -> None:
    unstarted.territory.held = TWO_TOWNS

    found = await unstarted.service.sites(PLATFORM)

    assert {host.issuer for site in found for host in site.hosts} == {None}


async def test_a_town_sees_its_own_sites_alone(unstarted: Stage) -> None:
    unstarted.territory.held = TWO_TOWNS

    found = await unstarted.service.sites(Actor("agent", Role.MEMBER, "ville"))

    assert [site.application for site in found] == ["bus"]


async def test_addresses_are_told_by_application(unstarted: Stage) -> None:
    unstarted.territory.held = TWO_TOWNS
    port = unstarted.settings.https_port

    assert await unstarted.service.public_url("site") == f"https://www.lemans.fr:{port}/"
    assert unstarted.service.console_url() == f"https://console.ville.localhost:{port}/"
    with pytest.raises(NotFoundError) as raised:
        await unstarted.service.public_url("absent")
    assert "absent" in str(raised.value)


async def test_the_authority_is_made_at_its_first_use_and_stays(unstarted: Stage) -> None:
    first = await unstarted.service.authority_certificate()
    again = await unstarted.service.authority_certificate()

    assert first == again
    certificate = x509.load_pem_x509_certificate(first.encode())
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    permitted = constraints.value.permitted_subtrees
    assert permitted is not None
    assert {name.value for name in permitted} == {
        "localhost",
        "test",
        "internal",
        "lan",
        "home.arpa",
    }


async def test_a_host_too_long_for_a_socket_is_told_and_the_others_are_served(
    stage: Stage,
) -> None:
    long = f"{'x' * 60}.{'y' * 20}.ville.localhost"
    stage.files_of("site", {"index.html": "accueil"})
    await stage.declare(
        territory(application("long", long), application("site", "site.ville.localhost"))
    )

    with pytest.raises(InvalidInputError) as raised:
        await stage.controller.apply(PublishRoutes({long: "long", **stage.routes.served()}))
    assert long in str(raised.value)
    async with stage.browser() as browser:
        assert (await browser.get("site.ville.localhost")).text == "accueil"
