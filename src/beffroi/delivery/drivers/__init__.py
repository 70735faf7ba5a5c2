"""The issuers that the platform knows, and the filler that it runs."""

from collections.abc import Mapping
from pathlib import Path

from beffroi.delivery.drivers.acme import AcmeIssuer
from beffroi.delivery.drivers.filler_engine import FillerEngine, filler_identity
from beffroi.delivery.drivers.local_authority import LocalAuthority
from beffroi.delivery.model import LOCAL_ISSUER, AcmeSettings
from beffroi.delivery.ports import AccountVault, CertificateIssuer
from beffroi.kernel.clock import Clock

__all__ = ["AcmeIssuer", "FillerEngine", "LocalAuthority", "filler_identity", "known_issuers"]


def known_issuers(
    local: LocalAuthority,
    acme: AcmeSettings | None,
    vault: AccountVault,
    webroot: Path,
    clock: Clock,
) -> Mapping[str, CertificateIssuer]:
    """Return every issuer by the name that certificates carry."""
    if acme is None:
        return {LOCAL_ISSUER: local}
    return {LOCAL_ISSUER: local, acme.directory: AcmeIssuer(acme, vault, webroot, clock)}
