"""Messages to the topics of entities, counted as they come in."""

from collections.abc import Sequence

from beffroi.exchange.flows.door_store import Door
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.mqtt.ports import Fate, Intake
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.rights.model import Actor


class CountedTopics:
    """Counts for the journal what another takes in."""

    def __init__(self, topics: Intake, journal: FlowJournal) -> None:
        self._topics = topics
        self._journal = journal

    async def received(self, actor: Actor, messages: Sequence[UplinkMessage]) -> Sequence[Fate]:
        """Return once each message is committed or refused."""
        fates = await self._topics.received(actor, messages)
        refused = sum(one is not None for one in fates)
        self._journal.came_in(actor.organisation, Door.MQTT, len(messages) - refused, refused)
        return fates
