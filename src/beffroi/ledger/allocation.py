"""Allocation keys: from what bodies are and use to exact shares of 1; pure.

A key whose units are all zero shares equally, and says so. ``shared_out`` of ``ledger.cents``
turns shares into cents.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.cents import plain_number, with_decimals
from beffroi.ledger.model import AllocationKey, Body, Explanation, KeyBasis, UsageUnit

EQUAL_UNIT: Final = "equal_share"
PERCENT_UNIT: Final = "percent"
PART_CODE: Final = "key_part"
_UNITS: Final = {
    KeyBasis.INHABITANTS: "inhabitant",
    KeyBasis.POSTS: "post",
    KeyBasis.FIXED: "weight",
}

UsageByBody = Mapping[str, Mapping[UsageUnit, Decimal]]


class BodyShare(msgspec.Struct, frozen=True):
    """What a body has of a cost: its share of 1, its units of operation, and why."""

    share: Fraction
    units: Decimal
    explanation: Explanation


class KeyShares(msgspec.Struct, frozen=True):
    """A key applied to a month.

    Attributes:
        unit: Key of ``ledger.units``: what the units of operation are.
        all_units: Their sum.
        bodies: By name; the shares add up to 1.
    """

    unit: str
    all_units: Decimal
    bodies: Mapping[str, BodyShare]

    @property
    def shares(self) -> Mapping[str, Fraction]:
        """The shares of 1 by body."""
        return {name: body.share for name, body in self.bodies.items()}


class KeyUse(msgspec.Struct, frozen=True):
    """What keys are applied to.

    Attributes:
        keys: By name; MIXED ones lead to no cycle.
        sharers: The bodies that share, at least one.
        usage: What the organisations of each body used.
    """

    keys: Mapping[str, AllocationKey]
    sharers: Mapping[str, Body]
    usage: UsageByBody


def key_shares(name: str, use: KeyUse) -> KeyShares:
    """Apply a key.

    Raises:
        InvalidInputError: Its floor or ceiling cannot hold for so many bodies.
    """
    key = use.keys[name]
    return _bounded_shares(key, _shares_by_basis(key, use))


def shares_of(weights: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """Turn weights of 0 or above into shares of 1; equal ones when all are 0."""
    total = sum(weights.values())
    if total == 0:
        return {name: Fraction(1, len(weights)) for name in weights}
    return {name: weight / total for name, weight in weights.items()}


def bounds_hold(key: AllocationKey, bodies: int) -> bool:
    """Tell whether so many bodies can all be within a key's floor and ceiling."""
    return (
        key.floor_percent <= key.ceiling_percent
        and key.floor_percent * bodies <= 100 <= key.ceiling_percent * bodies
    )


def bounded(
    weights: Mapping[str, Fraction], floor: Fraction, ceiling: Fraction
) -> dict[str, Fraction]:
    """Share 1 by weights, none below the floor, none above the ceiling.

    Whoever breaks a bound is put on it, and the others share the rest by their weights, until
    none does. Floors go first where both are broken and more lies below than above; the answer
    does not depend on the order of names.

    Args:
        weights: At least one, 0 or above.
        floor: At most 1 over the number of weights.
        ceiling: At least 1 over the number of weights.
    """
    held: dict[str, Fraction] = {}
    while True:
        free = {name: weight for name, weight in weights.items() if name not in held}
        rest = 1 - sum(held.values())
        tried = {name: rest * share for name, share in shares_of(free).items()}
        below = {name: floor for name, share in tried.items() if share < floor}
        above = {name: ceiling for name, share in tried.items() if share > ceiling}
        if not below and not above:
            return {name: held.get(name, tried.get(name, floor)) for name in weights}
        missing = sum(floor - tried[name] for name in below)
        too_much = sum(tried[name] - ceiling for name in above)
        held |= below if missing >= too_much else above


def _shares_by_basis(key: AllocationKey, use: KeyUse) -> KeyShares:
    match key.basis:
        case KeyBasis.EQUAL:
            return _equal(use, "key_equal")
        case KeyBasis.MIXED:
            return _mixed(key, use)
        case KeyBasis.USAGE:
            return _usage(key, use)
        case KeyBasis.INHABITANTS | KeyBasis.POSTS | KeyBasis.FIXED:
            return _told_units(
                f"key_{key.basis}", _UNITS[key.basis], _declared_units(key, use), use
            )


def _equal(use: KeyUse, code: str) -> KeyShares:
    count = len(use.sharers)
    told = Explanation(code, {"all_units": str(count)})
    one = BodyShare(Fraction(1, count), Decimal(1), told)
    return KeyShares(EQUAL_UNIT, Decimal(count), dict.fromkeys(use.sharers, one))


def _declared_units(key: AllocationKey, use: KeyUse) -> dict[str, Decimal]:
    if key.basis is KeyBasis.FIXED:
        return {name: key.weights.get(name, Decimal(0)) for name in use.sharers}
    if key.basis is KeyBasis.POSTS:
        return {name: Decimal(body.posts) for name, body in use.sharers.items()}
    return {name: Decimal(body.inhabitants) for name, body in use.sharers.items()}


def _told_units(code: str, unit: str, units: Mapping[str, Decimal], use: KeyUse) -> KeyShares:
    total = sum(units.values(), Decimal(0))
    if total == 0:
        return _equal(use, "key_unused")
    shares = shares_of({name: Fraction(count) for name, count in units.items()})
    bodies = {}
    for name, count in units.items():
        values = {
            "units": plain_number(count),
            "all_units": plain_number(total),
            "unit": unit,
        }
        bodies[name] = BodyShare(shares[name], count, Explanation(code, values))
    return KeyShares(unit, total, bodies)


def _usage(key: AllocationKey, use: KeyUse) -> KeyShares:
    by_unit = {
        unit: {name: use.usage.get(name, {}).get(unit, Decimal(0)) for name in use.sharers}
        for unit, weight in key.units.items()
        if weight > 0
    }
    used = {unit: units for unit, units in sorted(by_unit.items()) if any(units.values())}
    if not used:
        return _equal(use, "key_unused")
    parts = [
        (Fraction(key.units[unit]), _told_units("key_usage", unit.value, units, use))
        for unit, units in used.items()
    ]
    return parts[0][1] if len(parts) == 1 else _combined("key_usages", parts, use)


def _mixed(key: AllocationKey, use: KeyUse) -> KeyShares:
    parts = [
        (Fraction(weight), key_shares(name, use))
        for name, weight in sorted(key.parts.items())
        if weight > 0
    ]
    return _combined("key_mixed", parts, use) if parts else _equal(use, "key_unused")


def _combined(code: str, parts: list[tuple[Fraction, KeyShares]], use: KeyUse) -> KeyShares:
    """Add up shares by weights; the units of operation are percent."""
    total = sum(weight for weight, _ in parts)
    bodies = {}
    for name in use.sharers:
        share = sum((weight / total * part.shares[name] for weight, part in parts), Fraction(0))
        told = tuple(
            Explanation(
                PART_CODE,
                {"percent": told_percent(weight / total)},
                (part.bodies[name].explanation,),
            )
            for weight, part in parts
        )
        values = {"percent": told_percent(share)}
        bodies[name] = BodyShare(share, _percent(share), Explanation(code, values, told))
    return KeyShares(PERCENT_UNIT, Decimal(100), bodies)


def _bounded_shares(key: AllocationKey, found: KeyShares) -> KeyShares:
    if not bounds_hold(key, len(found.bodies)):
        raise InvalidInputError(
            "ledger.bounds_infeasible",
            key=key.name,
            floor=plain_number(key.floor_percent),
            ceiling=plain_number(key.ceiling_percent),
            count=len(found.bodies),
        )
    floor, ceiling = Fraction(key.floor_percent) / 100, Fraction(key.ceiling_percent) / 100
    after = bounded(found.shares, floor, ceiling)
    if after == found.shares:
        return found
    bodies = {
        name: _moved(body, after[name], floor, ceiling) for name, body in found.bodies.items()
    }
    return KeyShares(found.unit, found.all_units, bodies)


def _moved(body: BodyShare, share: Fraction, floor: Fraction, ceiling: Fraction) -> BodyShare:
    """Tell a share that a floor or a ceiling changed, its own or another's."""
    if share == body.share:
        return body
    code = {floor: "key_at_floor", ceiling: "key_at_ceiling"}.get(share, "key_makes_room")
    moved = Explanation(code, {"percent": told_percent(share)})
    told = msgspec.structs.replace(body.explanation, parts=(*body.explanation.parts, moved))
    return BodyShare(share, body.units, told)


def told_percent(share: Fraction) -> str:
    """Write a share of 1 in percent, with four decimals."""
    return plain_number(with_decimals(share * 100, 4))


def _percent(share: Fraction) -> Decimal:
    return with_decimals(share * 100, 6)
