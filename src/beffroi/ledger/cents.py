"""Whole cents: rounding half up, and sharing by largest remainder."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Final

_CENTS: Final = 100


def rounded_half_up(exact: Fraction) -> int:
    """Round to the nearest whole number; a half goes away from 0."""
    doubled = 2 * abs(exact) + 1
    whole = doubled.numerator // (2 * doubled.denominator)
    return whole if exact >= 0 else -whole


def to_cents(exact: Decimal | Fraction) -> int:
    """Turn euros into cents, half up."""
    return rounded_half_up(Fraction(exact) * _CENTS)


def euros(cents: int) -> Decimal:
    """Turn cents into euros with two decimals."""
    return Decimal(cents).scaleb(-2)


def rounded_eur(exact: Decimal | Fraction) -> Decimal:
    """Round euros to whole cents, half up."""
    return euros(to_cents(exact))


def with_decimals(exact: Fraction, places: int) -> Decimal:
    """Write a fraction with so many decimals, half up."""
    return Decimal(rounded_half_up(exact * 10**places)).scaleb(-places)


def settled(exact: Mapping[str, Fraction]) -> dict[str, int]:
    """Round numbers so that their sum stays what it is, by largest remainder.

    Each is rounded towards 0 where the sum is; the units that are left go to the largest
    remainders, ties by name.

    Args:
        exact: Numbers by name; their sum is whole.
    """
    sign = -1 if sum(exact.values()) < 0 else 1
    below = {name: (sign * value) // 1 for name, value in exact.items()}
    left = int(sign * sum(exact.values())) - sum(below.values())
    by_remainder = sorted(exact, key=lambda name: (below[name] - sign * exact[name], name))
    lucky = set(by_remainder[:left])
    return {name: sign * (below[name] + (name in lucky)) for name in exact}


def shared_out(amount: Decimal, shares: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Share whole cents out to the last one.

    Args:
        amount: Euros with whole cents; negative for a revenue.
        shares: Shares of 1 by name, adding up to 1.
    """
    exact = {name: Fraction(amount) * _CENTS * share for name, share in shares.items()}
    return {name: euros(cents) for name, cents in settled(exact).items()}


def plain_number(number: Decimal) -> str:
    """Write a number for an explanation's values, without needless zeros."""
    return f"{number.normalize():f}"


def plain_eur(amount: Decimal) -> str:
    """Write euros for an explanation's values, with two decimals at least."""
    places = len(plain_number(amount).partition(".")[2])
    return f"{amount:.{max(places, 2)}f}"
