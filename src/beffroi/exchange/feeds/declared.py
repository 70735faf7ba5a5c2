"""The nouns of ``feeds.yaml``: which entities a file holds, as its owner declares it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from beffroi.territory.formats import FilePath, Slug

Column = Annotated[str, Meta(max_length=300)]
Template = Annotated[str, Meta(max_length=1000)]


class ValueKind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    TIME = "time"


class Decimals(StrEnum):
    """What stands before the decimals of a number."""

    POINT = "."
    COMMA = ","


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the file has in common."""


class DeclaredInstant(_Declared, frozen=True, kw_only=True):
    """When measures were made."""

    column: Annotated[Column, Meta(description="Column that tells when.")]
    zone: Annotated[
        str, Meta(max_length=60, description="Time zone of times that name none: Europe/Paris.")
    ] = "UTC"
    format: Annotated[
        str, Meta(max_length=60, description="As %d/%m/%Y %H:%M; left out: ISO 8601.")
    ] = ""


class DeclaredAttribute(_Declared, frozen=True, kw_only=True):
    """Where an attribute comes from: a column, two, the geometry, or ids of other entities."""

    column: Annotated[Column, Meta(description="Column of a Property; empty cells give none.")] = ""
    kind: Annotated[ValueKind, Meta(description="What the column holds.")] = ValueKind.TEXT
    unit: Annotated[
        str, Meta(max_length=30, description="UN/CEFACT code of its unit, such as MQS.")
    ] = ""
    divided_by: Annotated[Column, Meta(description="Column of numbers that divides it.")] = ""
    longitude: Annotated[Column, Meta(description="Column of a point, degrees of WGS 84.")] = ""
    latitude: Annotated[Column, Meta(description="Column of a point, degrees of WGS 84.")] = ""
    geometry: Annotated[bool, Meta(description="The geometry of a GeoJSON feature.")] = False
    object: Annotated[
        Template, Meta(description="Id of the entity it leads to, {column} standing for its value.")
    ] = ""
    measured: Annotated[bool, Meta(description="Observed when observed_at says.")] = False


class Feed(_Declared, frozen=True, kw_only=True):
    """A file whose rows tell of entities of one type."""

    name: Annotated[Slug, Meta(description="Key of the feed.")]
    file: Annotated[FilePath, Meta(description="CSV or GeoJSON, .gz or not, beside this file.")]
    id: Annotated[Template, Meta(description="Id of an entity, {column} standing for its value.")]
    type: Annotated[str, Meta(min_length=1, max_length=300, description="Type of its entities.")]
    attributes: Annotated[
        Mapping[str, DeclaredAttribute], Meta(description="What is told of an entity, by name.")
    ]
    observed_at: Annotated[
        DeclaredInstant | UnsetType, Meta(description="When measured attributes were observed.")
    ] = UNSET
    decimals: Annotated[Decimals, Meta(description="What stands before decimals.")] = Decimals.POINT
    context: Annotated[
        tuple[str, ...], Meta(description="Addresses of the @context of its names.")
    ] = ()


class FeedsFile(_Declared, frozen=True, kw_only=True):
    """What ``feeds.yaml`` holds."""

    feeds: Annotated[Mapping[str, Feed], Meta(min_length=1, description="Feeds by name.")]
