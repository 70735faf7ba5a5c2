"""Values that must not be printed, and their encryption at rest."""

import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from beffroi.kernel.errors import FailedError

_NONCE_BYTES: Final = 12


class Secret:
    """A text that prints as ``***``; ``reveal`` is the one way to its value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, to hand to the one who needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and secrets.compare_digest(
            self._value.encode(), other._value.encode()
        )

    def __hash__(self) -> int:
        return hash(self._value)


def generated_secret() -> Secret:
    """Draw a secret of 256 bits that may stand in a URL."""
    return Secret(secrets.token_urlsafe(32))


class SealingKey:
    """The key of the machine under which secrets are stored (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def of_folder(cls, folder: Path) -> "SealingKey":
        """Read the key of a data folder; draw it at the first start."""
        path = folder / "sealing.key"
        if not path.exists():
            drawn = path.with_suffix(".new")
            descriptor = os.open(drawn, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(AESGCM.generate_key(256))
                file.flush()
                os.fsync(file.fileno())
            drawn.replace(path)
        return cls(path.read_bytes())

    def derived(self, purpose: str) -> Secret:
        """Return the secret that stands for a purpose on this machine, the same at each call."""
        return Secret(hmac.digest(self._key, purpose.encode(), "sha256").hex())

    def sealed(self, secret: Secret, purpose: str) -> bytes:
        """Encrypt a secret; it opens only for the same purpose."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret.reveal().encode(), purpose.encode())

    def opened(self, sealed: bytes, purpose: str) -> Secret:
        """Decrypt what ``sealed`` made for the same purpose."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return Secret(self._cipher.decrypt(nonce, body, purpose.encode()).decode())
        except (InvalidTag, ValueError) as error:
            raise FailedError("kernel.secret_unreadable", purpose=purpose) from error
