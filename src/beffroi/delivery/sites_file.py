"""The file by which the filler learns of the sites."""

import os

import msgspec

from beffroi.delivery.sites import Sites
from beffroi.engines.model import NGINX_NUMBER
from beffroi.kernel.places import Places, platform_identity

_MODE = 0o640


class SitesFile:
    """Written whole by the platform, read by the filler alone."""

    def __init__(self, places: Places) -> None:
        self.path = places.filler_socket.parent / "sites.json"
        self._group = platform_identity(NGINX_NUMBER)

    def told(self) -> Sites | None:
        """Return what the filler was told last."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Sites)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def tell(self, sites: Sites) -> None:
        """Tell the filler; it reads this at its next request."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(sites))
        fresh.chmod(_MODE)
        if self._group is not None:
            os.chown(fresh, 0, self._group.gid)
        fresh.replace(self.path)
