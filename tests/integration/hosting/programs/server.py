"""An application of the tests: answers on the socket it was given and tries what it is told."""

import http.server
import json
import os
import pathlib
import signal
import socketserver
import sys
import threading
import time
import traceback
import urllib.parse
from typing import Any


def tell(line: str) -> None:
    """Write to the log of the application."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    """``GET /`` tells the version; ``GET /slow?s=1`` waits; ``POST /try`` runs its body."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        wait = urllib.parse.parse_qs(query).get("s", ["0"])[0]
        time.sleep(float(wait))
        if path == "/exit":
            tell(f"leaving with {query}")
            os._exit(int(query or "3"))
        status = int(os.environ.get("STATUS", "200"))
        if status != 200:
            tell(f"answered {status}")
        self._answer(status, pathlib.Path("/app/version").read_text())

    def do_POST(self) -> None:
        code = self.rfile.read(int(self.headers["Content-Length"])).decode()
        found: dict[str, Any] = {}
        try:
            exec(code, found)  # noqa: S102 - the test asks what an application can reach
            answer = found.get("answer")
        except BaseException:  # noqa: BLE001 - told to the test
            answer = "FAILED " + traceback.format_exc()
        self._answer(200, json.dumps(answer, default=str))

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "visitor"


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread for each visitor."""

    daemon_threads = False
    request_queue_size = 50

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - as socketserver calls it
        tell("a visitor left")


class PortServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """The same on a port of the sandbox's own loopback."""

    allow_reuse_address = True
    request_queue_size = 50


def main() -> None:
    tell("starting " + pathlib.Path("/app/version").read_text().strip())
    time.sleep(float(os.environ.get("STARTS_AFTER_S", "0")))
    server: socketserver.BaseServer
    if "PORT" in os.environ:
        server = PortServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
    else:
        server = UnixServer(os.environ["SOCKET"], Handler)

    def stop(number: int, frame: object) -> None:  # noqa: ARG001 - as signals call it
        tell(f"asked to end by {number}")
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)
    server.server_close()


main()
