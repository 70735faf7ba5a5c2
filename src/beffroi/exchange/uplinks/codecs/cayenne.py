"""Cayenne LPP: a payload that names its channels and types.

Source: Cayenne Docs, "LoRa: Cayenne Low Power Payload" (IPSO object ids less 3200), and the types
that ElectronicCats/CayenneLPP adds; names as The Things Stack gives them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from beffroi.exchange.uplinks.wrong import wrong_message


class LppType(NamedTuple):
    """A type of value: how many bytes, and what they say."""

    name: str
    length: int
    read: Callable[[bytes], Any]


def _number(length: int, divided_by: int = 1, *, signed: bool = False) -> Callable[[bytes], Any]:
    def read(part: bytes) -> int | float:
        value = int.from_bytes(part[:length], "big", signed=signed)
        return value if divided_by == 1 else value / divided_by

    return read


def _axes(divided_by: int) -> Callable[[bytes], Any]:
    axis = _number(2, divided_by, signed=True)
    return lambda part: {"x": axis(part), "y": axis(part[2:]), "z": axis(part[4:])}


def _colour(part: bytes) -> Mapping[str, int]:
    return dict(zip("rgb", part, strict=True))


def _position(part: bytes) -> Mapping[str, float]:
    degrees, metres = _number(3, 10_000, signed=True), _number(3, 100, signed=True)
    return {
        "latitude": degrees(part),
        "longitude": degrees(part[3:]),
        "altitude": metres(part[6:]),
    }


TYPES: Final[Mapping[int, LppType]] = {
    0: LppType("digital_in", 1, _number(1)),
    1: LppType("digital_out", 1, _number(1)),
    2: LppType("analog_in", 2, _number(2, 100, signed=True)),
    3: LppType("analog_out", 2, _number(2, 100, signed=True)),
    100: LppType("generic", 4, _number(4)),
    101: LppType("luminosity", 2, _number(2)),
    102: LppType("presence", 1, _number(1)),
    103: LppType("temperature", 2, _number(2, 10, signed=True)),
    104: LppType("relative_humidity", 1, _number(1, 2)),
    113: LppType("accelerometer", 6, _axes(1_000)),
    115: LppType("barometric_pressure", 2, _number(2, 10)),
    116: LppType("voltage", 2, _number(2, 100)),
    117: LppType("current", 2, _number(2, 1_000)),
    118: LppType("frequency", 4, _number(4)),
    120: LppType("percentage", 1, _number(1)),
    121: LppType("altitude", 2, _number(2, signed=True)),
    122: LppType("load", 3, _number(3, 1_000, signed=True)),
    125: LppType("concentration", 2, _number(2)),
    128: LppType("power", 2, _number(2)),
    130: LppType("distance", 4, _number(4, 1_000)),
    131: LppType("energy", 4, _number(4, 1_000)),
    132: LppType("direction", 2, _number(2)),
    133: LppType("unix_time", 4, _number(4)),
    134: LppType("gyrometer", 6, _axes(100)),
    135: LppType("colour", 3, _colour),
    136: LppType("gps", 9, _position),
    142: LppType("switch", 1, _number(1)),
}
"""By the number that the payload has."""


def read_lpp(payload: bytes) -> dict[str, Any]:
    """Return values by type and channel: ``temperature_1``; the last where one comes twice.

    Raises:
        WrongMessageError: A type is unknown, or the payload ends within a value.
    """
    found: dict[str, Any] = {}
    place, end = 0, len(payload)
    while place < end:
        if place + 2 > end:
            raise wrong_message("exchange.uplink_payload_short", needed=place + 2, length=end)
        channel, number = payload[place], payload[place + 1]
        kind = TYPES.get(number)
        if kind is None:
            raise wrong_message("exchange.uplink_lpp_type", type=number, position=place + 1)
        place += 2
        after = place + kind.length
        if after > end:
            raise wrong_message("exchange.uplink_payload_short", needed=after, length=end)
        found[f"{kind.name}_{channel}"] = kind.read(payload[place:after])
        place = after
    return found
