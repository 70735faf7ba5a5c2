"""Receivers of notifications: asked by HTTP or through a broker of MQTT, as their address says.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15, 6.3.8 and 8.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.mqtt.protocol import Reason
from beffroi.exchange.mqtt.receivers import MqttReceivers, mqtt_message, mqtt_target
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.exchange.subscriptions.model import Endpoint

MQTT_SCHEMES: Final = frozenset({"mqtt", "mqtts"})
_TIMEOUT_S, _TIMEOUT_MOST_S = 10.0, 60.0
# The receiver is there and wants this one not: the others may still be wanted.
_REFUSALS: Final = frozenset(range(400, 500)) - {408, 425, 429}
_MQTT_REFUSED: Final = 0x80
_MQTT_UNREACHABLE: Final = frozenset({Reason.UNSPECIFIED, Reason.BUSY, Reason.QUOTA_EXCEEDED})


class Verdict(msgspec.Struct, frozen=True):
    """What became of one attempt.

    Attributes:
        reason: Why it failed; "" where it did not.
        unreachable: The endpoint failed, not this notification alone.
    """

    reason: str = ""
    unreachable: bool = False


class Receivers:
    """Tells endpoints of notifications; ``run`` must be running."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._brokers = MqttReceivers(outgoing)

    async def run(self) -> None:
        """Keep connections to brokers until cancelled."""
        await self._brokers.run()

    async def tell(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Verdict:
        """Send one notification; tell what became of it."""
        asked_s = (endpoint.timeout or _TIMEOUT_S * 1_000) / 1_000
        within_s = min(asked_s, _TIMEOUT_MOST_S)
        try:
            if over_mqtt(endpoint.uri):
                return await self._tell_broker(endpoint, body, headers, within_s)
            answer = await self._outgoing.ask(
                "POST", endpoint.uri, headers=headers, within_s=within_s, content=body
            )
        except UnreachableError as error:
            return Verdict(error.code, unreachable=True)
        if 200 <= answer.status < 300:
            return Verdict()
        return Verdict(f"HTTP {answer.status}", unreachable=answer.status not in _REFUSALS)

    async def _tell_broker(
        self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str], within_s: float
    ) -> Verdict:
        notifier = {pair.key: pair.value for pair in endpoint.notifier_info}
        try:
            target = mqtt_target(endpoint.uri, notifier)
        except BadRequestDataError as error:
            return Verdict(error.code)
        reason = await self._brokers.tell(target, mqtt_message(body, headers), within_s)
        if reason < _MQTT_REFUSED:
            return Verdict()
        return Verdict(f"MQTT 0x{reason:02x}", unreachable=reason in _MQTT_UNREACHABLE)


def over_mqtt(uri: str) -> bool:
    """Tell whether an endpoint is a topic of a broker."""
    return uri.partition(":")[0].lower() in MQTT_SCHEMES


def told_uri(uri: str) -> str:
    """Write the address of an endpoint without the user and the password in it."""
    before, at, after = uri.rpartition("@")
    scheme, slashes, _ = before.partition("://")
    return f"{scheme}{slashes}{after}" if at and slashes else uri
