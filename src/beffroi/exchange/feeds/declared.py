"""The nouns of feeds: which entities a source tells of, as its owner declares it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from beffroi.territory.formats import FilePath, RelativePath, Slug

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
        str,
        Meta(
            max_length=60, description="As %d/%m/%Y %H:%M, or epoch, or epoch-ms; none: ISO 8601."
        ),
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


class FeedFormat(StrEnum):
    """How what a source holds is written."""

    AUTO = "auto"
    CSV = "csv"
    JSON = "json"
    GEOJSON = "geojson"
    XML = "xml"
    PARQUET = "parquet"
    HUBEAU_STATIONS = "hubeau-stations"
    HUBEAU_OBSERVATIONS = "hubeau-observations"
    GTFS_STOPS = "gtfs-stops"
    GTFS_ROUTES = "gtfs-routes"
    GTFS_TRIPS = "gtfs-trips"
    GTFS_RT_VEHICLES = "gtfs-rt-vehicles"
    GTFS_RT_TRIP_UPDATES = "gtfs-rt-trip-updates"
    GTFS_RT_ALERTS = "gtfs-rt-alerts"
    DATEX_MEASUREMENTS = "datex-measurements"
    DATEX_SITUATIONS = "datex-situations"
    SENSORTHINGS = "sensorthings"


class SourceKind(StrEnum):
    """Where rows come from."""

    FILE = "file"
    FOLDER = "folder"
    POLL = "poll"
    SQL = "sql"


class DeclaredPoll(_Declared, frozen=True, kw_only=True):
    """An address that is asked again and again."""

    url: Annotated[str, Meta(min_length=1, max_length=4096, description="What is asked: http(s).")]
    every: Annotated[
        str, Meta(max_length=60, description="As 30 s, 5 min, 2 h; or five fields of cron, in UTC.")
    ] = "5 min"
    headers: Annotated[
        Mapping[str, str], Meta(description="Sent along; {secret:NAME} stands for a secret.")
    ] = {}
    pages_most: Annotated[
        int, Meta(ge=1, le=10_000, description="Pages that are followed at most each time.")
    ] = 200
    size_most_mib: Annotated[
        int, Meta(ge=1, le=1024, description="Size of an answer at most, in MiB.")
    ] = 32


class DeclaredSql(_Declared, frozen=True, kw_only=True):
    """A query of a PostgreSQL that is asked again and again, from where it came to."""

    connection: Annotated[
        str,
        Meta(min_length=1, max_length=100, description="Secret: postgresql://user:key@host/db."),
    ]
    query: Annotated[str, Meta(min_length=1, max_length=20_000, description="One select.")]
    position: Annotated[
        Column, Meta(min_length=1, description="Column that grows with each row: a number, a time.")
    ]
    every: Annotated[
        str, Meta(max_length=60, description="As 30 s, 5 min, 2 h; or five fields of cron, in UTC.")
    ] = "1 min"


class Feed(_Declared, frozen=True, kw_only=True):
    """A source whose rows tell of entities of one type."""

    name: Annotated[Slug, Meta(description="Key of the feed.")]
    file: Annotated[FilePath | UnsetType, Meta(description="A file beside this one.")] = UNSET
    folder: Annotated[
        RelativePath | UnsetType, Meta(description="Folder whose files are taken as they come.")
    ] = UNSET
    pattern: Annotated[
        str, Meta(min_length=1, max_length=200, description="Names of its files: *.csv.")
    ] = "*"
    done_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)],
        Meta(description="Days that its files are kept for once they were read without a mistake."),
    ] = 90
    poll: Annotated[
        DeclaredPoll | UnsetType, Meta(description="Address that is asked by a schedule.")
    ] = UNSET
    sql: Annotated[DeclaredSql | UnsetType, Meta(description="Query of a partner's base.")] = UNSET
    format: Annotated[
        FeedFormat, Meta(description="How it is written; auto: as the name of a file tells.")
    ] = FeedFormat.AUTO
    rows: Annotated[
        str, Meta(max_length=300, description="Where rows are: path in JSON, name of XML elements.")
    ] = ""
    id: Annotated[
        Template, Meta(description="Id of an entity, {column} standing for its value.")
    ] = ""
    type: Annotated[str, Meta(max_length=300, description="Type of its entities.")] = ""
    attributes: Annotated[
        Mapping[str, DeclaredAttribute], Meta(description="What is told of an entity, by name.")
    ] = {}
    observed_at: Annotated[
        DeclaredInstant | UnsetType, Meta(description="When measured attributes were observed.")
    ] = UNSET
    decimals: Annotated[Decimals, Meta(description="What stands before decimals.")] = Decimals.POINT
    context: Annotated[
        tuple[str, ...], Meta(description="Addresses of the @context of its names.")
    ] = ()

    @property
    def kinds(self) -> tuple[SourceKind, ...]:
        """Return where its rows are said to come from; one place, if it is right."""
        told = {
            SourceKind.FILE: self.file,
            SourceKind.FOLDER: self.folder,
            SourceKind.POLL: self.poll,
            SourceKind.SQL: self.sql,
        }
        return tuple(kind for kind, one in told.items() if one is not UNSET)

    @property
    def kind(self) -> SourceKind:
        """Return where its rows come from."""
        return self.kinds[0]

    @property
    def place(self) -> str:
        """Return the name of its source, as people know it."""
        match self.kind:
            case SourceKind.POLL:
                return "" if self.poll is UNSET else self.poll.url
            case SourceKind.SQL:
                return "" if self.sql is UNSET else self.sql.connection
            case SourceKind.FOLDER:
                return f"{self.folder}/{self.pattern}"
        return str(self.file)
