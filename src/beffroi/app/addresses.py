"""Which TCP ports the platform takes; the choice is kept, so that addresses stay."""

import errno
import socket
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from beffroi.app.settings import Settings
from beffroi.kernel.errors import ConflictError, InvalidInputError

_FILE = "ports.json"
_USUAL = ((80, 443), (8080, 8443))


class Ports(msgspec.Struct, frozen=True):
    """The port for HTTP and the one for HTTPS."""

    http: int
    https: int


def chosen_ports(settings: Settings, data: Path, *, nginx_runs: bool) -> Ports:
    """Choose the ports and keep the choice.

    Set ones are taken as they are. Otherwise those of the last start, then 80 and 443 where this
    user may listen there, then 8080 and 8443, then any that are free.

    Args:
        settings: May set either port.
        data: The data folder.
        nginx_runs: The ports kept are busy because our own nginx holds them.

    Raises:
        ConflictError: A port that was set is taken by another program, or is set for both.
        InvalidInputError: An address cannot be listened on at all.
    """
    path = data / _FILE
    kept = msgspec.json.decode(path.read_bytes(), type=Ports) if path.exists() else None
    ours = {kept.http, kept.https} if kept is not None and nginx_runs else set()
    candidates = [] if kept is None else [(kept.http, kept.https)]
    ports = _first_free([*candidates, *_USUAL], settings, ours)
    path.write_bytes(msgspec.json.encode(ports))
    return ports


def _first_free(
    candidates: Iterable[tuple[int, int]], settings: Settings, ours: AbstractSet[int]
) -> Ports:
    addresses = settings.listen_addresses
    for port in filter(None, (settings.http_port, settings.https_port)):
        if port not in ours and not _is_free(addresses, port):
            raise ConflictError("app.port_taken", port=port)
    if settings.http_port and settings.http_port == settings.https_port:
        raise ConflictError("app.ports_same", port=settings.http_port)
    for usual_http, usual_https in candidates:
        http, https = settings.http_port or usual_http, settings.https_port or usual_https
        if http != https and all(
            port in ours or _is_free(addresses, port) for port in (http, https)
        ):
            return Ports(http, https)
    http = settings.http_port or _any_free(addresses, settings.https_port)
    return Ports(http, settings.https_port or _any_free(addresses, http))


def _is_free(addresses: Iterable[str], port: int) -> bool:
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise InvalidInputError(
                "app.address_unusable", address=address, reason=error.strerror
            ) from error
    return True


def _any_free(addresses: Iterable[str], other: int) -> int:
    """Let the kernel draw ports until one is free on every address and not the other one."""
    while True:
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = int(trial.getsockname()[1])
        if port != other and _is_free(addresses, port):
            return port
