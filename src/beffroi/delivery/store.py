"""Certificates and their keys in PostgreSQL, the keys sealed."""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from beffroi.delivery import page_index
from beffroi.delivery.header_sets import NumberedSet
from beffroi.delivery.keys import Validity
from beffroi.delivery.model import KeptCertificate
from beffroi.delivery.ports import Authority
from beffroi.kernel.database import Database, execute, fetch_all, fetch_optional
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.log import Event, append
from beffroi.kernel.secrets import SealingKey, Secret

# Each costs nginx some hundred bytes and a reload; those beyond are shown by the filler.
_HEADER_SETS_MOST = 512
_HEADER_SETS_OF_ONE = 64
_AUTHORITY_PURPOSE = "delivery authority"


class Material(msgspec.Struct, frozen=True):
    """A certificate's chain and private key, PEM."""

    chain: str
    key: Secret


class _SealedMaterial(msgspec.Struct, frozen=True):
    chain: str
    sealed_key: bytes


class _SealedKey(msgspec.Struct, frozen=True):
    sealed_key: bytes


def chain_digest(chain: str) -> str:
    """Return what tells one chain from another."""
    return sha256(chain.encode()).hexdigest()


class DeliveryStore:
    """Certificates and their keys, and what else the controller reads."""

    def __init__(self, database: Database, sealing: SealingKey) -> None:
        self._database = database
        self._sealing = sealing

    async def certificates(self) -> dict[str, KeptCertificate]:
        """Return every certificate by its name."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await fetch_all(
                connection,
                KeptCertificate,
                "select name, names, issuer, not_before, not_after, digest"
                " from delivery.certificate order by name",
            )
        return {certificate.name: certificate for certificate in found}

    async def header_sets(self) -> Sequence[NumberedSet]:
        """Return the header sets that nginx is to know, the oldest first."""
        async with self._database.transaction(EVERYTHING) as connection:
            return await page_index.configured_header_sets(
                connection, _HEADER_SETS_MOST, _HEADER_SETS_OF_ONE
            )

    async def key(self, name: str) -> Secret | None:
        """Return a certificate's private key; it outlives renewals.

        The web server reads chain and key as two files: as long as the key stays the same, no
        handshake can find them apart.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            found = await fetch_optional(
                connection,
                _SealedKey,
                "select sealed_key from delivery.certificate where name = %s",
                (name,),
            )
        return None if found is None else self._sealing.opened(found.sealed_key, _purpose(name))

    async def material(self, name: str) -> Material:
        """Return a certificate's chain and key.

        Raises:
            NotFoundError: There is no such certificate.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            found = await fetch_optional(
                connection,
                _SealedMaterial,
                "select chain, sealed_key from delivery.certificate where name = %s",
                (name,),
            )
        if found is None:
            raise NotFoundError("delivery.certificate_unknown", name=name)
        return Material(found.chain, self._sealing.opened(found.sealed_key, _purpose(name)))

    async def keep(
        self, name: str, names: tuple[str, ...], issuer: str, material: Material, validity: Validity
    ) -> None:
        """Keep a certificate in the place of the former one of its name."""
        kept = KeptCertificate(
            name,
            names,
            issuer,
            validity.not_before,
            validity.not_after,
            chain_digest(material.chain),
        )
        told = {"issuer": issuer, "not_after": validity.not_after.isoformat()}
        async with self._database.transaction(EVERYTHING) as connection:
            await execute(
                connection,
                """
                insert into delivery.certificate
                    (name, names, issuer, not_before, not_after, digest, chain, sealed_key)
                values (%(name)s, %(names)s, %(issuer)s, %(not_before)s, %(not_after)s, %(digest)s,
                    %(chain)s, %(sealed_key)s)
                on conflict (name) do update set names = excluded.names, issuer = excluded.issuer,
                    not_before = excluded.not_before, not_after = excluded.not_after,
                    digest = excluded.digest, chain = excluded.chain,
                    sealed_key = excluded.sealed_key, issued_at = now()
                """,
                {
                    **msgspec.structs.asdict(kept),
                    "names": list(names),
                    "chain": material.chain,
                    "sealed_key": self._sealing.sealed(material.key, _purpose(name)),
                },
            )
            await append(connection, Event("delivery.certificate_issued", name, body=told))

    async def remove(self, name: str) -> None:
        """Forget a certificate and its key."""
        async with self._database.transaction(EVERYTHING) as connection:
            removed = await execute(
                connection, "delete from delivery.certificate where name = %s", (name,)
            )
            if removed:
                await append(connection, Event("delivery.certificate_removed", name))

    async def authority(self) -> Authority | None:
        """Return the local authority; nothing before its first use."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await fetch_optional(
                connection,
                _SealedMaterial,
                "select certificate as chain, sealed_key from delivery.authority",
            )
        if found is None:
            return None
        return Authority(found.chain, self._sealing.opened(found.sealed_key, _AUTHORITY_PURPOSE))

    async def keep_authority(self, authority: Authority) -> Authority:
        """Keep an authority where there is none; return the one that is kept."""
        sealed = self._sealing.sealed(authority.key, _AUTHORITY_PURPOSE)
        async with self._database.transaction(EVERYTHING) as connection:
            await execute(
                connection,
                "insert into delivery.authority (certificate, sealed_key) values (%s, %s)"
                " on conflict do nothing",
                (authority.certificate, sealed),
            )
        return await self.authority() or authority

    async def account_key(self, directory: str) -> Secret | None:
        """Return the account key for an ACME directory; nothing before its first use."""
        async with self._database.transaction(EVERYTHING) as connection:
            found = await fetch_optional(
                connection,
                _SealedKey,
                "select sealed_key from delivery.acme_account where directory = %s",
                (directory,),
            )
        if found is None:
            return None
        return self._sealing.opened(found.sealed_key, _account_purpose(directory))

    async def keep_account_key(self, directory: str, key: Secret) -> Secret:
        """Keep a key where there is none; return the one that is kept."""
        async with self._database.transaction(EVERYTHING) as connection:
            await execute(
                connection,
                "insert into delivery.acme_account (directory, sealed_key) values (%s, %s)"
                " on conflict do nothing",
                (directory, self._sealing.sealed(key, _account_purpose(directory))),
            )
        return await self.account_key(directory) or key


def _purpose(name: str) -> str:
    return f"delivery certificate {name}"


def _account_purpose(directory: str) -> str:
    return f"delivery ACME account {directory}"
