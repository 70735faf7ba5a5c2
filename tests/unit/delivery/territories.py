"""Small territories for the tests of delivery."""

from collections.abc import Mapping

from beffroi.delivery.model import AcmeSettings, DeliverySettings
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    Organisation,
    Source,
    Territory,
    VisitorLimits,
)

DIRECTORY = "https://acme.example/directory"
LOCAL = DeliverySettings(
    addresses=("127.0.0.1",), http_port=80, https_port=443, console_host="console.ville.localhost"
)
WITH_ACME = DeliverySettings(
    addresses=("127.0.0.1", "::1"),
    http_port=80,
    https_port=443,
    console_host="console.ville.localhost",
    acme=AcmeSettings(directory=DIRECTORY),
)


def application(
    name: str,
    *hosts: str,
    organisation: str = "ville",
    aliases: tuple[str, ...] = (),
    redirects: Mapping[str, str] | None = None,
    visitors: VisitorLimits | None = None,
) -> Application:
    """Declare a static application; the first host is canonical."""
    return Application(
        name=name,
        organisation=organisation,
        title=name.title(),
        kind=ApplicationKind.STATIC,
        source=Source(folder="/tmp"),
        hosts=hosts,
        aliases=aliases,
        redirects=redirects or {},
        visitors=visitors or VisitorLimits(),
    )


def territory(
    *applications: Application,
    domain: str = "ville.localhost",
    domains: Mapping[str, str] | None = None,
) -> Territory:
    """Declare a territory; ``domains`` gives each organisation its own."""
    owned = domains or {"ville": domain}
    return Territory(
        name="ville",
        title="Ville",
        domain=domain,
        organisations={
            name: Organisation(name=name, title=name.title(), domain=own)
            for name, own in owned.items()
        },
        applications={one.name: one for one in applications},
    )
