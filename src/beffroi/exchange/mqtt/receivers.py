"""Notifications over MQTT: a connection for each broker, kept while it is used.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.2.15 and 8.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.mqtt.address import BrokerAddress, read_address
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.protocol import Version
from beffroi.exchange.outgoing import Outgoing, UnreachableError
from beffroi.exchange.representation.excerpts import excerpt

_VERSIONS: Final = {"mqtt3.1.1": Version.V3, "mqtt5.0": Version.V5}
_LEVELS: Final = frozenset({"0", "1", "2"})
_VERSION, _QOS = "MQTT-Version", "MQTT-QoS"
_LINKS_MOST: Final = 256
_IDLE_S: Final = 60.0


class MqttTarget(msgspec.Struct, frozen=True):
    """Where a notification goes, and how sure it has to arrive."""

    address: BrokerAddress
    topic: str
    qos: int


def mqtt_target(uri: str, notifier: Mapping[str, str]) -> MqttTarget:
    """Read an endpoint.

    Args:
        uri: ``mqtt://`` or ``mqtts://``.
        notifier: Its notifierInfo.

    Raises:
        BadRequestDataError: It names no broker with a topic, or asks for what MQTT has not.
    """
    version, qos = notifier.get(_VERSION, "mqtt5.0"), notifier.get(_QOS, "0")
    if version not in _VERSIONS:
        raise BadRequestDataError(
            "exchange.endpoint_notifier", name=_VERSION, found=excerpt(version)
        )
    if qos not in _LEVELS:
        raise BadRequestDataError("exchange.endpoint_notifier", name=_QOS, found=excerpt(qos))
    try:
        address, topic = read_address(uri, _VERSIONS[version])
    except ValueError as error:
        raise BadRequestDataError("exchange.endpoint_no_topic", found=excerpt(uri)) from error
    if not topic:
        raise BadRequestDataError("exchange.endpoint_no_topic", found=excerpt(uri))
    return MqttTarget(address, topic, int(qos))


def mqtt_message(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Write a notification as one message: what HTTP has as headers is its metadata."""
    return msgspec.json.encode({"metadata": headers, "body": msgspec.Raw(body)})


class MqttReceivers:
    """Sends to brokers that others chose."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing
        self._links: OrderedDict[BrokerAddress, BrokerLink] = OrderedDict()
        self._used_s: dict[BrokerAddress, float] = {}
        self._linking: dict[BrokerAddress, asyncio.Lock] = {}

    async def tell(self, target: MqttTarget, message: bytes, within_s: float) -> int:
        """Send a message; return the broker's reason code, below 128 for success.

        Raises:
            UnreachableError: The broker does not answer in time, or does not want us.
        """
        try:
            async with asyncio.timeout(within_s):
                link = await self._link(target.address, within_s)
                return await link.publish(target.topic, message, target.qos)
        except UnreachableError:
            await self._forget(target.address)
            raise
        except TimeoutError as error:
            await self._forget(target.address)
            raise UnreachableError(
                "exchange.no_answer_in_time", url=target.address.url, seconds=within_s
            ) from error

    async def run(self) -> None:
        """Close connections that nobody uses, until cancelled; then all."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(_IDLE_S)
                for address, used_s in list(self._used_s.items()):
                    if loop.time() - used_s > _IDLE_S:
                        await self._forget(address)
        finally:
            for address in list(self._links):
                await self._forget(address)

    async def _link(self, address: BrokerAddress, within_s: float) -> BrokerLink:
        async with self._linking.setdefault(address, asyncio.Lock()):
            link = self._links.get(address)
            if link is None or not link.is_open:
                await self._forget(address)
                link = await linked(self._outgoing, address, LinkSession(), within_s)
                self._links[address] = link
                while len(self._links) > _LINKS_MOST:
                    await self._forget(next(iter(self._links)))
        self._links.move_to_end(address)
        self._used_s[address] = asyncio.get_running_loop().time()
        return link

    async def _forget(self, address: BrokerAddress) -> None:
        self._used_s.pop(address, None)
        lock = self._linking.get(address)
        if lock is not None and not lock.locked():
            del self._linking[address]
        link = self._links.pop(address, None)
        if link is not None:
            await link.close()
