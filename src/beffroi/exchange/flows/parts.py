"""What flows are made of, put together by the application."""

import msgspec

from beffroi.exchange.declarations import Declarations
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.running import FlowRunner
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.mqtt.intake import TopicIntake


class FlowParts(msgspec.Struct, frozen=True):
    """The parts of flows in one process.

    Attributes:
        intake: Takes in what brokers bring, once it was told who knows the devices.
    """

    declarations: Declarations
    flows: Flows
    journal: FlowJournal
    runner: FlowRunner
    vault: FlowVault
    intake: TopicIntake
