"""Parts of entities, as requests that change them carry them."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import AttributeKind, Iri, Json


class AttributeFragment(msgspec.Struct, frozen=True, kw_only=True):
    """One instance of an attribute as it should be, or the part of it that should change.

    Attributes:
        name: Its path in the request, for messages.
        kind: What the request says or shows it to be; None where it tells nothing.
        told: Whether the request names the kind rather than showing it.
        deletes: Whether the request asks to delete the instance (an NGSI-LD Null).
        value: As in the model; UNSET where the request leaves it. NGSI-LD Null may stand inside.
        raw: The value before it was read, for attributes of another kind that a merge meets.
        dataset_id: Which instance; "" is the default one.
        fields: Other fields of the model that the request sets; an empty one it removes.
        members: Attributes of the attribute.
    """

    name: str
    kind: AttributeKind | None = None
    told: bool = False
    deletes: bool = False
    value: Json | UnsetType = UNSET
    raw: Json | UnsetType = UNSET
    dataset_id: str = ""
    fields: dict[str, Any] = {}
    members: dict[Iri, tuple["AttributeFragment", ...]] = {}

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return not (self.deletes or self.fields or self.members or self.value is not UNSET)


class EntityFragment(msgspec.Struct, frozen=True, kw_only=True):
    """The part of an entity that should change.

    Attributes:
        context: Where the names and terms of the request get their meaning from.
        types: What to add.
        scopes: What they become; UNSET leaves them, none removes them.
        expires_at: When it ends; UNSET leaves it, None takes it away.
        attributes: Instances by name.
    """

    context: Context
    types: tuple[Iri, ...] = ()
    scopes: tuple[str, ...] | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET
    attributes: dict[Iri, tuple[AttributeFragment, ...]] = {}

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return not (
            self.types
            or self.attributes
            or self.scopes is not UNSET
            or self.expires_at is not UNSET
        )
