"""What every issuer of certificates promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from beffroi.delivery.certificate_files import challenge_webroot
from beffroi.delivery.drivers import AcmeIssuer
from beffroi.delivery.keys import checked_validity, loaded_key, new_key
from beffroi.delivery.ports import CertificateIssuer
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.errors import BeffroiError
from tests.contract.delivery.pebble import running_pebble
from tests.integration.delivery.stage import Stage

NAME = "www.ville.test"


@pytest.fixture(params=["local", pytest.param("acme", marks=pytest.mark.system)])
async def issuer(
    request: pytest.FixtureRequest, stage: Stage, tmp_path: Path
) -> AsyncIterator[CertificateIssuer]:
    """Each issuer of the platform."""
    if request.param == "local":
        yield stage.authority
        return
    async with running_pebble(tmp_path, stage, stage.authority) as settings:
        yield AcmeIssuer(settings, stage.store, challenge_webroot(stage.places), SystemClock())


async def test_a_certificate_is_for_the_names_and_the_key_that_were_given(
    issuer: CertificateIssuer,
) -> None:
    key = new_key()
    names = (NAME, "ville.test")

    chain = await issuer.issue(names, key)

    validity = checked_validity(chain, names, key)
    now = SystemClock().now()
    assert validity.not_before <= now < validity.not_after


async def test_a_certificate_is_for_servers_and_signs_no_other(issuer: CertificateIssuer) -> None:
    chain = await issuer.issue((NAME,), new_key())

    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    basic = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in usage
    assert not basic.ca


async def test_each_certificate_has_a_number_of_its_own_and_may_keep_its_key(
    issuer: CertificateIssuer,
) -> None:
    key = new_key()

    chains = [await issuer.issue((NAME,), key) for _ in range(2)]

    leaves = [x509.load_pem_x509_certificates(chain.encode())[0] for chain in chains]
    assert leaves[0].serial_number != leaves[1].serial_number
    assert leaves[0].public_key() == leaves[1].public_key() == loaded_key(key).public_key()


async def test_a_wildcard_is_issued_or_refused_as_the_capabilities_say(
    issuer: CertificateIssuer,
) -> None:
    key = new_key()
    names = ("ville.test", "*.ville.test")

    if issuer.capabilities.wildcards:
        checked_validity(await issuer.issue(names, key), names, key)
    else:
        with pytest.raises(BeffroiError) as raised:
            await issuer.issue(("*.ville.test",), key)
        assert raised.value.code == "delivery.wildcard_not_issued"
