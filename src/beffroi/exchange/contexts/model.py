"""The nouns of @contexts that are kept."""

from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.exchange.model import Json


class ContextKind(StrEnum):
    """How a @context came to be kept."""

    HOSTED = "Hosted"
    CACHED = "Cached"
    IMPLICITLY_CREATED = "ImplicitlyCreated"


class KeptContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a @context that is kept, but for what it says.

    Attributes:
        id: Within the platform.
        name: The address that a cached one was fetched from.
        organisation: Whose a hosted one is; "" of others.
        hits: How often it was used or served.
    """

    id: str
    kind: ContextKind
    name: str
    organisation: str
    created_at: datetime
    last_used_at: datetime | None = None
    hits: int = 0


class ContextDocument(msgspec.Struct, frozen=True):
    """A @context that is kept, and what it says.

    Attributes:
        content: An object whose one member is ``@context``.
    """

    kept: KeptContext
    content: dict[str, Json]
