"""The nouns of retention."""

from typing import Annotated

import msgspec
from msgspec import Meta

Days = Annotated[int, Meta(ge=1, le=36_525)]


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the history of a type is kept."""

    type: Annotated[str, Meta(min_length=1, description="The type in full, as an IRI.")]
    raw_days: Annotated[Days, Meta(description="How many days every instance is kept.")]
    rolled_days: Annotated[
        Days, Meta(description="How many days figures of hours and days are kept.")
    ]
    tenant: Annotated[str, Meta(max_length=128, description="Of which tenant.")] = ""
