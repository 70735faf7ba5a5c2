"""Derive the site's public addresses from what the platform announces."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class PublicAddresses:
    """Where the visitors find this site."""

    url: str
    hostname: str
    port: int
    allowed_hosts: tuple[str, ...]
    trusted_origins: tuple[str, ...]


def public_addresses(environment: Mapping[str, str]) -> PublicAddresses:
    """Read ``BEFFROI_PUBLIC_URL`` and ``BEFFROI_HOSTS``.

    Args:
        environment: The process environment; both keys may be absent at build time.

    Returns:
        The addresses; ``https://localhost`` when nothing is announced.
    """
    url = environment.get("BEFFROI_PUBLIC_URL", "https://localhost").rstrip("/")
    parts = urlsplit(url)
    hostname = parts.hostname or "localhost"
    announced = environment.get("BEFFROI_HOSTS", hostname).split(",")
    hosts = tuple(dict.fromkeys([hostname, *(host.strip() for host in announced if host.strip())]))
    port_suffix = f":{parts.port}" if parts.port else ""
    return PublicAddresses(
        url=url,
        hostname=hostname,
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        allowed_hosts=hosts,
        trusted_origins=tuple(f"{parts.scheme}://{host}{port_suffix}" for host in hosts),
    )
