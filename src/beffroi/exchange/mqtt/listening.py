"""Listens to the town's own brokers: each message is confirmed once it is committed."""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.flows.errors import FlowFailedError
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.running import FlowPosition
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.mqtt.address import BrokerAddress, read_address
from beffroi.exchange.mqtt.declared import Broker, Protocol
from beffroi.exchange.mqtt.link import BrokerLink, LinkSession, linked
from beffroi.exchange.mqtt.ports import Fate, Intake
from beffroi.exchange.mqtt.protocol import Publish, Version
from beffroi.exchange.outgoing import Outgoing
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.secrets import Secret

_WITHIN_S: Final = 10.0
_VERSIONS: Final = {Protocol.V5: Version.V5, Protocol.V3: Version.V3}
_TOLD: Final = 200
_CLIENT_ID_MOST: Final = 128


class BrokerDriver:
    """Carries flows of the kind ``broker``.

    The broker keeps a session of ours, so that what comes while nobody listens is sent later; what
    was not confirmed when the process was killed is sent again.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        vault: FlowVault,
        journal: FlowJournal,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self._outgoing = outgoing
        self._vault = vault
        self._journal = journal
        self._intake = intake
        self._clock = clock

    async def run(self, flow: HeldFlow, position: FlowPosition) -> None:  # noqa: ARG002
        """Take messages in until cancelled; the broker itself knows how far we came.

        Raises:
            UnreachableError: The broker does not answer, or does not want us.
            FlowFailedError: The secret has no value yet, or messages cannot be committed for now.
        """
        declared = msgspec.json.decode(flow.declared, type=Broker)
        session = LinkSession(
            client_id=declared.client_id
            or f"beffroi-{flow.organisation}-{flow.name}"[:_CLIENT_ID_MOST],
            clean=False,
            expiry_s=declared.kept_s,
        )
        link = await linked(self._outgoing, await self._address(flow, declared), session, _WITHIN_S)
        try:
            shared = f"$share/{declared.share}/" if declared.share else ""
            await link.subscribe([shared + one for one in declared.topics], 1)
            self._journal.recovered(flow.organisation, flow.name)
            while True:
                await self._take(flow, link, await link.messages())
        finally:
            await link.close()

    async def _address(self, flow: HeldFlow, declared: Broker) -> BrokerAddress:
        address, _ = read_address(declared.url, _VERSIONS[declared.version])
        password = Secret("")
        if declared.secret:
            password = await self._vault.secret(flow.organisation, declared.secret)
        return msgspec.structs.replace(address, user=declared.user, password=password)

    async def _take(self, flow: HeldFlow, link: BrokerLink, messages: Sequence[Publish]) -> None:
        at = self._clock.now()
        told = [UplinkMessage(one.topic, one.payload, at) for one in messages]
        try:
            fates = await self._intake.received(flow.owner, told)
        except UnavailableError as error:
            raise FlowFailedError("exchange.broker_not_committed", count=len(told)) from error
        unsettled = [isinstance(one, UnavailableError) for one in fates]
        await link.confirm(
            one.packet for one, waits in zip(messages, unsettled, strict=True) if not waits
        )
        self._note(flow, told, fates)
        if any(unsettled):
            raise FlowFailedError("exchange.broker_not_committed", count=sum(unsettled))

    def _note(
        self, flow: HeldFlow, messages: Sequence[UplinkMessage], fates: Sequence[Fate]
    ) -> None:
        carried = sum(1 for one in fates if one is None)
        if carried:
            self._journal.carried(flow.organisation, flow.name, carried)
        for message, fate in zip(messages, fates, strict=True):
            if fate is not None and not isinstance(fate, UnavailableError):
                excerpt = message.payload[:_TOLD].decode(errors="replace")
                self._journal.refused(
                    flow.organisation, flow.name, fate, told=f"{message.topic[:_TOLD]} {excerpt}"
                )
