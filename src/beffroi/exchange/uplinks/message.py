"""What a message tells, before it is mapped to an entity."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from beffroi.exchange.model import Json


class UplinkMessage(msgspec.Struct, frozen=True, gc=False):
    """A message as it came in.

    Attributes:
        at: When it was received.
    """

    topic: str
    payload: bytes
    at: datetime


class Told(StrEnum):
    """The parts of a message that a declaration may name; ``object`` is what a codec gave."""

    OBJECT = "object"
    TOPIC = "topic"
    DEVICE = "device"
    RADIO = "radio"
    STATUS = "status"


class Undecoded(msgspec.Struct, frozen=True):
    """Bytes that a codec has yet to read.

    Attributes:
        port: Of LoRaWAN; 0 elsewhere.
    """

    payload: bytes
    port: int
    at: datetime


class Reading(msgspec.Struct, kw_only=True):
    """A message that was read.

    Attributes:
        device: What tells its device from the others of the uplink.
        at: When the network received it, else when we did.
        told: By part, what it tells.
        undecoded: What ``told["object"]`` is to be made of, where that is not done yet.
        is_status: It tells how the device fares and nothing that it measured.
    """

    device: str
    at: datetime
    told: dict[str, Json]
    undecoded: Undecoded | None = None
    is_status: bool = False


class Ignored(msgspec.Struct, frozen=True):
    """A message that tells nothing of an entity, such as that a device joined its network."""

    device: str
    event: str


def member(told: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON
    """Return what is at a path; None where nothing is. A number is a place of a list."""
    found: Any = told
    for part in path:
        if type(found) is dict:
            found = found.get(part)
        elif type(found) is list and part.isdecimal() and len(part) < 6 and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found
