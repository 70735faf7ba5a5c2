"""A certificate authority of the platform's own, for names that no public one may issue."""

import asyncio
import ipaddress
from datetime import timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from beffroi.delivery.keys import alternative_names, loaded_key, new_key, subject_of
from beffroi.delivery.model import LOCAL_SUFFIXES
from beffroi.delivery.ports import Authority, AuthorityVault, IssuerCapabilities
from beffroi.kernel.clock import Clock
from beffroi.kernel.secrets import Secret

_AUTHORITY_LIFETIME: Final = timedelta(days=3652)
_LEAF_LIFETIME: Final = timedelta(days=365)
_CLOCKS_APART: Final = timedelta(hours=1)
_ALL_ADDRESSES: Final = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


class LocalAuthority:
    """Issues at once; a browser trusts it once a person has installed its certificate.

    Name constraints bound what its theft could do: a certificate for a public name, which serves
    until a public authority has issued one, is worth nothing to those who installed it.
    """

    def __init__(self, vault: AuthorityVault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock
        self._loading = asyncio.Lock()
        self._loaded: Authority | None = None

    @property
    def capabilities(self) -> IssuerCapabilities:
        """Tell that it issues wildcards, and nothing that strangers trust."""
        return IssuerCapabilities(wildcards=True, public=False)

    async def issue(self, names: tuple[str, ...], key: Secret) -> str:
        """Sign a certificate of one year."""
        authority = await self._authority()
        issuer = x509.load_pem_x509_certificate(authority.certificate.encode())
        subject_key = loaded_key(key).public_key()
        now = self._clock.now()
        builder = (
            x509.CertificateBuilder(issuer_name=issuer.subject, subject_name=subject_of(names))
            .public_key(subject_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCKS_APART)
            .not_valid_after(min(now + _LEAF_LIFETIME, issuer.not_valid_after_utc))
            .add_extension(alternative_names(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
        )
        return _pem(builder.sign(loaded_key(authority.key), hashes.SHA256()))

    async def certificate(self) -> str:
        """Return the authority's own certificate, PEM, to be installed by those who trust it."""
        return (await self._authority()).certificate

    async def _authority(self) -> Authority:
        async with self._loading:
            if self._loaded is None:
                self._loaded = await self._vault.authority() or await self._vault.keep_authority(
                    self._made()
                )
            return self._loaded

    def _made(self) -> Authority:
        key = new_key()
        private = loaded_key(key)
        now = self._clock.now()
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "beffroi"),
                x509.NameAttribute(NameOID.COMMON_NAME, f"beffroi local authority {now:%Y-%m-%d}"),
            ]
        )
        certificate = (
            x509.CertificateBuilder(issuer_name=name, subject_name=name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _CLOCKS_APART)
            .not_valid_after(now + _AUTHORITY_LIFETIME)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(_constraints(), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False
            )
            .sign(private, hashes.SHA256())
        )
        return Authority(_pem(certificate), key)


def _constraints() -> x509.NameConstraints:
    return x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(suffix) for suffix in LOCAL_SUFFIXES],
        excluded_subtrees=[x509.IPAddress(network) for network in _ALL_ADDRESSES],
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
