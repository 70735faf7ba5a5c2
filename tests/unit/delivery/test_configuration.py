"""nginx's configuration as text."""

from pathlib import Path

import msgspec
import pytest

from beffroi.delivery.configuration import WebServer, configuration_text
from beffroi.delivery.model import DeliverySettings, wanted_state
from beffroi.territory.model import Territory
from tests.unit.delivery.territories import LOCAL, WITH_ACME, application, territory

SERVER = WebServer(
    version=(1, 22, 1),
    folder=Path("/data/engines/nginx"),
    status_socket=Path("/run/b/nginx/status.sock"),
    access_log=Path("/data/logs/nginx/access.log"),
    routes=Path("/data/routes"),
    certificates=Path("/data/certificates"),
    pages=Path("/data/pages"),
    webroot=Path("/data/pages/challenges"),
    store=Path("/data/store"),
    results=Path("/data/results"),
    filler_socket=Path("/run/b/filler/filler.sock"),
    direct_socket=Path("/run/b/nginx/direct.sock"),
    door_socket=Path("/run/b/door/purge.sock"),
    workers=2,
    open_files=8192,
)


def text_of(
    asked: Territory, settings: DeliverySettings = LOCAL, version: tuple[int, ...] = (1, 22, 1)
) -> str:
    server = msgspec.structs.replace(SERVER, version=version)
    return configuration_text(server, settings, wanted_state(asked, settings))


def lines_of(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def test_adding_a_site_below_known_domains_changes_nothing() -> None:
    before = territory(application("a", "a.ville.localhost"), application("w", "www.lemans.fr"))
    after = territory(
        *before.applications.values(),
        application("b", "b.ville.localhost"),
        application("x", "x.lemans.fr"),
        domains={"ville": "lemans.fr"},
    )
    before = msgspec.structs.replace(before, organisations=after.organisations)

    assert text_of(before, WITH_ACME) == text_of(after, WITH_ACME)


def test_a_new_domain_an_alias_and_a_redirect_each_change_it() -> None:
    plain = text_of(territory(application("a", "a.ville.localhost")))
    others = [
        territory(application("a", "a.ville.localhost"), domains={"ville": "autre.localhost"}),
        territory(application("a", "a.ville.localhost", aliases=("b.ville.localhost",))),
        territory(application("a", "a.ville.localhost", redirects={"/x": "/y"})),
    ]

    texts = {plain, *map(text_of, others)}

    assert len(texts) == 4


def test_http2_is_asked_as_each_version_wants_it() -> None:
    old = lines_of(text_of(territory(), version=(1, 22, 1)))
    new = lines_of(text_of(territory(), version=(1, 31, 3)))

    assert "listen 127.0.0.1:443 ssl http2 default_server;" in old
    assert "http2 on;" not in old
    assert "listen 127.0.0.1:443 ssl default_server;" in new
    assert "http2 on;" in new


def test_certificates_are_cached_where_nginx_can() -> None:
    versions = ((1, 22, 1), (1, 27, 3), (1, 27, 4), (1, 31, 3))

    cached = ["ssl_certificate_cache" in text_of(territory(), version=one) for one in versions]

    assert cached == [False, False, True, True]


def test_every_address_is_listened_on_with_both_ports() -> None:
    found = lines_of(text_of(territory(), WITH_ACME))

    assert {"listen 127.0.0.1:80 default_server;", "listen [::1]:80 default_server;"} <= found
    assert "listen [::1]:443 ssl http2 default_server;" in found


def test_strict_transport_is_told_on_public_names_alone() -> None:
    asked = territory(
        application("a", "www.lemans.fr", "autre.fr", "a.b.ville.localhost"),
        domains={"ville": "lemans.fr"},
    )

    found = [line for line in lines_of(text_of(asked, WITH_ACME)) if "max-age=31536000" in line]

    assert sorted(found) == [
        '"~*[.-][0-9a-f]{8,}\\.[a-z0-9]+$" "public, max-age=31536000, immutable";',
        '.lemans.fr "max-age=31536000";',
        'add_header CDN-Cache-Control "max-age=31536000";',
        'autre.fr "max-age=31536000";',
    ]


@pytest.mark.parametrize("settings", [LOCAL, msgspec.structs.replace(WITH_ACME, https_port=8443)])
def test_strict_transport_is_not_told_where_it_would_lock_visitors_out(
    settings: DeliverySettings,
) -> None:
    asked = territory(application("a", "www.lemans.fr"), domains={"ville": "lemans.fr"})

    assert 'fr "max-age=31536000"' not in text_of(asked, settings)


def test_redirects_that_differ_by_case_alone_become_patterns() -> None:
    redirects = {"/Plan": "/a", "/plan": "/b", "/autre": "/c"}

    found = lines_of(text_of(territory(application("a", "a.ville.localhost", redirects=redirects))))

    assert r'"~^a\\.ville\\.localhost/Plan $" "/a$is_args$args";' in found
    assert r'"~^a\\.ville\\.localhost/plan $" "/b$is_args$args";' in found
    assert '"a.ville.localhost/autre" "/c$is_args$args";' in found
    assert '"a.ville.localhost/plan" "/b$is_args$args";' not in found


def test_a_redirects_percent_signs_are_read_and_its_target_keeps_its_own_query() -> None:
    redirects = {"/%C3%A9tat%20civil": "/demarches?theme=etat-civil"}

    text = text_of(territory(application("a", "a.ville.localhost", redirects=redirects)))

    assert '"a.ville.localhost/état civil" "/demarches?theme=etat-civil";' in lines_of(text)


def test_a_long_redirect_gets_a_wide_enough_table() -> None:
    redirects = {"/" + "x" * 2000: "/y"}

    found = lines_of(text_of(territory(application("a", "a.ville.localhost", redirects=redirects))))

    assert "map_hash_bucket_size 4096;" in found


def test_what_would_end_a_quoted_value_is_escaped() -> None:
    redirects = {"/a%22%20evil%3B%5C": "/y"}

    text = text_of(territory(application("a", "a.ville.localhost", redirects=redirects)))

    assert r'"a.ville.localhost/a\" evil;\\" "/y$is_args$args";' in lines_of(text)
