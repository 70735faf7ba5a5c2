"""What a report of a plan is made from, and what comes of it; loads nothing heavy."""

from datetime import datetime

import msgspec

from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Plan
from beffroi.capacity.savings_terms import Savings
from beffroi.kernel.catalogue import Language


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A plan to write down for those who decide and for those who carry it out.

    Attributes:
        made_at: When the plan was made; the same request gives the same bytes.
    """

    title: str
    made_at: datetime
    plan: Plan
    savings: Savings | None
    remarks: Remarks
    language: Language


class ReportFile(msgspec.Struct, frozen=True):
    """The PDF."""

    content: bytes
