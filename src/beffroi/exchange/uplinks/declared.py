"""The nouns of the section ``uplinks``: which entities the messages of devices tell of."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from beffroi.exchange.feeds.declared import Template, ValueKind
from beffroi.territory.formats import RelativePath, Slug

FieldPath = Annotated[str, Meta(max_length=300)]


class Network(StrEnum):
    """Who brings the messages of LoRaWAN devices."""

    CHIRPSTACK = "chirpstack"
    THINGS_STACK = "things-stack"


class CodecKind(StrEnum):
    """What reads the payload of a device."""

    NETWORK = "network"
    JSON = "json"
    CAYENNE_LPP = "cayenne-lpp"
    JAVASCRIPT = "javascript"
    BYTES = "bytes"


class Encoding(StrEnum):
    """How bytes are written in a message that LoRaWAN did not bring."""

    RAW = "raw"
    HEX = "hex"
    BASE64 = "base64"


class ByteKind(StrEnum):
    """What bytes stand for."""

    UINT = "uint"
    INT = "int"
    FLOAT = "float"
    BITS = "bits"


class Endian(StrEnum):
    """Which byte of a number comes first: its most or its least significant one."""

    BIG = "big"
    LITTLE = "little"


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the section has in common."""


class ByteField(_Declared, frozen=True, kw_only=True):
    """A value at a place of the payload: ((bytes & mask) >> shift) * scale + offset_added."""

    name: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]*$(?!\n)", max_length=100)]
    offset: Annotated[
        int, Meta(ge=-255, le=255, description="First byte, from 0; below 0 from the end.")
    ]
    length: Annotated[int, Meta(ge=1, le=8, description="How many bytes.")] = 1
    kind: Annotated[ByteKind, Meta(description="What the bytes are.")] = ByteKind.UINT
    endian: Annotated[Endian, Meta(description="Which byte comes first.")] = Endian.BIG
    mask: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Bits that count; 0: all.")] = 0
    shift: Annotated[int, Meta(ge=0, le=63, description="Bits to drop at the right.")] = 0
    scale: Annotated[float, Meta(description="What the number is multiplied by.")] = 1.0
    offset_added: Annotated[float, Meta(description="What is added at the end.")] = 0.0
    port: Annotated[
        int, Meta(ge=0, le=255, description="Only in messages of this LoRaWAN port; 0: in all.")
    ] = 0
    optional: Annotated[bool, Meta(description="The payload may end before it.")] = False


class Codec(_Declared, frozen=True, kw_only=True):
    """What reads the payload."""

    kind: Annotated[CodecKind, Meta(description="Who decodes.")]
    file: Annotated[
        RelativePath | UnsetType, Meta(description="The vendor's JavaScript, beside this file.")
    ] = UNSET
    fields: Annotated[
        tuple[ByteField, ...], Meta(max_length=200, description="Where each value lies.")
    ] = ()
    encoding: Annotated[
        Encoding, Meta(description="How bytes are written; LoRaWAN networks have their own way.")
    ] = Encoding.RAW


class LorawanSource(_Declared, frozen=True, kw_only=True):
    """A LoRaWAN network server, and whose devices of it."""

    network: Annotated[Network, Meta(description="Its make.")]
    application: Annotated[
        str, Meta(max_length=100, description="Id or name of its application; left out: any.")
    ] = ""


class UplinkInstant(_Declared, frozen=True, kw_only=True):
    """When measures were made."""

    field: Annotated[FieldPath, Meta(min_length=1, description="Member that tells when.")]
    zone: Annotated[
        str, Meta(max_length=60, description="Time zone of times that name none: Europe/Paris.")
    ] = "UTC"
    format: Annotated[
        str,
        Meta(
            max_length=60,
            description="As %d/%m/%Y %H:%M, or epoch, or epoch-ms; left out: ISO 8601.",
        ),
    ] = ""


class UplinkAttribute(_Declared, frozen=True, kw_only=True):
    """Where an attribute comes from: a member of the message, two, or ids of other entities."""

    field: Annotated[
        FieldPath, Meta(description="Member, as object.temperature; absent, it tells nothing.")
    ] = ""
    kind: Annotated[
        ValueKind | UnsetType, Meta(description="What it holds; left out: as it comes.")
    ] = UNSET
    unit: Annotated[
        str, Meta(max_length=30, description="UN/CEFACT code of its unit, such as CEL.")
    ] = ""
    multiplied_by: Annotated[float, Meta(description="What a number is multiplied by.")] = 1.0
    longitude: Annotated[FieldPath, Meta(description="Member of a point, degrees of WGS 84.")] = ""
    latitude: Annotated[FieldPath, Meta(description="Member of a point, degrees of WGS 84.")] = ""
    object: Annotated[
        Template, Meta(description="Id of the entity it leads to, {member} standing for its value.")
    ] = ""
    measured: Annotated[bool, Meta(description="Observed when the message says.")] = False


class Uplink(_Declared, frozen=True, kw_only=True):
    """Messages of devices of one kind, each telling of one entity."""

    name: Annotated[Slug, Meta(description="Key of the uplink.")]
    topic: Annotated[
        str,
        Meta(max_length=500, description="MQTT topic, {device} standing for one of its levels."),
    ] = ""
    lorawan: Annotated[
        LorawanSource | UnsetType, Meta(description="The LoRaWAN network that brings messages.")
    ] = UNSET
    codec: Annotated[
        Codec | UnsetType,
        Meta(description="Left out: JSON, or what the LoRaWAN network decoded."),
    ] = UNSET
    id: Annotated[Template, Meta(description="Id of an entity, {device} standing for its device.")]
    type: Annotated[str, Meta(min_length=1, max_length=300, description="Type of its entities.")]
    observed_at: Annotated[
        UplinkInstant | UnsetType,
        Meta(description="When measures were made; left out: when the message was received."),
    ] = UNSET
    attributes: Annotated[
        Mapping[str, UplinkAttribute], Meta(description="What is told of an entity, by name.")
    ]
    devices_most: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Devices it may make entities of.")
    ] = 10_000
    context: Annotated[
        tuple[str, ...], Meta(description="Addresses of the @context of its names.")
    ] = ()

    @property
    def codec_kind(self) -> CodecKind:
        """Tell what reads its payloads."""
        if self.codec is not UNSET:
            return self.codec.kind
        return CodecKind.JSON if self.lorawan is UNSET else CodecKind.NETWORK
