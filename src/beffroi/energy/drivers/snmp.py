"""Power of an outlet or of a rack as a power distribution unit tells it, by SNMP.

What to ask of common units (their makers' MIB), for a first unit, inlet or outlet:

- APC rack PDU 2G (PowerNet-MIB ``rPDU2DeviceStatusPower``, hundredths of a kW):
  ``1.3.6.1.4.1.318.1.1.26.4.3.1.5.1``, scale 10.
- Raritan PX2 and PX3 (PDU2-MIB ``measurementsInletSensorValue``, active power, W):
  ``1.3.6.1.4.1.13742.6.5.2.3.1.4.1.1.5``, scale 1.
"""

from enum import StrEnum
from typing import Final

import msgspec
from pysnmp.error import PySnmpError
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC96_SHA,
    USM_AUTH_HMAC192_SHA256,
    USM_PRIV_CFB128_AES,
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
)

from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.secrets import Secret

_TRIED_AGAIN: Final = 2


class AuthenticationHash(StrEnum):
    """What signs the messages of SNMPv3."""

    SHA1 = "sha1"
    SHA256 = "sha256"


class Community(msgspec.Struct, frozen=True):
    """SNMPv2c: the community goes over the wire in the clear."""

    name: Secret


class SnmpUser(msgspec.Struct, frozen=True):
    """SNMPv3 with authentication and AES-128."""

    name: str
    authentication: Secret
    privacy: Secret
    signed_by: AuthenticationHash = AuthenticationHash.SHA256


class SnmpAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a unit.

    Attributes:
        oid: Of the value.
        scale: Watts for each unit of the value, above 0.
        answer_within_s: How long each of three tries waits, 3 s at most.
    """

    address: str
    oid: str
    asker: Community | SnmpUser
    port: int = 161
    scale: float = 1.0
    answer_within_s: float = 2.0


class SnmpPower:
    """One value of one unit."""

    # Units sold as metered follow IEC 62053-21, class 1 or 2: 1 or 2 % at the current that they are
    # made for. The rest is our margin for outlets that carry little.
    capabilities = MeterCapabilities("SNMP", Coverage.MACHINE, accuracy=0.05)

    def __init__(self, access: SnmpAccess) -> None:
        self._access = access
        self._engine = SnmpEngine()
        self._asker = _asker(access.asker)

    async def watts(self) -> float:
        """Ask for the power.

        Raises:
            UnavailableError: The unit does not answer or refuses, or what it tells is no number.
        """
        access = self._access
        try:
            target = await UdpTransportTarget.create(
                (access.address, access.port),
                timeout=access.answer_within_s,
                retries=_TRIED_AGAIN,
            )
            failure, status, _, values = await get_cmd(
                self._engine,
                self._asker,
                target,
                ContextData(),
                ObjectType(ObjectIdentity(access.oid)),
                lookupMib=False,
            )
        except PySnmpError as error:
            raise _silent(access, str(error)) from error
        if failure or status:
            raise _silent(access, str(failure or status.prettyPrint()))
        value = values[0][1].prettyPrint()
        try:
            return float(value) * access.scale
        except ValueError as error:
            raise UnavailableError(
                "energy.snmp_no_number", address=access.address, oid=access.oid, value=value
            ) from error

    async def close(self) -> None:
        """Let go of the socket."""
        self._engine.close_dispatcher()


def _asker(asker: Community | SnmpUser) -> CommunityData | UsmUserData:
    if isinstance(asker, Community):
        return CommunityData(asker.name.reveal(), mpModel=1)  # noqa: S508 - many units know no v3
    hashes = {
        AuthenticationHash.SHA1: USM_AUTH_HMAC96_SHA,
        AuthenticationHash.SHA256: USM_AUTH_HMAC192_SHA256,
    }
    return UsmUserData(
        asker.name,
        authKey=asker.authentication.reveal(),
        privKey=asker.privacy.reveal(),
        authProtocol=hashes[asker.signed_by],
        privProtocol=USM_PRIV_CFB128_AES,
    )


def _silent(access: SnmpAccess, why: str) -> UnavailableError:
    return UnavailableError("energy.snmp_silent", address=access.address, oid=access.oid, why=why)
