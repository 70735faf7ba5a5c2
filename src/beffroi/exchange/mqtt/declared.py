"""The nouns of the section ``brokers``: the town's own brokers that are listened to."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.formats import Slug


class Protocol(StrEnum):
    """Version of MQTT that a broker speaks."""

    V5 = "mqtt5.0"
    V3 = "mqtt3.1.1"


class Broker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A broker whose messages are taken in as those of devices are."""

    name: Slug
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1000,
            description="mqtts://host:port, or mqtt:// for one that does not encrypt.",
        ),
    ]
    topics: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...],
        Meta(min_length=1, max_length=100, description="Filters of topics; + and # as in MQTT."),
    ]
    user: Annotated[str, Meta(max_length=300, description="Who signs in.")] = ""
    secret: Annotated[
        str, Meta(max_length=100, description="Name of the secret that is the password.")
    ] = ""
    version: Annotated[Protocol, Meta(description="Of the protocol.")] = Protocol.V5
    client_id: Annotated[
        str, Meta(max_length=100, description="Under which it is known; made up where it is empty.")
    ] = ""
    share: Annotated[
        str,
        Meta(
            pattern=r"^[^/+#]*$(?!\n)",
            max_length=100,
            description="Name of a group whose members share the messages.",
        ),
    ] = ""
    kept_s: Annotated[
        int,
        Meta(
            ge=0,
            le=4_294_967_294,
            description="How long the broker keeps messages while nobody listens, in seconds.",
        ),
    ] = 86_400
