"""What delivery needs from others."""

from typing import Protocol

import msgspec

from beffroi.kernel.secrets import Secret
from beffroi.territory.model import Territory


class WantedTerritory(Protocol):
    """Where the territory in force is read."""

    async def current(self) -> Territory:
        """Return the territory as committed last."""
        ...


class IssuerCapabilities(msgspec.Struct, frozen=True):
    """What an issuer can do.

    Attributes:
        wildcards: It issues names such as ``*.ville.localhost``.
        public: Every browser trusts it; in return it visits the site to check the name.
    """

    wildcards: bool
    public: bool


class CertificateIssuer(Protocol):
    """Who signs certificates."""

    @property
    def capabilities(self) -> IssuerCapabilities:
        """Tell what the issuer can do."""
        ...

    async def issue(self, names: tuple[str, ...], key: Secret) -> str:
        """Have a certificate made for these names.

        Args:
            names: DNS names, the first one leading.
            key: The certificate's private key, PEM.

        Returns:
            The chain, PEM, leaf first.

        Raises:
            InvalidInputError: A wildcard is asked of an issuer that has none.
            FailedError: The issuer refuses; its reason is told.
            UnavailableError: It does not answer in time.
        """
        ...


class Authority(msgspec.Struct, frozen=True):
    """A certificate authority of one's own: its certificate, PEM, and its key, PEM."""

    certificate: str
    key: Secret


class AuthorityVault(Protocol):
    """Where the local authority is kept."""

    async def authority(self) -> Authority | None:
        """Return the authority; nothing before its first use."""
        ...

    async def keep_authority(self, authority: Authority) -> Authority:
        """Keep an authority where there is none; return the one that is kept."""
        ...


class AccountVault(Protocol):
    """Where the keys of ACME accounts are kept."""

    async def account_key(self, directory: str) -> Secret | None:
        """Return the account key for a directory; nothing before its first use."""
        ...

    async def keep_account_key(self, directory: str, key: Secret) -> Secret:
        """Keep a key where there is none; return the one that is kept."""
        ...
