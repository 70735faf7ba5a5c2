"""A declared meter that is a server's management controller."""

import ssl

from beffroi.energy.drivers.declared.secret_files import certificate_in, secret_in
from beffroi.energy.drivers.redfish import RedfishAccess, RedfishPower
from beffroi.energy.metered import PolledMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.meters import Meter

_PORT = 443


def opened(host: str, meter: Meter, clock: Clock) -> PowerMeter:
    """Open it.

    Raises:
        InvalidInputError: The password's or the certificate's file cannot be used.
    """
    access = RedfishAccess(
        url=f"https://{meter.address}:{meter.port or _PORT}",
        user=meter.user,
        password=secret_in(meter.secret_file),
        certificate=certificate_in(meter.certificate),
        chassis=meter.chassis,
    )
    try:
        return PolledMeter(host, RedfishPower(access), clock)
    except ssl.SSLError as error:
        raise InvalidInputError("energy.certificate_unusable", path=meter.certificate) from error
