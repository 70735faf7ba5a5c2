"""Where the platform keeps its files on a machine.

The data folder lasts; the runtime folder holds sockets and process files, has a short path
(a socket's path has 107 characters at most) and may vanish at a reboot.
"""

import os
from hashlib import sha256
from pathlib import Path

import msgspec

from beffroi.kernel.errors import ConflictError
from beffroi.kernel.processes.model import Identity

_IDENTITY_BASE = 210_000


class Places(msgspec.Struct, frozen=True):
    """The folders of one platform."""

    data: Path
    runtime: Path

    @classmethod
    def of(cls, data: Path) -> "Places":
        """Derive the runtime folder from the data folder and make both.

        Raises:
            ConflictError: One of them belongs to another user.
        """
        data = data.absolute()
        places = cls(
            data, _runtime_base() / f"beffroi-{sha256(str(data).encode()).hexdigest()[:8]}"
        )
        for folder in (data, places.runtime):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.geteuid():
                raise ConflictError("kernel.folder_of_another", folder=folder)
            folder.chmod(0o700)
        return places

    @property
    def engines(self) -> Path:
        """Return where engines keep their data."""
        return self.data / "engines"

    @property
    def logs(self) -> Path:
        """Return where the output of processes is appended."""
        return self.data / "logs"

    @property
    def releases(self) -> Path:
        """Return where built releases lie, read-only."""
        return self.data / "releases"

    @property
    def builds(self) -> Path:
        """Return where releases are built."""
        return self.data / "builds"

    @property
    def volumes(self) -> Path:
        """Return where applications keep what lasts."""
        return self.data / "volumes"

    @property
    def targets(self) -> Path:
        """Return where each application's link to what serves it lies."""
        return self.data / "targets"

    @property
    def routes(self) -> Path:
        """Return where each host name's link to its application's target lies."""
        return self.data / "routes"

    @property
    def certificates(self) -> Path:
        """Return where nginx reads certificates and keys."""
        return self.data / "certificates"

    @property
    def pages(self) -> Path:
        """Return where the platform's own pages for visitors lie."""
        return self.data / "pages"

    @property
    def store(self) -> Path:
        """Return where the pages that nginx shows without asking lie."""
        return self.data / "store"

    @property
    def drops(self) -> Path:
        """Return where partners put files for the exchange, by organisation."""
        return self.data / "drops"

    @property
    def results(self) -> Path:
        """Return where the results of each site lie for everyone to read."""
        return self.data / "results"

    @property
    def nginx_sockets(self) -> Path:
        """Return where nginx listens for the platform's own processes."""
        return self.runtime / "nginx"

    @property
    def filler_socket(self) -> Path:
        """Return where the filler listens."""
        return self.runtime / "filler" / "filler.sock"

    @property
    def purge_door(self) -> Path:
        """Return the folder of the socket where applications have their pages purged."""
        return self.runtime / "door"

    @property
    def wake_socket(self) -> Path:
        """Return where the platform wakes applications."""
        return self.runtime / "wake" / "wake.sock"

    @property
    def instances(self) -> Path:
        """Return where running instances keep their sockets."""
        return self.runtime / "i"

    def process_folder(self, unit: str) -> Path:
        """Return where a unit's process files are kept."""
        return self.runtime / "p" / unit


def default_data_folder() -> Path:
    """Choose the data folder by convention: FHS for root, XDG for a user."""
    if os.geteuid() == 0:
        return Path("/var/lib/beffroi")
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "beffroi"


def platform_identity(number: int) -> Identity | None:
    """Return the user of its own for an engine or an application.

    Only root can give one: an ordinary user's platform runs everything as that user.
    """
    if os.geteuid() != 0:
        return None
    return Identity(_IDENTITY_BASE + number, _IDENTITY_BASE + number)


def hand_over(path: Path, identity: Identity | None, mode: int = 0o700) -> None:
    """Make a folder and give it to its user."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)


def _runtime_base() -> Path:
    if os.geteuid() == 0:
        return Path("/run")
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) if given else Path("/tmp")  # noqa: S108 - a private folder is made in it
