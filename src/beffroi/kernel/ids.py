"""Identifiers: sortable by time of birth, and names that people choose."""

import re
import secrets
from datetime import datetime

SLUG_PATTERN = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
SLUG_MAX_LENGTH = 40
_SLUG = re.compile(SLUG_PATTERN)
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_RANDOM_BITS = 40
_LENGTH = 18


def new_id(born_at: datetime) -> str:
    """Make an identifier of 18 characters that sorts by its millisecond of birth.

    Crockford's base 32: 50 bits of time in milliseconds, then 40 random bits.
    """
    number = (int(born_at.timestamp() * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)
    return "".join(_ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_LENGTH)))


def is_slug(name: str) -> bool:
    """Tell whether a name may be part of a host name, a path and a database name."""
    return len(name) <= SLUG_MAX_LENGTH and _SLUG.fullmatch(name) is not None
