"""What the filler is started with."""

from pathlib import Path
from typing import Final

import msgspec

DATABASE_VARIABLE: Final = "FILLER_DATABASE_URL"


class FillerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the filler finds its peers and its files.

    Attributes:
        store: Root of the page store, which it alone writes.
        sites: File that tells the sites; read again whenever it changed.
        socket: Where it listens for nginx and the platform.
        direct_socket: Where nginx leads to every origin.
        wake_socket: Where the platform wakes applications.
        access_log: nginx's log of visits.
        bytes_most: Room for stored pages, all sites together.
    """

    store: Path
    sites: Path
    socket: Path
    direct_socket: Path
    wake_socket: Path
    access_log: Path
    bytes_most: int


def encoded(settings: FillerSettings) -> bytes:
    """Write settings as the filler reads them."""
    return msgspec.json.encode(settings, enc_hook=str)


def decoded(text: bytes) -> FillerSettings:
    """Read settings that ``encoded`` wrote."""
    return msgspec.json.decode(text, type=FillerSettings, dec_hook=lambda _, value: Path(value))
