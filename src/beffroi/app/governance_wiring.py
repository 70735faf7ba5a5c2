"""Joining the parts that govern the exchange."""

import msgspec

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.exchange.governance.counting import Counts
from beffroi.exchange.governance.guarding import PolicyGuard
from beffroi.exchange.governance.journal import AccessJournal
from beffroi.exchange.governance.opendata import OpenData
from beffroi.exchange.governance.parts import GovernanceParts
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.governance.service import Governance
from beffroi.exchange.governance.subjects import Subjects
from beffroi.exchange.governance.upkeep import Upkeep
from beffroi.exchange.service import Exchange


class RulesInForce(msgspec.Struct, frozen=True):
    """What has to be there before entities can be read."""

    rules: Rules
    journal: AccessJournal
    guard: PolicyGuard


def rules_in_force(given: ExchangeFoundation) -> RulesInForce:
    """Make what every read asks."""
    rules = Rules(given.database, given.clock)
    journal = AccessJournal(given.database, rules)
    return RulesInForce(rules, journal, PolicyGuard(rules, journal, given.key))


def governance_parts(
    given: ExchangeFoundation, held: RulesInForce, exchange: Exchange
) -> GovernanceParts:
    """Join the verbs on rules with what keeps them."""
    database, rules = given.database, held.rules
    return GovernanceParts(
        rules=rules,
        journal=held.journal,
        guard=held.guard,
        governance=Governance(database, rules),
        open_data=OpenData(database, rules, held.guard, given.public_url, given.clock),
        subjects=Subjects(database, exchange, rules, held.journal, given.key),
        counts=Counts(database, rules),
        upkeep=Upkeep(database, rules, given.clock),
    )
