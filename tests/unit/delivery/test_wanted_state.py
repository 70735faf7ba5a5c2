"""What a territory asks of delivery."""

import pytest

from beffroi.delivery.model import (
    CONSOLE,
    LOCAL_ISSUER,
    UNKNOWN,
    Redirect,
    certificate_name,
    is_local,
    wanted_state,
)
from tests.unit.delivery.territories import DIRECTORY, LOCAL, WITH_ACME, application, territory


def test_every_host_leads_to_its_application_and_the_console_to_the_platform() -> None:
    wanted = wanted_state(
        territory(application("site", "www.ville.localhost", "ville.localhost")), LOCAL
    )

    assert wanted.routes == {
        "console.ville.localhost": CONSOLE,
        "ville.localhost": "site",
        "www.ville.localhost": "site",
    }


def test_the_consoles_name_can_be_no_applications_name() -> None:
    wanted = wanted_state(territory(application("console", "c.ville.localhost")), LOCAL)

    assert wanted.routes["console.ville.localhost"] != wanted.routes["c.ville.localhost"]


def test_one_wildcard_answers_for_every_host_of_a_local_domain() -> None:
    wanted = wanted_state(
        territory(
            *(application(f"a{number}", f"a{number}.ville.localhost") for number in range(20))
        ),
        LOCAL,
    )

    assert set(wanted.certificates) == {UNKNOWN, "ville.localhost"}
    assert wanted.certificates["ville.localhost"].names == ("ville.localhost", "*.ville.localhost")


def test_a_host_two_labels_below_a_local_domain_has_its_own_certificate() -> None:
    wanted = wanted_state(territory(application("deep", "a.b.ville.localhost")), LOCAL)

    assert wanted.certificates["a.b.ville.localhost"].names == ("a.b.ville.localhost",)
    assert wanted.naming.single_hosts == ("a.b.ville.localhost",)


def test_no_wildcard_is_asked_right_below_a_name_of_one_label() -> None:
    wanted = wanted_state(territory(application("bus", "bus.localhost"), domain="localhost"), LOCAL)

    assert "localhost" not in wanted.certificates
    assert wanted.certificates["bus.localhost"].names == ("bus.localhost",)


def test_a_public_host_is_asked_of_the_public_authority_and_a_local_one_never() -> None:
    wanted = wanted_state(
        territory(
            application("site", "www.lemans.fr", "lemans.fr", aliases=("lemans.example",)),
            application("tool", "tool.ville.localhost"),
            domains={"ville": "lemans.fr"},
        ),
        WITH_ACME,
    )

    issuers = {name: certificate.issuer for name, certificate in wanted.certificates.items()}
    assert issuers == {
        UNKNOWN: LOCAL_ISSUER,
        "ville.localhost": LOCAL_ISSUER,
        "lemans.fr": DIRECTORY,
        "www.lemans.fr": DIRECTORY,
        "lemans.example": DIRECTORY,
    }
    assert wanted.naming.public_domains == ("lemans.fr",)
    assert wanted.naming.single_hosts == ("lemans.example",)


def test_without_a_public_authority_every_certificate_is_local() -> None:
    wanted = wanted_state(
        territory(application("site", "www.lemans.fr"), domains={"ville": "lemans.fr"}), LOCAL
    )

    assert {certificate.issuer for certificate in wanted.certificates.values()} == {LOCAL_ISSUER}


def test_aliases_lead_to_the_canonical_host_and_redirects_hold_on_every_host() -> None:
    wanted = wanted_state(
        territory(
            application(
                "site",
                "www.ville.localhost",
                "ville.localhost",
                aliases=("old.ville.localhost",),
                redirects={"/plan": "/carte"},
            )
        ),
        LOCAL,
    )

    assert wanted.aliases == {"old.ville.localhost": "www.ville.localhost"}
    assert wanted.redirects == (
        Redirect("ville.localhost", "/plan", "/carte"),
        Redirect("www.ville.localhost", "/plan", "/carte"),
    )


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.ville.localhost", "ville.localhost"),
        ("ville.localhost", "ville.localhost"),
        ("a.b.ville.localhost", "a.b.ville.localhost"),
        ("www.lemans.fr", "www.lemans.fr"),
    ],
)
def test_the_certificate_of_a_host_is_named(host: str, name: str) -> None:
    naming = wanted_state(territory(), LOCAL).naming

    assert certificate_name(host, naming) == name


@pytest.mark.parametrize("name", ["localhost", "a.test", "a.b.internal", "nas.lan", "x.home.arpa"])
def test_a_name_that_no_public_server_knows_is_local(name: str) -> None:
    assert is_local(name)


@pytest.mark.parametrize("name", ["lemans.fr", "mylocalhost", "test.fr", "arpa", "a.internal.fr"])
def test_a_name_that_only_looks_local_is_public(name: str) -> None:
    assert not is_local(name)


def test_an_address_shows_a_port_only_where_it_is_not_the_usual_one() -> None:
    assert LOCAL.url("a.fr") == "https://a.fr/"
    assert WITH_ACME.port_suffix == ""
