"""Runs a command that listens on a TCP port and lets visitors reach it by a unix socket.

Runs inside the sandbox, whose network is its own: ``port_forwarder.py SOCKET PORT COMMAND...``.
One thread carries every conversation; none waits for the reader of another.
"""

import os
import selectors
import signal
import socket
import subprocess
import sys
from types import FrameType

_BLOCK_BYTES = 65536


class _Way:
    """One direction of a conversation: at most one block is read and not yet written."""

    def __init__(self, source: socket.socket, target: socket.socket) -> None:
        self.source = source
        self.target = target
        self.pending = b""
        self.ended = False

    def read(self) -> None:
        """Take a block, or learn that no more will come."""
        self.pending = self.source.recv(_BLOCK_BYTES)
        if not self.pending:
            self.ended = True
            self.target.shutdown(socket.SHUT_WR)

    def write(self) -> None:
        """Pass on what the target takes."""
        self.pending = self.pending[self.target.send(self.pending) :]


class _Conversation:
    """A visitor and the server, one way and the other."""

    def __init__(self, visitor: socket.socket, server: socket.socket) -> None:
        self.ends = (visitor, server)
        self._ways = (_Way(visitor, server), _Way(server, visitor))

    @property
    def over(self) -> bool:
        """Tell whether neither side has more to say."""
        return all(way.ended for way in self._ways)

    def awaited(self, end: socket.socket) -> int:
        """Return the events of one end that can move the conversation on."""
        events = 0
        for way in self._ways:
            if way.source is end and not way.pending and not way.ended:
                events |= selectors.EVENT_READ
            if way.target is end and way.pending:
                events |= selectors.EVENT_WRITE
        return events

    def carry(self, end: socket.socket, events: int) -> None:
        """Read from one end, or write to it, what it is ready for."""
        for way in self._ways:
            if way.source is end and events & selectors.EVENT_READ and not way.pending:
                way.read()
            if way.target is end and events & selectors.EVENT_WRITE and way.pending:
                way.write()


def main() -> int:
    """Start the command, forward until it ends, return its status."""
    path, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    woken, waker = socket.socketpair()
    waker.settimeout(0)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    child = subprocess.Popen(command)

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler
        child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    with socket.socket(socket.AF_UNIX) as listener:
        if os.path.exists(path):  # noqa: PTH110 - imports kept few: this runs beside each application
            os.unlink(path)  # noqa: PTH108
        listener.bind(path)
        listener.listen(128)
        listener.settimeout(0)
        _forward(listener, woken, port, child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _forward(
    listener: socket.socket, woken: socket.socket, port: int, child: "subprocess.Popen[bytes]"
) -> None:
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    while child.poll() is None:
        for key, events in selector.select():
            if key.fileobj is woken:
                woken.recv(_BLOCK_BYTES)
            elif key.fileobj is listener:
                _accept(selector, listener, port)
            else:
                _carry_on(selector, key, events)


def _accept(selector: selectors.BaseSelector, listener: socket.socket, port: int) -> None:
    try:
        visitor, _ = listener.accept()
    except OSError:
        return
    server = socket.socket()
    for end in (visitor, server):
        end.settimeout(0)
    server.connect_ex(("127.0.0.1", port))
    _watch(selector, _Conversation(visitor, server))


def _carry_on(selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int) -> None:
    conversation: _Conversation = key.data
    if not isinstance(key.fileobj, socket.socket) or key.fileobj.fileno() < 0:
        return
    try:
        conversation.carry(key.fileobj, events)
    except BlockingIOError:
        return
    except OSError:
        _close(selector, conversation)
        return
    if conversation.over:
        _close(selector, conversation)
    else:
        _watch(selector, conversation)


def _watch(selector: selectors.BaseSelector, conversation: _Conversation) -> None:
    """Wait for what either end can do now, and for nothing else."""
    for end in conversation.ends:
        events, watched = conversation.awaited(end), end.fileno() in selector.get_map()
        if events and watched:
            selector.modify(end, events, conversation)
        elif events:
            selector.register(end, events, conversation)
        elif watched:
            selector.unregister(end)


def _close(selector: selectors.BaseSelector, conversation: _Conversation) -> None:
    for end in conversation.ends:
        if end.fileno() in selector.get_map():
            selector.unregister(end)
        end.close()


if __name__ == "__main__":
    sys.exit(main())
