"""The words of MQTT 3.1.1 and 5: packets, reason codes, properties.

Source: OASIS MQTT 3.1.1 (2014) and 5.0 (2019); chapters are those of version 5.
"""

from enum import IntEnum
from typing import Any, Final

import msgspec

from beffroi.kernel.units import MIB

LENGTH_MOST: Final = 256 * MIB - 1
"""What a remaining length can say (1.5.5)."""


class Version(IntEnum):
    """Protocol levels of CONNECT (3.1.2.2)."""

    V3 = 4
    V5 = 5


class Kind(IntEnum):
    """Types of packets (2.1.2)."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Reason(IntEnum):
    """Reason codes of version 5 (2.4); those that are said or read here."""

    SUCCESS = 0x00
    NO_SUBSCRIPTION = 0x11
    UNSPECIFIED = 0x80
    MALFORMED = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION = 0x83
    VERSION_UNSUPPORTED = 0x84
    CLIENT_ID_INVALID = 0x85
    BAD_CREDENTIALS = 0x86
    NOT_AUTHORIZED = 0x87
    UNAVAILABLE = 0x88
    BUSY = 0x89
    SHUTTING_DOWN = 0x8B
    BAD_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    TAKEN_OVER = 0x8E
    TOPIC_INVALID = 0x90
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    QUOTA_EXCEEDED = 0x97
    PAYLOAD_INVALID = 0x99
    QOS_NOT_SUPPORTED = 0x9B


CONNECT_REFUSALS: Final = {
    Reason.VERSION_UNSUPPORTED: 1,
    Reason.CLIENT_ID_INVALID: 2,
    Reason.UNAVAILABLE: 3,
    Reason.BUSY: 3,
    Reason.BAD_CREDENTIALS: 4,
    Reason.NOT_AUTHORIZED: 5,
}
"""Return codes of CONNACK in 3.1.1, where there is one (3.1.1: 3.2.2.3)."""


class Form(IntEnum):
    """How a property is written (1.5)."""

    BYTE = 1
    TWO_BYTES = 2
    FOUR_BYTES = 3
    VARIABLE = 4
    BINARY = 5
    TEXT = 6
    PAIR = 7


class Property(IntEnum):
    """Properties of version 5 (2.2.2.2)."""

    PAYLOAD_FORMAT = 0x01
    MESSAGE_EXPIRY = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION = 0x09
    SUBSCRIPTION_ID = 0x0B
    SESSION_EXPIRY = 0x11
    ASSIGNED_CLIENT_ID = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTH_METHOD = 0x15
    AUTH_DATA = 0x16
    REQUEST_PROBLEM = 0x17
    WILL_DELAY = 0x18
    REQUEST_RESPONSE = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER = 0x26
    PACKET_MOST = 0x27
    WILDCARD_AVAILABLE = 0x28
    SUBSCRIPTION_IDS_AVAILABLE = 0x29
    SHARED_AVAILABLE = 0x2A


_WILL: Final = -1
_ANSWERS: Final = frozenset(
    {Kind.PUBACK, Kind.PUBREC, Kind.PUBREL, Kind.PUBCOMP, Kind.SUBACK, Kind.UNSUBACK}
)
_MESSAGES: Final = frozenset({Kind.PUBLISH, _WILL})
_FIRST: Final = frozenset({Kind.CONNECT, Kind.CONNACK})
_CONNECT: Final = frozenset({Kind.CONNECT})
_CONNACK: Final = frozenset({Kind.CONNACK})
_PUBLISH: Final = frozenset({Kind.PUBLISH})
_AUTHENTICATING: Final = _FIRST | {Kind.AUTH}

PROPERTIES: Final[dict[int, tuple[Form, frozenset[int]]]] = {
    Property.PAYLOAD_FORMAT: (Form.BYTE, _MESSAGES),
    Property.MESSAGE_EXPIRY: (Form.FOUR_BYTES, _MESSAGES),
    Property.CONTENT_TYPE: (Form.TEXT, _MESSAGES),
    Property.RESPONSE_TOPIC: (Form.TEXT, _MESSAGES),
    Property.CORRELATION: (Form.BINARY, _MESSAGES),
    Property.SUBSCRIPTION_ID: (Form.VARIABLE, _PUBLISH | {Kind.SUBSCRIBE}),
    Property.SESSION_EXPIRY: (Form.FOUR_BYTES, _FIRST | {Kind.DISCONNECT}),
    Property.ASSIGNED_CLIENT_ID: (Form.TEXT, _CONNACK),
    Property.SERVER_KEEP_ALIVE: (Form.TWO_BYTES, _CONNACK),
    Property.AUTH_METHOD: (Form.TEXT, _AUTHENTICATING),
    Property.AUTH_DATA: (Form.BINARY, _AUTHENTICATING),
    Property.REQUEST_PROBLEM: (Form.BYTE, _CONNECT),
    Property.WILL_DELAY: (Form.FOUR_BYTES, frozenset({_WILL})),
    Property.REQUEST_RESPONSE: (Form.BYTE, _CONNECT),
    Property.RESPONSE_INFORMATION: (Form.TEXT, _CONNACK),
    Property.SERVER_REFERENCE: (Form.TEXT, _CONNACK | {Kind.DISCONNECT}),
    Property.REASON: (Form.TEXT, _ANSWERS | _CONNACK | {Kind.DISCONNECT, Kind.AUTH}),
    Property.RECEIVE_MAXIMUM: (Form.TWO_BYTES, _FIRST),
    Property.TOPIC_ALIAS_MAXIMUM: (Form.TWO_BYTES, _FIRST),
    Property.TOPIC_ALIAS: (Form.TWO_BYTES, _PUBLISH),
    Property.MAXIMUM_QOS: (Form.BYTE, _CONNACK),
    Property.RETAIN_AVAILABLE: (Form.BYTE, _CONNACK),
    Property.USER: (Form.PAIR, frozenset(Kind) | {_WILL}),
    Property.PACKET_MOST: (Form.FOUR_BYTES, _FIRST),
    Property.WILDCARD_AVAILABLE: (Form.BYTE, _CONNACK),
    Property.SUBSCRIPTION_IDS_AVAILABLE: (Form.BYTE, _CONNACK),
    Property.SHARED_AVAILABLE: (Form.BYTE, _CONNACK),
}
"""How each is written, and in which packets it may stand."""

REPEATED: Final = frozenset({Property.USER, Property.SUBSCRIPTION_ID})
WILL: Final = _WILL
"""Where properties of a will stand, which is no packet."""

Properties = dict[int, Any]
"""By their numbers; a list of those that may come more than once."""


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants at first.

    Attributes:
        keep_alive_s: Within 1.5 times as long something has to come; 0: for ever.
        user_name: None: it says none.
        will_qos: Of the message that it leaves behind; None: it leaves none.
    """

    version: Version
    client_id: str
    clean: bool
    keep_alive_s: int
    user_name: str | None = None
    password: bytes | None = None
    will_qos: int | None = None
    properties: Properties = {}


class Publish(msgspec.Struct, frozen=True, gc=False):
    """A message.

    Attributes:
        packet: What its answer names; 0 where it wants none.
    """

    topic: str
    payload: bytes
    qos: int = 0
    packet: int = 0
    retained: bool = False


class Answered(msgspec.Struct, frozen=True, gc=False):
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    kind: Kind
    packet: int
    reason: int = 0


class Subscribing(msgspec.Struct, frozen=True):
    """SUBSCRIBE or UNSUBSCRIBE, as a server reads it.

    Attributes:
        filters: How many.
    """

    kind: Kind
    packet: int
    filters: int


class Subscribed(msgspec.Struct, frozen=True):
    """SUBACK or UNSUBACK."""

    kind: Kind
    packet: int
    reasons: tuple[int, ...]


class Accepted(msgspec.Struct, frozen=True):
    """CONNACK, whether it accepts or not."""

    reason: int
    session_present: bool = False
    properties: Properties = {}


class Signal(msgspec.Struct, frozen=True):
    """PINGREQ, PINGRESP, DISCONNECT or AUTH."""

    kind: Kind
    reason: int = 0


Packet = Connect | Publish | Answered | Subscribing | Subscribed | Accepted | Signal
