"""Where a broker is, as an address says it.

Source: ETSI GS CIM 009 v1.9.1, clause 8: ``mqtt[s]://[user[:password]@]host[:port]/topic``.
"""

from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from beffroi.exchange.mqtt.protocol import Version
from beffroi.kernel.secrets import Secret

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_TOPIC_MOST_BYTES: Final = 1_024


class BrokerAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A broker, and as whom to speak to it.

    Attributes:
        user: "": as nobody.
    """

    host: str
    port: int
    is_encrypted: bool
    user: str = ""
    password: Secret = Secret("")
    version: Version = Version.V5

    @property
    def url(self) -> str:
        """Write it without what is secret."""
        scheme = "mqtts" if self.is_encrypted else "mqtt"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"


def read_address(url: str, version: Version = Version.V5) -> tuple[BrokerAddress, str]:
    """Read the address of a broker and the topic behind it, which may be empty.

    Raises:
        ValueError: It is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or "?" in url or "#" in url:
        raise ValueError(url)
    topic = unquote(parts.path.removeprefix("/"), errors="strict")
    if any(one in topic for one in "+#\0") or len(topic.encode()) > _TOPIC_MOST_BYTES:
        raise ValueError(url)
    address = BrokerAddress(
        host=parts.hostname,
        port=parts.port or _PORTS[parts.scheme],
        is_encrypted=parts.scheme == "mqtts",
        user=unquote(parts.username or "", errors="strict"),
        password=Secret(unquote(parts.password or "", errors="strict")),
        version=version,
    )
    return address, topic
