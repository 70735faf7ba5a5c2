"""What became of a fill."""

from typing import Final

import msgspec

from beffroi.delivery.filler.origin import Fetched
from beffroi.delivery.filler.shelf import Kept

# The reason of a fill that began before a purge of its page.
OVERTAKEN: Final = "purged"


class Stored(msgspec.Struct, frozen=True):
    """The page is kept."""

    kept: Kept


class Unstored(msgspec.Struct, frozen=True):
    """The origin answered what must not be kept; it is for the one who asked first."""

    reason: str
    fetched: Fetched | None


class Lost(msgspec.Struct, frozen=True):
    """The origin gave nothing, or told of a failure of its own."""

    reason: str
    fetched: Fetched | None = None


Outcome = Stored | Unstored | Lost
