"""A declared meter that is a power distribution unit."""

from beffroi.energy.drivers.declared.secret_files import secret_in
from beffroi.energy.drivers.snmp import (
    AuthenticationHash,
    Community,
    SnmpAccess,
    SnmpPower,
    SnmpUser,
)
from beffroi.energy.metered import PolledMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.territory.meters import Meter

_PORT = 161


def opened(host: str, meter: Meter, clock: Clock) -> PowerMeter:
    """Open it: version 3 with a user, else version 2c.

    Raises:
        InvalidInputError: A secret's file cannot be used.
    """
    access = SnmpAccess(
        address=meter.address,
        oid=meter.oid,
        asker=_asker(meter),
        port=meter.port or _PORT,
        scale=meter.scale,
    )
    return PolledMeter(host, SnmpPower(access), clock)


def _asker(meter: Meter) -> Community | SnmpUser:
    secret = secret_in(meter.secret_file)
    if not meter.user:
        return Community(secret)
    signed_by = AuthenticationHash(meter.signed_by)
    return SnmpUser(meter.user, secret, secret_in(meter.privacy_file), signed_by)
