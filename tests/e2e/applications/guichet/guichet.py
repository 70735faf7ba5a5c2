"""A counter that does what it is told over HTTP, good or bad; Python's own library alone.

``edition.txt`` names the release; ``mood.txt`` says how it behaves from its start.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from urllib.parse import parse_qs, urlsplit

_HERE = Path(__file__).parent
_EDITION = (_HERE / "edition.txt").read_text().strip()
_MOOD = (_HERE / "mood.txt").read_text().strip()
_SILENCES_S = {"late": 2, "mute": 3600}
_MIB = 1024 * 1024
_kept: list[bytes] = []


def eat_memory() -> None:
    """Take memory until somebody says no."""
    while True:
        _kept.append(b"x" * 8 * _MIB)


def fork_without_end() -> None:
    """Make processes that make processes, and outlive every refusal."""
    while True:
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)


def tried(attempt: Callable[[], str]) -> dict[str, str]:
    """Tell what an attempt gave, or why it was refused."""
    try:
        return {"got": attempt()}
    except (OSError, UnicodeDecodeError) as error:
        return {"refused": type(error).__name__}


def read(path: str) -> str:
    """Read a file, or list a folder."""
    found = Path(path)
    if found.is_dir():
        return " ".join(sorted(entry.name for entry in found.iterdir()))
    return found.read_text()


def connect(path: str) -> str:
    """Connect to a socket of the machine."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        client.connect(path)
    return "connected"


def dial(address: str) -> str:
    """Connect to a TCP port."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=2):
        return "connected"


def write(given: dict[str, str]) -> str:
    """Keep a text on the volume."""
    path = Path("/volumes/dossiers", given["name"])
    path.write_text(given["text"])
    return path.read_text()


class Counter(BaseHTTPRequestHandler):
    """Answers one visitor."""

    def do_GET(self) -> None:
        """Do what the path says."""
        split = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(split.query).items()}
        verbs: dict[str, Callable[[], object]] = {
            "/crash": lambda: os._exit(3),
            "/eat": eat_memory,
            "/fork": fork_without_end,
            "/read": lambda: tried(lambda: read(given["path"])),
            "/connect": lambda: tried(lambda: connect(given["path"])),
            "/dial": lambda: tried(lambda: dial(given["address"])),
            "/write": lambda: tried(lambda: write(given)),
            "/sleep": lambda: time.sleep(float(given["s"])),
            "/environment": lambda: dict(os.environ),
        }
        told = verbs.get(split.path, lambda: f"guichet {_EDITION}")()
        status = 503 if _MOOD == "sick" else 200
        self._answer(status, json.dumps(told).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """Name the visitor: a unix socket has no address."""
        return "visitor"


class Server(ThreadingMixIn, UnixStreamServer):
    """One thread per visitor."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Behave as the mood says, then serve."""
    print(f"guichet {_EDITION} starts, {_MOOD}", flush=True)  # noqa: T201 - its log
    if _MOOD == "broken":
        sys.exit("the guichet lost its key")
    if _MOOD == "hungry":
        eat_memory()
    if _MOOD == "rabbit":
        fork_without_end()
    if _MOOD == "sly":
        Path(os.environ["SOCKET"]).symlink_to((_HERE / "target.txt").read_text())
        time.sleep(3600)
    if _MOOD in _SILENCES_S:
        time.sleep(_SILENCES_S[_MOOD])
    with Server(os.environ["SOCKET"], Counter) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
