"""Joining the parts of flows: which driver carries which kind."""

from collections.abc import Mapping, Sequence

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.feed_wiring import feed_drivers
from beffroi.exchange.asking.reach import OWN_DATA, DataGuard
from beffroi.exchange.connectors.broker import MqttDriver
from beffroi.exchange.connectors.carrying import CarryingNeeds, ConnectorDriver
from beffroi.exchange.connectors.declared import TargetKind
from beffroi.exchange.connectors.drop import SftpDriver
from beffroi.exchange.connectors.table import TableDriver
from beffroi.exchange.connectors.webhook import WebhookDriver
from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.declarations import DeclarationKeeper, Declarations
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.parts import FlowParts
from beffroi.exchange.flows.running import RETRY_FIRST_S, FlowDriver, FlowRunner
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.flows.vault import FlowVault
from beffroi.exchange.mqtt.counted import CountedTopics
from beffroi.exchange.mqtt.intake import TopicIntake
from beffroi.exchange.mqtt.listening import BrokerDriver
from beffroi.exchange.mqtt.native import NativeTopics
from beffroi.exchange.mqtt.planning import BROKER
from beffroi.exchange.service import Exchange
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.uplinks.measuring import Measuring


def flow_parts(
    given: ExchangeFoundation,
    exchange: Exchange,
    contexts: Contexts,
    retry_first_s: float = RETRY_FIRST_S,
    keepers: Sequence[DeclarationKeeper] = (),
    guard: DataGuard = OWN_DATA,
) -> FlowParts:
    """Join the parts of flows.

    Args:
        given: What they stand on.
        exchange: Where what comes in is written.
        contexts: What names stand for.
        retry_first_s: How long a flow that failed waits at first.
        keepers: Of the other sections of declarations.
        guard: Tells what connectors may see of others' entities.
    """
    database, clock = given.database, given.clock
    flows = Flows(database, clock)
    journal = FlowJournal(database, clock)
    vault = FlowVault(database, given.key)
    measuring = Measuring(exchange, History(database), Recorder(database, clock), clock)
    intake = TopicIntake(CountedTopics(NativeTopics(measuring), journal))
    drivers: Mapping[str, FlowDriver] = {
        **_outgoing(given, contexts, journal, vault, guard),
        **feed_drivers(given, exchange, contexts, journal, vault),
        BROKER: BrokerDriver(given.outgoing, vault, journal, intake, clock),
    }
    return FlowParts(
        declarations=Declarations(database, [flows, *keepers]),
        flows=flows,
        journal=journal,
        runner=FlowRunner(database, journal, clock, drivers, retry_first_s),
        vault=vault,
        intake=intake,
    )


def _outgoing(
    given: ExchangeFoundation,
    contexts: Contexts,
    journal: FlowJournal,
    vault: FlowVault,
    guard: DataGuard,
) -> Mapping[str, FlowDriver]:
    driver = ConnectorDriver(
        CarryingNeeds(
            database=given.database,
            watch=given.watch,
            contexts=contexts,
            journal=journal,
            clock=given.clock,
            targets={
                TargetKind.WEBHOOK: WebhookDriver(given.outgoing, vault, given.clock),
                TargetKind.MQTT: MqttDriver(given.outgoing, vault),
                TargetKind.TABLE: TableDriver(given.outgoing, vault),
                TargetKind.SFTP: SftpDriver(given.outgoing, vault),
            },
            guard=guard,
        )
    )
    return {kind.value: driver for kind in TargetKind}
