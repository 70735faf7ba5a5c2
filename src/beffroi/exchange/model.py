"""The nouns of the exchange: entities and their attributes, by expanded names.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5 and 5.2.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

Json = Any
"""What JSON can say: None, bool, int, float, str, list or dict of str."""

Iri = str
"""A name in full, as a @context expands it."""

LOCATION: Final = "https://uri.etsi.org/ngsi-ld/location"
"""The attribute that says where an entity is."""

SCOPE: Final = "https://uri.etsi.org/ngsi-ld/scope"
"""Under which name history keeps the scopes of an entity, as a Property."""


class AttributeKind(StrEnum):
    """What an attribute says of its entity."""

    PROPERTY = "Property"
    GEO_PROPERTY = "GeoProperty"
    LANGUAGE_PROPERTY = "LanguageProperty"
    VOCAB_PROPERTY = "VocabProperty"
    JSON_PROPERTY = "JsonProperty"
    LIST_PROPERTY = "ListProperty"
    RELATIONSHIP = "Relationship"
    LIST_RELATIONSHIP = "ListRelationship"


class Attribute(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One instance of an attribute; those of one name differ by ``dataset_id``.

    Attributes:
        value: Property, JsonProperty: any JSON. ListProperty: a list. GeoProperty: a GeoJSON
            geometry. LanguageProperty: text or texts by language. VocabProperty: an IRI or a list
            of them. Relationship: the id of an entity or a list of them. ListRelationship: a list.
        dataset_id: Which instance; "" is the default one.
        observed_at: When it was so in the world.
        observed_as: How ``observed_at`` was written, where it is not how we would write it.
        unit_code: UN/CEFACT code.
        value_type: Type of the value, as an IRI.
        object_type: Types of the entities that a relationship leads to.
        members: Attributes of the attribute.
    """

    kind: AttributeKind
    value: Json
    dataset_id: str = ""
    observed_at: datetime | None = None
    observed_as: str = ""
    expires_at: datetime | None = None
    unit_code: str = ""
    value_type: Iri = ""
    object_type: tuple[Iri, ...] = ()
    created_at: datetime | None = None
    modified_at: datetime | None = None
    members: dict[Iri, tuple["Attribute", ...]] = {}


class Entity(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something of the territory, as it is now.

    Attributes:
        id: A URI.
        types: At least one, in the order given.
        scopes: Where it stands in the hierarchies of its owner, each "/a/b".
        attributes: Instances by name; none of the lists is empty.
        expires_at: When a transient entity ends.
    """

    id: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...] = ()
    attributes: dict[Iri, tuple[Attribute, ...]] = {}
    created_at: datetime | None = None
    modified_at: datetime | None = None
    expires_at: datetime | None = None
