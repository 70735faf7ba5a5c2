"""What the platform and the filler say to one another."""

from typing import Final

import msgspec

PLATFORM_DOOR: Final = "platform"


class Purged(msgspec.Struct, frozen=True):
    """How many pages a purge took away."""

    purged: int


class Refusal(msgspec.Struct, frozen=True):
    """Why a purge was not done."""

    error: str
