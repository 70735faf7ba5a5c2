"""Numbers and units as people write them, taken exactly or refused."""

import re
import unicodedata
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

import msgspec

from beffroi.capacity.inventories.findings import wrong
from beffroi.capacity.inventories.kinds import ByteUnits
from beffroi.capacity.model import Resource

_SPACES: Final = re.compile(r"(?<=\d)[ \u00a0\u202f'](?=\d{3}(?!\d))")
_QUANTITY: Final = re.compile(r"([+-]?)([\d.,]+)(?:[eE]([+-]?\d{1,2}))?\s*([^\W\d_]+|%)?")
_GROUPED: Final = re.compile(r"\d{1,3}(?:,\d{3})+")
_WHOLE: Final = re.compile(r"\d{1,3}(?:[ .,\u00a0\u202f'\u2019]\d{3})+")
_SIGNS: Final = re.compile(r"\D")
_PLAIN: Final = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_PREFIXES: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE: Final = re.compile(r"([kmgtp])(i?)[bo]")
_CPU_UNITS: Final = {
    "milli": Decimal(1),
    "millicores": Decimal(1),
    "mcpu": Decimal(1),
    "cores": Decimal(1000),
    "core": Decimal(1000),
    "coeurs": Decimal(1000),
    "coeur": Decimal(1000),
    "vcpu": Decimal(1000),
    "vcpus": Decimal(1000),
}
_CLOCKS: Final = {"ghz": Decimal(1), "mhz": Decimal("0.001")}
_MAXIMA: Final = {
    Resource.CPU: 4096 * 1000,
    Resource.MEMORY: 65_536 * 1024,
    Resource.DISK: 10_000_000,
    Resource.IO: 100_000_000,
}
_BYTES_OF: Final = {Resource.MEMORY: 1024**2, Resource.DISK: 1024**3}
_TOLD_UNITS: Final = {
    Resource.CPU: "mcpu",
    Resource.MEMORY: "MiB",
    Resource.DISK: "GiB",
    Resource.IO: "IO/s",
}


class UnitRules(msgspec.Struct, frozen=True):
    """What a file's units stand for.

    Attributes:
        ghz_per_core: Clock of a core; 0: unknown.
        comma_separates: Commas separate the file's cells, so that 1,234 may be either number.
        whole_numbers: All its numbers are whole, so that any sign within one groups thousands.
    """

    byte_units: ByteUnits = ByteUnits.UNSTATED
    ghz_per_core: float = 0.0
    comma_separates: bool = False
    whole_numbers: bool = False


def plain_word(text: str) -> str:
    """Write a word in small letters without accents or ligatures."""
    opened = text.replace("œ", "oe").replace("Œ", "oe")
    split = unicodedata.normalize("NFKD", opened.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter))


def is_unit(word: str) -> bool:
    """Tell whether a plain word is a unit of an amount."""
    return word in _CPU_UNITS or word in _CLOCKS or _SIZE.fullmatch(word) is not None


def number_of(text: str, *, comma_separates: bool = False) -> tuple[Decimal, str]:
    """Return a written number and the unit behind it, if one is written.

    A comma is a decimal comma; spaces group thousands; 1,234 is refused where it may be 1234.

    Raises:
        WrongValueError: It is no number, or may be two.
    """
    found = _QUANTITY.fullmatch(_SPACES.sub("", text.strip()))
    if found is None:
        raise wrong("capacity.not_a_number")
    sign, digits, exponent, unit = found.groups()
    if comma_separates and digits.count(",") == 1 and _GROUPED.fullmatch(digits):
        raise wrong("capacity.number_ambiguous")
    written = _with_point(digits)
    if not _PLAIN.fullmatch(written):
        raise wrong("capacity.not_a_number")
    number = Decimal(f"{sign}{written}E{exponent or 0}")
    return number, plain_word(unit or "")


def bounded_number(text: str, maximum: int, *, comma_separates: bool = False) -> Decimal:
    """Return a written number without a unit, from 0 to a bound.

    Raises:
        WrongValueError: It is no such number.
    """
    number, unit = number_of(text, comma_separates=comma_separates)
    if unit:
        raise wrong("capacity.not_a_number")
    if number < 0:
        raise wrong("capacity.amount_negative")
    if number > maximum:
        raise wrong("capacity.amount_absurd", maximum=maximum, unit="")
    return number


def _with_point(digits: str) -> str:
    whole, point, decimals = digits.rpartition(".")
    if point and _GROUPED.fullmatch(whole):
        return f"{whole.replace(',', '')}.{decimals}"
    if digits.count(",") > 1 and _GROUPED.fullmatch(digits):
        return digits.replace(",", "")
    return digits if point else digits.replace(",", ".")


def amount_of(
    text: str, resource: Resource, unit: str, rules: UnitRules, *, needed: bool = True
) -> int:
    """Return a written amount in the unit of its resource.

    Args:
        text: The number, perhaps with a unit of its own, which then prevails.
        resource: What it is an amount of.
        unit: The unit that its heading gives, if it does.
        rules: What units stand for.
        needed: It is something needed, rounded up; otherwise something offered, rounded down.

    Raises:
        WrongValueError: No number, no unit, a unit that may mean two things, or an absurd amount.
    """
    if rules.whole_numbers and _WHOLE.fullmatch(text):
        text = _SIGNS.sub("", text)
    number, own_unit = number_of(text, comma_separates=rules.comma_separates)
    exact = number * unit_factor(resource, own_unit or unit, rules)
    if exact < 0:
        raise wrong("capacity.amount_negative")
    if exact > _MAXIMA[resource]:
        raise wrong("capacity.amount_absurd", maximum=_MAXIMA[resource], unit=_TOLD_UNITS[resource])
    return int(exact.to_integral_value(ROUND_CEILING if needed else ROUND_FLOOR))


def unit_factor(resource: Resource, unit: str, rules: UnitRules) -> Decimal:
    """Return what one unit is worth in the unit of the resource.

    Raises:
        WrongValueError: There is no unit, or one that is unknown or may mean two things.
    """
    if resource is Resource.IO:
        return Decimal(1)
    if resource is Resource.CPU:
        return _cpu_factor(unit, rules)
    size = _SIZE.fullmatch(unit)
    if size is None:
        raise wrong("capacity.unit_unknown" if unit else "capacity.unit_missing", unit=unit)
    prefix, binary = size.groups()
    if not binary and rules.byte_units is ByteUnits.UNSTATED:
        raise wrong("capacity.unit_ambiguous", unit=unit)
    step = 1024 if binary or rules.byte_units is ByteUnits.BINARY else 1000
    return Decimal(step ** _PREFIXES[prefix]) / _BYTES_OF[resource]


def _cpu_factor(unit: str, rules: UnitRules) -> Decimal:
    if unit in _CPU_UNITS:
        return _CPU_UNITS[unit]
    if unit not in _CLOCKS:
        raise wrong("capacity.unit_unknown" if unit else "capacity.unit_missing", unit=unit)
    if not rules.ghz_per_core:
        raise wrong("capacity.clock_unknown", unit=unit)
    return _CLOCKS[unit] * 1000 / Decimal(str(rules.ghz_per_core))
