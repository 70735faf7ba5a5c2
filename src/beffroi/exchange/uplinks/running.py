"""An uplink made ready to take messages."""

import msgspec

from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.exchange.uplinks.mapping import UplinkMapping
from beffroi.exchange.uplinks.reading import UplinkReader, codec_text, topic_of
from beffroi.exchange.uplinks.topics import TopicPattern
from beffroi.exchange.uplinks.wrong import as_wrong, wrong_message


class RunningUplink(msgspec.Struct, eq=False, kw_only=True):
    """What messages of an uplink need, compiled.

    Attributes:
        codec_text: The vendor's JavaScript.
        known: Ids of entities that were let in; there may be more, which other processes let in.
    """

    flow: HeldFlow
    declared: Uplink
    pattern: TopicPattern
    reader: UplinkReader
    mapping: UplinkMapping
    codec_text: str
    known: set[str]

    @classmethod
    async def of(cls, flow: HeldFlow, contexts: Contexts) -> "RunningUplink":
        """Compile what a flow declares.

        Raises:
            BeffroiError: A @context cannot be had, or a name cannot be.
        """
        declared = msgspec.json.decode(flow.declared, type=Uplink)
        given = list(declared.context) or None
        pattern = topic_of(declared)
        if pattern is None:
            raise wrong_message("exchange.uplink_topic", topic=declared.topic)
        context = await contexts.resolved(flow.tenant, given)
        try:
            mapping = UplinkMapping(declared, context)
        except ExchangeError as error:
            raise as_wrong(error) from error
        return cls(
            flow=flow,
            declared=declared,
            pattern=pattern,
            reader=UplinkReader(declared),
            mapping=mapping,
            codec_text=codec_text(declared, flow.files),
            known=set(),
        )
