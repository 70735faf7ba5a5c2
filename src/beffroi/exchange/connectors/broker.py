"""Changes published to a broker, QoS 1: each is delivered once the broker acknowledged it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import msgspec

from beffroi.exchange.connectors.checking import PLACEHOLDER
from beffroi.exchange.connectors.declared import MqttTarget
from beffroi.exchange.connectors.store import Change
from beffroi.exchange.connectors.targets import Pace, ReceiverRefusedError
from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.mqtt.address import BrokerAddress
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.protocol import Version
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.exchange.representation.instants import written_instant
from beffroi.kernel.secrets import Secret

_WITHIN_S: Final = 10.0
_AT_ONCE: Final = 20
# Source: MQTT 3.1.1, 1.5.3: a text has a length of two bytes.
_TOPIC_MOST_BYTES: Final = 65_535


class MqttDriver:
    """Publishes changes to brokers."""

    def __init__(self, outgoing: Outgoing, vault: FlowVault) -> None:
        self._outgoing = outgoing
        self._vault = vault

    @asynccontextmanager
    async def opened(
        self, flow: HeldFlow, target: MqttTarget, _names: Sequence[str]
    ) -> AsyncIterator["Broker"]:
        """Connect to the broker."""
        password = Secret("")
        if target.secret:
            password = await self._vault.secret(flow.organisation, target.secret)
        address = BrokerAddress(
            host=target.host,
            port=target.port,
            is_encrypted=target.tls,
            user=target.user,
            password=password,
            version=Version.V3,
        )
        session = LinkSession(client_id=f"beffroi-{flow.organisation}_{flow.name}"[:128])
        try:
            link = await linked(self._outgoing, address, session, _WITHIN_S)
        except UnreachableError as error:
            if error.code == "exchange.address_internal":
                raise
            raise _away(target, error) from error
        try:
            yield Broker(target, link)
        finally:
            await link.close()


class Broker:
    """A broker that is connected."""

    def __init__(self, target: MqttTarget, link: BrokerLink) -> None:
        self.pace = Pace(_AT_ONCE)
        self.keeps_last = target.retained
        self._target = target
        self._link = link

    async def deliver(self, changes: Sequence[Change]) -> None:
        """Publish changes in their order; return when all are acknowledged."""
        try:
            async with asyncio.timeout(_WITHIN_S):
                await asyncio.gather(*(self._publish(one) for one in changes))
        except (UnreachableError, TimeoutError) as error:
            raise _away(self._target, error) from error

    async def _publish(self, change: Change) -> None:
        body = {
            "position": change.seq,
            "id": change.id,
            "at": written_instant(change.at),
            "deleted": change.deleted,
            **change.row,
        }
        topic = topic_of(self._target.topic, change)
        if len(topic.encode()) > _TOPIC_MOST_BYTES:
            raise ReceiverRefusedError("exchange.connector_topic", topic=f"{topic[:100]}...")
        await self._link.publish(
            topic, msgspec.json.encode(body), 1, retained=self._target.retained
        )


def topic_of(template: str, change: Change) -> str:
    """Fill a topic with fields; what would make other levels of it is escaped."""
    return PLACEHOLDER.sub(
        lambda found: quote(_text(change.row.get(found[1])), safe=" :;,=@!$&'()*"), template
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _away(target: MqttTarget, error: Exception) -> FlowFailedError:
    where = f"{target.host}:{target.port}"
    reason = str(error) or type(error).__name__
    return FlowFailedError("exchange.connector_away", host=where, reason=reason)
