"""Conversions between units of measure, by their UN/CEFACT codes.

Source: UNECE Recommendation No. 20, Codes for Units of Measure Used in International Trade; factors
as it gives them.
"""

from collections.abc import Mapping
from decimal import Context, Decimal
from enum import StrEnum
from typing import Final, NamedTuple


class Quantity(StrEnum):
    """What is measured; units of one quantity can be converted."""

    TEMPERATURE = "temperature"
    SPEED = "speed"
    LENGTH = "length"
    AREA = "area"
    VOLUME = "volume"
    FLOW = "flow"
    MASS = "mass"
    PRESSURE = "pressure"
    POWER = "power"
    ENERGY = "energy"
    TIME = "time"
    SHARE = "share"
    CURRENT = "current"
    VOLTAGE = "voltage"
    CONCENTRATION = "concentration"


class _Unit(NamedTuple):
    """A unit: ``value * factor + offset`` is the value in the quantity's first unit."""

    quantity: Quantity
    factor: Decimal
    offset: Decimal = Decimal(0)


_DIGITS: Final = Context(prec=34)


def _ratio(over: str, under: str) -> Decimal:
    return _DIGITS.divide(Decimal(over), Decimal(under))


def _of(quantity: Quantity, factors: Mapping[str, str | Decimal]) -> dict[str, _Unit]:
    return {code: _Unit(quantity, Decimal(factor)) for code, factor in factors.items()}


_UNITS: Final[Mapping[str, _Unit]] = {
    "KEL": _Unit(Quantity.TEMPERATURE, Decimal(1)),
    "CEL": _Unit(Quantity.TEMPERATURE, Decimal(1), Decimal("273.15")),
    "FAH": _Unit(Quantity.TEMPERATURE, _ratio("5", "9"), _ratio("2298.35", "9")),
    **_of(
        Quantity.SPEED,
        {
            "MTS": "1",
            "KMH": _ratio("1", "3.6"),
            "KNT": _ratio("1852", "3600"),
            "HM": "0.44704",
            "FS": "0.3048",
        },
    ),
    **_of(
        Quantity.LENGTH,
        {
            "MTR": "1",
            "KMT": "1000",
            "DMT": "0.1",
            "CMT": "0.01",
            "MMT": "0.001",
            "INH": "0.0254",
            "FOT": "0.3048",
            "YRD": "0.9144",
            "SMI": "1609.344",
            "NMI": "1852",
        },
    ),
    **_of(Quantity.AREA, {"MTK": "1", "HAR": "10000", "KMK": "1000000", "CMK": "0.0001"}),
    **_of(Quantity.VOLUME, {"MTQ": "1", "LTR": "0.001", "MLT": "0.000001", "HLT": "0.1"}),
    **_of(
        Quantity.FLOW,
        {
            "MQS": "1",
            "MQH": _ratio("1", "3600"),
            "G51": "0.001",
            "L2": _ratio("0.001", "60"),
            "E32": _ratio("0.001", "3600"),
        },
    ),
    **_of(
        Quantity.MASS, {"KGM": "1", "GRM": "0.001", "MGM": "0.000001", "TNE": "1000", "DTN": "100"}
    ),
    **_of(
        Quantity.PRESSURE,
        {"PAL": "1", "A97": "100", "KPA": "1000", "MBR": "100", "BAR": "100000", "ATM": "101325"},
    ),
    **_of(Quantity.POWER, {"WTT": "1", "KWT": "1000", "MAW": "1000000", "A90": "1000000000"}),
    **_of(
        Quantity.ENERGY,
        {"JOU": "1", "KJO": "1000", "WHR": "3600", "KWH": "3600000", "MWH": "3600000000"},
    ),
    **_of(
        Quantity.TIME,
        {"SEC": "1", "C26": "0.001", "MIN": "60", "HUR": "3600", "DAY": "86400", "WEE": "604800"},
    ),
    **_of(Quantity.SHARE, {"C62": "1", "P1": "0.01", "NX": "0.001", "59": "0.000001"}),
    **_of(Quantity.CURRENT, {"AMP": "1", "4K": "0.001"}),
    **_of(Quantity.VOLTAGE, {"VLT": "1", "2Z": "0.001", "KVT": "1000"}),
    **_of(Quantity.CONCENTRATION, {"GQ": "1", "GP": "1000", "A93": "1000000", "M1": "1000000"}),
}
KNOWN_UNITS: Final = tuple(sorted(_UNITS))


def can_convert(held: str, wanted: str) -> bool:
    """Tell whether both are units of one quantity."""
    if held == wanted:
        return True
    one, other = _UNITS.get(held), _UNITS.get(wanted)
    return one is not None and other is not None and one.quantity is other.quantity


def converted(value: float, held: str, wanted: str) -> float:
    """Convert a value; what is exact in tenths comes out so, 20 CEL as 68.0 FAH.

    Args:
        value: In the unit that is held.
        held: A code that can be converted to the one wanted.
        wanted: A code.
    """
    if held == wanted:
        return value
    one, other = _UNITS[held], _UNITS[wanted]
    base = _DIGITS.fma(Decimal(repr(value)), one.factor, one.offset)
    return float(_DIGITS.divide(_DIGITS.subtract(base, other.offset), other.factor))
