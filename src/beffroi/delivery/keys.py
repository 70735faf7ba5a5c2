"""Private keys, requests for certificates, and what a chain says; P-256 throughout."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from beffroi.kernel.errors import FailedError
from beffroi.kernel.secrets import Secret

_COMMON_NAME_MOST = 64


class Validity(msgspec.Struct, frozen=True):
    """From when to when a certificate is good."""

    not_before: datetime
    not_after: datetime


def new_key() -> Secret:
    """Draw a private key, PEM."""
    drawn = generate_private_key(SECP256R1())
    pem = drawn.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Secret(pem.decode())


def loaded_key(key: Secret) -> EllipticCurvePrivateKey:
    """Read a private key.

    Raises:
        FailedError: It is of another kind than ``new_key`` draws.
    """
    loaded = load_pem_private_key(key.reveal().encode(), None)
    if not isinstance(loaded, EllipticCurvePrivateKey):
        raise FailedError("delivery.key_of_another_kind")
    return loaded


def subject_of(names: Sequence[str]) -> x509.Name:
    """Return the subject for names; empty where the first is too long for a common name."""
    if len(names[0]) > _COMMON_NAME_MOST:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])


def alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    """Return the extension that says which names a certificate is for."""
    return x509.SubjectAlternativeName([x509.DNSName(name) for name in names])


def signing_request(names: Sequence[str], key: Secret) -> bytes:
    """Make the request (CSR, PEM) that a public authority signs."""
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(alternative_names(names), critical=False)
    return builder.sign(loaded_key(key), hashes.SHA256()).public_bytes(Encoding.PEM)


def checked_validity(chain: str, names: Sequence[str], key: Secret) -> Validity:
    """Read from when to when a chain is good.

    Raises:
        FailedError: Its leaf is for other names or for another key.
    """
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound) as error:
        raise FailedError("delivery.chain_unfit", name=names[0]) from error
    told = set(found.get_values_for_type(x509.DNSName))
    if told != set(names) or leaf.public_key() != loaded_key(key).public_key():
        raise FailedError("delivery.chain_unfit", name=names[0])
    return Validity(leaf.not_valid_before_utc, leaf.not_valid_after_utc)
