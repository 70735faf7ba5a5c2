"""Joining the parts of the exchange, for each process that answers its door."""

from collections.abc import Coroutine, Sequence

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.flow_wiring import flow_parts
from beffroi.app.governance_wiring import governance_parts, rules_in_force
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.asking.inventory_service import Inventory
from beffroi.exchange.contexts.service import CONTEXT_CHANGED, Contexts
from beffroi.exchange.flows.model import FLOW_CHANGED
from beffroi.exchange.flows.parts import FlowParts
from beffroi.exchange.governance.keeping import RuleKeeper
from beffroi.exchange.governance.rules import RULES_CHANGED
from beffroi.exchange.models.guard import Guard
from beffroi.exchange.models.library import shipped_contexts
from beffroi.exchange.models.service import MODEL_CHANGED, Models
from beffroi.exchange.models.survey import Surveyor
from beffroi.exchange.service import Exchange
from beffroi.exchange.subscriptions.service import Needs as SubscriptionNeeds
from beffroi.exchange.subscriptions.service import Subscriptions
from beffroi.exchange.temporal.recording import Recorder
from beffroi.exchange.temporal.service import History
from beffroi.exchange.uplinks.devices import Devices
from beffroi.exchange.uplinks.measuring import Measuring
from beffroi.exchange.uplinks.service import UplinkNeeds, Uplinks
from beffroi.kernel.log import Entry, Tail


def exchange_services(given: ExchangeFoundation) -> ExchangeServices:
    """Join the parts of the exchange."""
    database, clock = given.database, given.clock
    contexts = Contexts(
        database,
        given.outgoing,
        clock,
        public_url=given.public_url,
        known={**shipped_contexts(), **given.known_contexts},
    )
    governed = rules_in_force(given)
    needs = SubscriptionNeeds(
        database, given.watch, given.outgoing, contexts, clock, governed.guard
    )
    guard = Guard(clock)
    exchange = Exchange(database, clock, guard.passes, governed.guard)
    models = Models(database, guard, clock)
    recorder = Recorder(database, clock)
    flows = flow_parts(
        given, exchange, contexts, keepers=[models, RuleKeeper()], guard=governed.guard
    )
    measuring = Measuring(exchange, History(database), recorder, clock)
    uplinks = Uplinks(_uplink_needs(given, contexts, flows, measuring))
    flows.intake.declared = uplinks
    return ExchangeServices(
        exchange=exchange,
        inventory=Inventory(database, governed.guard),
        history=History(database, guard=governed.guard),
        recorder=recorder,
        contexts=contexts,
        subscriptions=Subscriptions(needs),
        flow_parts=flows,
        uplinks=uplinks,
        models=models,
        surveyor=Surveyor(database, clock),
        governance=governance_parts(given, governed, exchange),
        public_url=given.public_url,
    )


def _uplink_needs(
    given: ExchangeFoundation, contexts: Contexts, flows: FlowParts, measuring: Measuring
) -> UplinkNeeds:
    return UplinkNeeds(
        database=given.database,
        contexts=contexts,
        flows=flows.flows,
        journal=flows.journal,
        measuring=measuring,
        devices=Devices(given.database, given.clock),
        clock=given.clock,
    )


def exchange_loops(
    given: ExchangeFoundation, services: ExchangeServices
) -> tuple[Coroutine[None, None, None], ...]:
    """Return what has to run in each process that answers the door."""

    async def renew(entries: Sequence[Entry]) -> None:
        for entry in entries:
            services.contexts.forget(entry.subject)

    async def renew_uplinks(_: Sequence[Entry]) -> None:
        await services.uplinks.renew()

    async def write() -> None:
        await services.models.begin()
        await services.exchange.run()

    async def renew_models(_: Sequence[Entry]) -> None:
        await services.models.renew()

    async def renew_rules(_: Sequence[Entry]) -> None:
        await services.governance.rules.renew()

    rules = Tail("rules", given.database, given.watch, (RULES_CHANGED,), renew_rules)
    models = Tail("models", given.database, given.watch, (MODEL_CHANGED,), renew_models)
    declared = Tail("uplinks", given.database, given.watch, (FLOW_CHANGED,), renew_uplinks)
    changed = Tail("exchange", given.database, given.watch, (CONTEXT_CHANGED,), renew)
    return (
        write(),
        services.contexts.run(),
        services.subscriptions.run(),
        services.flow_parts.journal.run(),
        services.flow_parts.runner.run(),
        services.uplinks.run(),
        services.models.run(),
        services.surveyor.run(),
        services.governance.journal.run(),
        services.governance.upkeep.run(),
        rules.run(),
        models.run(),
        declared.run(),
        changed.run(),
    )
