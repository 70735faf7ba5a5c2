"""What measures the power of a host, as its owner declares it."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.formats import FilePath, HostName, MqttTopic, ObjectIdentifier

_Name = Annotated[str, Meta(min_length=1, max_length=128)]


class MeterKind(StrEnum):
    """How the power of a host is measured."""

    NONE = "none"
    RAPL = "rapl"
    FILE = "file"
    REDFISH = "redfish"
    SNMP = "snmp"
    MQTT = "mqtt"


class MeterQuantity(StrEnum):
    """What the number of a message is."""

    W = "W"
    WH = "Wh"
    KWH = "kWh"


class MeterHash(StrEnum):
    """What signs the messages of SNMP version 3."""

    SHA1 = "sha1"
    SHA256 = "sha256"


class Meter(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What measures the power of a host."""

    kind: Annotated[
        MeterKind, Meta(description="How it is measured; none: a power curve tells.")
    ] = MeterKind.NONE
    file: Annotated[
        FilePath, Meta(description="Absolute path of a file with the power in watts (file).")
    ] = ""
    address: Annotated[
        HostName, Meta(description="Controller, unit or broker (redfish, snmp, mqtt).")
    ] = ""
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65_535,
            description="Its port; 0: 443 (redfish), 161 (snmp), 8883 or without certificate "
            "1883 (mqtt).",
        ),
    ] = 0
    user: Annotated[_Name, Meta(description="User (redfish, mqtt, snmp version 3).")] = ""
    secret_file: Annotated[
        FilePath,
        Meta(
            description="Absolute path of a file with the password or, without a user, the "
            "community (redfish, snmp, mqtt)."
        ),
    ] = ""
    privacy_file: Annotated[
        FilePath,
        Meta(description="Absolute path of a file with the privacy password (snmp version 3)."),
    ] = ""
    signed_by: Annotated[MeterHash, Meta(description="What signs (snmp version 3).")] = (
        MeterHash.SHA256
    )
    certificate: Annotated[
        FilePath,
        Meta(
            description="Absolute path of the certificate that it shows, or of its authority's "
            "(redfish, mqtt)."
        ),
    ] = ""
    chassis: Annotated[_Name, Meta(description="Chassis whose power counts (redfish).")] = ""
    oid: Annotated[ObjectIdentifier, Meta(description="Object that holds the power (snmp).")] = ""
    scale: Annotated[
        float,
        Meta(ge=0.001, le=1_000_000, description="Watts for each unit of the object (snmp)."),
    ] = 1.0
    topic: Annotated[MqttTopic, Meta(description="Topic of the messages (mqtt).")] = ""
    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=255,
            description="Where the number stands in a message, names joined by points; default: "
            "the message is the number (mqtt).",
        ),
    ] = ""
    quantity: Annotated[MeterQuantity, Meta(description="What the number is (mqtt).")] = (
        MeterQuantity.W
    )
    silent_after_s: Annotated[
        int,
        Meta(ge=10, le=3600, description="Longest time between two messages, in seconds (mqtt)."),
    ] = 90
