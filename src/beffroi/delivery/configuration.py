"""nginx's configuration: a value in, its text out.

A change of applications' folders or of host names below known domains changes none of it.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec

from beffroi.delivery.header_sets import NumberedSet, nginx_value
from beffroi.delivery.model import DeliverySettings, Naming, Redirect, Wanted, is_local
from beffroi.delivery.page_configuration import hosts_of, limit_zones, page_store_values
from beffroi.delivery.rendering import rendered

_DOOR_REQUESTS_PER_S: Final = 5_000
"""That one address may send to the exchange's door."""
# The kernel takes 107 characters for a socket's path; nginx enters the folder of the routes, so
# that only "<host>/listen/http.sock" counts.
HOST_MOST_CHARACTERS: Final = 107 - len("/listen/http.sock")
_HTTP2_DIRECTIVE_SINCE: Final = (1, 25, 1)
_CERTIFICATE_CACHE_SINCE: Final = (1, 27, 4)
_HASH_ENTRY_OVERHEAD: Final = 64
_HASH_BUCKET_LEAST: Final = 128
_HASH_SIZE_LEAST: Final = 2048


class WebServer(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration takes from the machine.

    Attributes:
        version: nginx's version, as numbers.
        folder: Where nginx keeps its process file and temporary files.
        open_files: How many files and connections each worker may hold.
    """

    version: tuple[int, ...]
    folder: Path
    status_socket: Path
    access_log: Path
    routes: Path
    certificates: Path
    pages: Path
    webroot: Path
    store: Path
    results: Path
    filler_socket: Path
    direct_socket: Path
    door_socket: Path
    workers: int
    open_files: int


def configuration_text(
    server: WebServer,
    settings: DeliverySettings,
    wanted: Wanted,
    header_sets: Sequence[NumberedSet] = (),
) -> str:
    """Write the whole configuration."""
    exact, by_case = _redirect_keys(wanted.redirects)
    store = page_store_values(wanted.applications, header_sets, [settings.console_host])
    zones = limit_zones(wanted.applications)
    keys = [
        *wanted.aliases,
        *store["plain_hosts"],
        *store["cookie_rules"],
        *hosts_of(zones),
        *exact,
        *_patterns(wanted.naming),
        *wanted.naming.single_hosts,
    ]
    return rendered(
        "nginx.conf.j2",
        server=server,
        q=_quoted,
        nginx_value=nginx_value,
        store=store,
        limits={"zones": zones, "door_rate": _DOOR_REQUESTS_PER_S},
        listens=[_listen(address, settings.https_port) for address in settings.addresses],
        plain_listens=[_listen(address, settings.http_port) for address in settings.addresses],
        http2_by_directive=server.version >= _HTTP2_DIRECTIVE_SINCE,
        certificate_cache=server.version >= _CERTIFICATE_CACHE_SINCE,
        suffix=settings.port_suffix,
        exchange_sockets=settings.exchange_sockets,
        console_host=settings.console_host,
        naming=wanted.naming,
        strict_transport=_strict_names(settings, wanted.naming),
        aliases=wanted.aliases,
        redirects=exact,
        redirects_by_case=by_case,
        bucket_size=_bucket_size(keys),
        hash_size=_power_of_two(max(_HASH_SIZE_LEAST, 2 * len(keys))),
    )


def _listen(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _patterns(naming: Naming) -> list[str]:
    return [f".{domain}" for domain in (*naming.wildcard_domains, *naming.public_domains)]


def _strict_names(settings: DeliverySettings, naming: Naming) -> Sequence[str]:
    """Return the names whose browsers may be told to insist on a trusted certificate."""
    if settings.acme is None or settings.port_suffix:
        return ()
    singles = (host for host in naming.single_hosts if not is_local(host))
    return [*(f".{domain}" for domain in naming.public_domains), *singles]


def _redirect_keys(redirects: Iterable[Redirect]) -> tuple[dict[str, str], dict[str, str]]:
    """Sort redirects into those found by hash and those that need their own pattern.

    nginx looks names up without regard to case, and paths have case: an entry is confirmed by a
    comparison, and entries that differ by case alone become patterns.

    Returns:
        The target of each host and path, and the target of each pattern.
    """
    entries = sorted(
        ((f"{one.host}{unquote(one.path)}", _target(one.target)) for one in redirects),
        key=lambda entry: (entry[0].lower(), entry[0]),
    )
    exact: dict[str, str] = {}
    by_case: dict[str, str] = {}
    for _, group in groupby(entries, key=lambda entry: entry[0].lower()):
        alike = dict(group)
        if len(alike) == 1:
            exact.update(alike)
        else:
            by_case.update({f"~^{re.escape(key)} $": target for key, target in alike.items()})
    return exact, by_case


def _target(target: str) -> str:
    return target if "?" in target or "#" in target else f"{target}$is_args$args"


def _bucket_size(keys: Iterable[str]) -> int:
    longest = max(chain((0,), (len(key.encode()) for key in keys)))
    return _power_of_two(max(_HASH_BUCKET_LEAST, longest + _HASH_ENTRY_OVERHEAD))


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
