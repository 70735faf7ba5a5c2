"""Messages of clients, led to those who understand their topics."""

from collections.abc import Sequence

from beffroi.exchange.errors import ResourceNotFoundError
from beffroi.exchange.mqtt.native import is_native
from beffroi.exchange.mqtt.ports import Fate, Intake
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.rights.model import Actor


class TopicIntake:
    """Leads messages to the topics that name entities, and all others to declared devices.

    Attributes:
        declared: Who knows the devices; until it is set, none is declared.
    """

    def __init__(self, native: Intake, declared: Intake | None = None) -> None:
        self._native = native
        self.declared = declared or _NoDevices()

    async def received(self, actor: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        """Return once each message is committed or refused."""
        found = [is_native(one.topic) for one in messages]
        if all(found):
            return await self._native.received(actor, messages)
        if not any(found):
            return await self.declared.received(actor, messages)
        native = [one for one, is_one in zip(messages, found, strict=True) if is_one]
        declared = [one for one, is_one in zip(messages, found, strict=True) if not is_one]
        of_native = iter(await self._native.received(actor, native))
        of_declared = iter(await self.declared.received(actor, declared))
        return [next(of_native if is_one else of_declared) for is_one in found]


class _NoDevices:
    """Stands where no device is declared: every topic is unknown."""

    async def received(self, actor: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:  # noqa: ARG002
        """Refuse each."""
        return [
            ResourceNotFoundError("exchange.uplink_topic_unknown", topic=one.topic)
            for one in messages
        ]
