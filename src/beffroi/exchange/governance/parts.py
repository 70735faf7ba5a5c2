"""What governs the exchange, put together."""

import msgspec

from beffroi.exchange.governance.counting import Counts
from beffroi.exchange.governance.guarding import PolicyGuard
from beffroi.exchange.governance.journal import AccessJournal
from beffroi.exchange.governance.opendata import OpenData
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.governance.service import Governance
from beffroi.exchange.governance.subjects import Subjects
from beffroi.exchange.governance.upkeep import Upkeep


class GovernanceParts(msgspec.Struct, frozen=True):
    """The verbs on rules, and what keeps them.

    Attributes:
        journal: To be run; so is ``upkeep``.
    """

    rules: Rules
    journal: AccessJournal
    guard: PolicyGuard
    governance: Governance
    open_data: OpenData
    subjects: Subjects
    counts: Counts
    upkeep: Upkeep
