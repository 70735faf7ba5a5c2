"""The files that nginx reads certificates and keys from."""

import os
from pathlib import Path

from beffroi.delivery.store import Material, chain_digest
from beffroi.engines.model import NGINX_NUMBER
from beffroi.kernel.places import Places, hand_over, platform_identity

_MODE = 0o640


def challenge_webroot(places: Places) -> Path:
    """Return the folder that nginx shows to an authority that checks a name."""
    return places.pages / "challenges"


class CertificateFiles:
    """Copies of what PostgreSQL keeps; written again when one is missing."""

    def __init__(self, places: Places) -> None:
        self._folder = places.certificates
        self._identity = platform_identity(NGINX_NUMBER)

    def place(self, name: str, material: Material) -> None:
        """Write a chain and its key, readable by nginx alone."""
        hand_over(self._folder, self._identity)
        self._write(f"{name}.key", material.key.reveal())
        self._write(f"{name}.crt", material.chain)

    def remove(self, name: str) -> None:
        """Remove a chain and its key."""
        for ending in ("crt", "key"):
            (self._folder / f"{name}.{ending}").unlink(missing_ok=True)

    def placed(self) -> dict[str, str]:
        """Return the digest of each chain that has its key beside it, by name."""
        return {
            path.name.removesuffix(".crt"): chain_digest(path.read_text())
            for path in sorted(self._folder.glob("*.crt"))
            if path.with_name(path.name.removesuffix(".crt") + ".key").exists()
        }

    def _write(self, name: str, text: str) -> None:
        fresh = self._folder / f".{name}.new"
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, _MODE)
            if self._identity is not None:
                os.fchown(descriptor, self._identity.uid, self._identity.gid)
            file.write(text)
        fresh.replace(self._folder / name)
