"""Which TCP ports the platform takes; the choice is kept, so that addresses stay."""

import errno
import socket
from collections.abc import Iterable
from pathlib import Path

import msgspec

from beffroi.app.settings import Settings
from beffroi.kernel.errors import ConflictError

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
        ConflictError: A port that was set is taken by another program.
    """
    path = data / _FILE
    kept = msgspec.json.decode(path.read_bytes(), type=Ports) if path.exists() else None
    if kept is not None and nginx_runs and _agrees(kept, settings):
        return kept
    candidates = [] if kept is None else [(kept.http, kept.https)]
    ports = _first_free([*candidates, *_USUAL], settings)
    path.write_bytes(msgspec.json.encode(ports))
    return ports


def _agrees(kept: Ports, settings: Settings) -> bool:
    return settings.http_port in (0, kept.http) and settings.https_port in (0, kept.https)


def _first_free(candidates: Iterable[tuple[int, int]], settings: Settings) -> Ports:
    addresses = settings.listen_addresses
    for port in filter(None, (settings.http_port, settings.https_port)):
        if not _is_free(addresses, port):
            raise ConflictError("app.port_taken", port=port)
    for usual_http, usual_https in candidates:
        http, https = settings.http_port or usual_http, settings.https_port or usual_https
        if _is_free(addresses, http) and _is_free(addresses, https):
            return Ports(http, https)
    return Ports(settings.http_port or _any_free(), settings.https_port or _any_free())


def _is_free(addresses: Iterable[str], port: int) -> bool:
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((address, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    return False
                raise
    return True


def _any_free() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
