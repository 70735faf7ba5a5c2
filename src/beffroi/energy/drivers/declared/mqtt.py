"""A declared meter that is a smart plug behind a broker."""

from beffroi.energy.drivers.declared.secret_files import certificate_in, secret_in
from beffroi.energy.drivers.mqtt import MqttAccess, MqttMeter, Quantity
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.kernel.secrets import Secret
from beffroi.territory.meters import Meter

_PORT = 1883
_PORT_WITH_TLS = 8883


def opened(_: str, meter: Meter, clock: Clock) -> PowerMeter:
    """Open it: over TLS where a certificate is declared.

    Raises:
        InvalidInputError: The password's or the certificate's file cannot be used.
    """
    access = MqttAccess(
        address=meter.address,
        topic=meter.topic,
        quantity=Quantity(meter.quantity),
        path=meter.path,
        port=meter.port or (_PORT_WITH_TLS if meter.certificate else _PORT),
        user=meter.user,
        password=secret_in(meter.secret_file) if meter.secret_file else Secret(""),
        certificate=certificate_in(meter.certificate),
        silent_after_s=meter.silent_after_s,
    )
    return MqttMeter(access, clock)
