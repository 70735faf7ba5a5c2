"""Runs a command that listens on a TCP port and lets visitors reach it by a unix socket.

Runs inside the sandbox, whose network is its own: ``port_forwarder.py SOCKET PORT COMMAND...``.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
from types import FrameType

_BLOCK_BYTES = 65536
_WAIT_S = 0.5


def main() -> int:
    """Start the command, forward until it ends, return its status."""
    path, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    child = subprocess.Popen(command)

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    with socket.socket(socket.AF_UNIX) as listener:
        if os.path.exists(path):  # noqa: PTH110 - imports kept few: this runs beside each application
            os.unlink(path)  # noqa: PTH108
        listener.bind(path)
        listener.listen(128)
        _forward(listener, port, child)
    return child.returncode


def _forward(listener: socket.socket, port: int, child: "subprocess.Popen[bytes]") -> None:
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, None)
    while child.poll() is None:
        for key, _ in selector.select(_WAIT_S):
            if key.data is None:
                _accept(selector, listener, port)
            else:
                _carry(selector, key.data[0], key.data[1])


def _accept(selector: selectors.BaseSelector, listener: socket.socket, port: int) -> None:
    visitor, _ = listener.accept()
    try:
        server = socket.create_connection(("127.0.0.1", port), timeout=5)
    except OSError:
        visitor.close()
        return
    server.settimeout(None)
    selector.register(visitor, selectors.EVENT_READ, (visitor, server))
    selector.register(server, selectors.EVENT_READ, (server, visitor))


def _carry(selector: selectors.BaseSelector, source: socket.socket, target: socket.socket) -> None:
    try:
        block = source.recv(_BLOCK_BYTES)
        if block:
            target.sendall(block)
            return
        selector.unregister(source)
        target.shutdown(socket.SHUT_WR)
        if source.fileno() not in selector.get_map() and target.fileno() not in selector.get_map():
            source.close()
            target.close()
    except OSError:
        for end in (source, target):
            if end.fileno() in selector.get_map():
                selector.unregister(end)
            end.close()


if __name__ == "__main__":
    sys.exit(main())
