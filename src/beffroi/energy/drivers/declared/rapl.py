"""A declared meter that is the processors' own."""

import secrets

from beffroi.energy.drivers.rapl import RaplCounter, RaplMeter
from beffroi.energy.ports import PowerMeter
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.meters import Meter


def opened(host: str, _: Meter, clock: Clock) -> PowerMeter:
    """Open it; what it counts begins at 0 now, as another run.

    Raises:
        InvalidInputError: This machine has none, or does not let us read it.
    """
    found = RaplMeter.found()
    if found is None:
        raise InvalidInputError("energy.rapl_absent", host=host)
    return RaplCounter(found, clock, secrets.token_hex(8))
