"""How instances of history are called, so that the day that one was written on is known.

Source: ETSI GS CIM 009 v1.9.1, clause 4.5.7.
"""

import re
from datetime import UTC, datetime
from typing import Final

import msgspec

from beffroi.exchange.errors import BadRequestDataError, ResourceNotFoundError
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.names import is_uri

_BEGINNING: Final = "urn:ngsi-ld:Instance:"
_ID: Final = re.compile(re.escape(_BEGINNING) + r"([0-9]{8})-([0-9]{1,18})")


class InstanceKey(msgspec.Struct, frozen=True):
    """Where an instance stands.

    Attributes:
        day: Its beginning.
    """

    day: datetime
    number: int


def instance_id(written_at: datetime, number: int) -> str:
    """Return the URI of an instance."""
    return f"{_BEGINNING}{written_at.astimezone(UTC):%Y%m%d}-{number}"


def read_instance_id(given: str) -> InstanceKey:
    """Return where the instance of a URI stands.

    Raises:
        BadRequestDataError: It is no URI.
        ResourceNotFoundError: No instance is called so.
    """
    if not is_uri(given):
        raise BadRequestDataError("exchange.not_a_uri", name="instanceId", found=excerpt(given))
    found = _ID.fullmatch(given)
    try:
        if found is not None:
            day = datetime.strptime(found[1], "%Y%m%d").replace(tzinfo=UTC)
            return InstanceKey(day, int(found[2]))
    except ValueError:
        pass
    raise ResourceNotFoundError("exchange.instance_unknown", instance=excerpt(given))
