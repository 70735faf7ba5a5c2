"""The nouns of connectors: which changes go where, under which names and in which units."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from beffroi.territory.formats import HostName, Slug

Text = Annotated[str, Meta(min_length=1, max_length=300)]
Port = Annotated[int, Meta(ge=1, le=65535)]
SecretRef = Annotated[
    str, Meta(min_length=1, max_length=100, description="Name of a secret that was set.")
]


class Part(StrEnum):
    """What of an attribute is told."""

    VALUE = "value"
    OBSERVED_AT = "observedAt"
    UNIT = "unitCode"
    LONGITUDE = "longitude"
    LATITUDE = "latitude"


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the section has in common."""


class MappedField(_Declared, frozen=True, kw_only=True):
    """Where the value of one of the receiver's names comes from."""

    attribute: Annotated[
        Text, Meta(description="Attribute, or one of id, type, observedAt, modifiedAt.")
    ]
    part: Annotated[Part, Meta(description="What of it is told.")] = Part.VALUE
    unit: Annotated[
        str, Meta(max_length=10, description="UN/CEFACT code that the receiver counts in: FAH.")
    ] = ""
    unit_held: Annotated[
        str, Meta(max_length=10, description="UN/CEFACT code of values that carry none.")
    ] = ""
    divided_by: Annotated[str, Meta(max_length=300, description="Attribute that divides it.")] = ""
    digits: Annotated[
        Annotated[int, Meta(ge=0, le=12)] | UnsetType, Meta(description="Decimals to round to.")
    ] = UNSET
    language: Annotated[
        str, Meta(max_length=20, description="Which of the texts of a LanguageProperty.")
    ] = ""
    dataset: Annotated[str, Meta(max_length=1000, description="Id of the instance to take.")] = ""
    required: Annotated[
        bool, Meta(description="An entity without it is refused, rather than told without.")
    ] = False


class Area(_Declared, frozen=True, kw_only=True):
    """Where entities have to be."""

    georel: Annotated[Text, Meta(description="within, intersects, near;maxDistance==500 ...")]
    geometry: Annotated[Text, Meta(description="Point, Polygon ...")]
    coordinates: Annotated[list[Any], Meta(description="As of GeoJSON: longitude, latitude.")]
    geoproperty: Annotated[
        str, Meta(max_length=300, description="Attribute that says where; location.")
    ] = "location"


class WebhookTarget(_Declared, frozen=True, kw_only=True):
    """A receiver over HTTP; each request is signed."""

    url: Annotated[str, Meta(min_length=1, max_length=2000, description="http or https.")]
    secret: Annotated[SecretRef, Meta(description="Names the secret that requests are signed by.")]
    rows_most: Annotated[
        Annotated[int, Meta(ge=1, le=1000)], Meta(description="Changes in one request.")
    ] = 1
    within_s: Annotated[
        Annotated[float, Meta(gt=0, le=60)], Meta(description="How long to wait, in seconds.")
    ] = 10.0


class MqttTarget(_Declared, frozen=True, kw_only=True):
    """A broker that changes are published to, QoS 1."""

    host: Annotated[HostName, Meta(description="Of the broker.")]
    topic: Annotated[
        Text, Meta(description="{name} stands for the field of that name, such as town/{code}.")
    ]
    port: Annotated[Port, Meta(description="Of the broker.")] = 8883
    tls: Annotated[bool, Meta(description="Encrypt, and check the broker's certificate.")] = True
    user: Annotated[str, Meta(max_length=300, description="Who signs in; empty: nobody.")] = ""
    secret: Annotated[str, Meta(max_length=100, description="Names the password.")] = ""
    retained: Annotated[bool, Meta(description="The broker keeps the last for newcomers.")] = False


class TableTarget(_Declared, frozen=True, kw_only=True):
    """A table of a partner's PostgreSQL; rows are put in the place of those of the same key."""

    host: Annotated[HostName, Meta(description="Of the server.")]
    database: Annotated[Text, Meta(description="Which database.")]
    user: Annotated[Text, Meta(description="Who signs in.")]
    secret: Annotated[SecretRef, Meta(description="Names the password.")]
    table: Annotated[Text, Meta(description="Which table; its columns are the fields.")]
    key: Annotated[
        Annotated[tuple[str, ...], Meta(min_length=1, max_length=20)],
        Meta(description="Columns that tell rows apart: a primary key or unique index."),
    ]
    schema: Annotated[Text, Meta(description="Where the table is.")] = "public"
    port: Annotated[Port, Meta(description="Of the server.")] = 5432
    tls: Annotated[bool, Meta(description="Encrypt, and check the server's certificate.")] = True
    rows_most: Annotated[
        Annotated[int, Meta(ge=1, le=5000)], Meta(description="Rows in one transaction.")
    ] = 500


class SftpTarget(_Declared, frozen=True, kw_only=True):
    """A folder that tables are dropped in, as CSV."""

    host: Annotated[HostName, Meta(description="Of the server.")]
    user: Annotated[Text, Meta(description="Who signs in.")]
    secret: Annotated[
        SecretRef, Meta(description="Names the password, or the private key in OpenSSH's form.")
    ]
    host_key: Annotated[
        Annotated[str, Meta(min_length=1, max_length=2000)],
        Meta(description="Public key of the server: ssh-ed25519 AAAA..."),
    ]
    folder: Annotated[Annotated[str, Meta(max_length=1000)], Meta(description="Where to.")] = "."
    port: Annotated[Port, Meta(description="Of the server.")] = 22
    every_s: Annotated[
        Annotated[float, Meta(gt=0, le=86400)],
        Meta(description="Seconds that changes are gathered for before a file is made."),
    ] = 300.0
    rows_most: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)], Meta(description="Rows of a file.")
    ] = 10_000
    separator: Annotated[str, Meta(min_length=1, max_length=1, description="Of columns.")] = ";"


class Connector(_Declared, frozen=True, kw_only=True):
    """Changes of some entities, told to one receiver in its own words."""

    name: Annotated[Slug, Meta(description="Key of the connector.")]
    types: Annotated[
        Annotated[tuple[Text, ...], Meta(min_length=1, max_length=100)],
        Meta(description="Types of the entities."),
    ]
    fields: Annotated[
        Annotated[Mapping[str, MappedField], Meta(min_length=1, max_length=200)],
        Meta(description="The receiver's names, each with where its value comes from."),
    ]
    q: Annotated[str, Meta(max_length=5000, description="Condition on them, as of NGSI-LD.")] = ""
    area: Annotated[Area | UnsetType, Meta(description="Where they have to be.")] = UNSET
    watched: Annotated[
        tuple[Text, ...], Meta(description="Attributes whose changes are told; none: every one.")
    ] = ()
    deletions: Annotated[bool, Meta(description="Tell of entities that are deleted too.")] = False
    context: Annotated[
        tuple[str, ...], Meta(description="Addresses of the @context of the names.")
    ] = ()
    tenant: Annotated[str, Meta(max_length=128, description="Whose entities.")] = ""
    purpose: Annotated[
        str, Meta(max_length=200, description="What others' entities are wanted for.")
    ] = ""
    webhook: WebhookTarget | UnsetType = UNSET
    mqtt: MqttTarget | UnsetType = UNSET
    table: TableTarget | UnsetType = UNSET
    sftp: SftpTarget | UnsetType = UNSET


class TargetKind(StrEnum):
    """What a connector writes to; also the kind of its flow."""

    WEBHOOK = "webhook"
    MQTT = "mqtt"
    TABLE = "table"
    SFTP = "sftp"


Target = WebhookTarget | MqttTarget | TableTarget | SftpTarget


def targets_of(connector: Connector) -> dict[TargetKind, Target]:
    """Return the targets that a connector declares; it should be one."""
    found: dict[TargetKind, Target] = {}
    for kind in TargetKind:
        target = getattr(connector, kind.value)
        if target is not UNSET:
            found[kind] = target
    return found
