"""One platform per data folder, and how a command finds the one that runs."""

import fcntl
import os
from pathlib import Path

import msgspec

from beffroi.kernel.errors import ConflictError
from beffroi.kernel.secrets import Secret

_LOCK = "beffroi.lock"
_CONTROL = "control.json"


class Control(msgspec.Struct, frozen=True):
    """How a command on this machine reaches the platform.

    Attributes:
        socket: Its unix socket.
        token: A token of the operator's account, made anew at each start.
    """

    socket: str
    token: str


class Ownership:
    """Holds a data folder for one process; the kernel lets go when the process ends."""

    def __init__(self, data: Path) -> None:
        self._path = data / _LOCK
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            told = self._path.read_text().strip() or "?"
            os.close(self._descriptor)
            raise ConflictError("app.already_running", data=data, holder=told) from error

    def tell(self, sentence: str) -> None:
        """Write what a second process is told."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, sentence.encode(), 0)

    def release(self) -> None:
        """Let another process have the folder."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def write_control(data: Path, socket: Path, token: Secret) -> None:
    """Let commands of this user find the platform."""
    path = data / _CONTROL
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(Control(str(socket), token.reveal())))
    fresh.replace(path)


def read_control(data: Path) -> Control | None:
    """Return how to reach the platform of a data folder; nothing when none was started."""
    try:
        return msgspec.json.decode((data / _CONTROL).read_bytes(), type=Control)
    except FileNotFoundError:
        return None
