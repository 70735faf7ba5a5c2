"""The nouns of what puts issued statements right."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from beffroi.ledger.model import LineRef, StatementLine


class CorrectionKind(StrEnum):
    """Why a line is corrected.

    ``ASKED``: a person found it wrong. ``COUNTER``: another body's share of the same cost was
    corrected. ``LATE_USE``: use of its month was recorded after the month was issued.
    """

    ASKED = "asked"
    COUNTER = "counter"
    LATE_USE = "late_use"


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """What puts right a line of an issued statement, on the body's next one.

    Attributes:
        id: Their order.
        line: The line as it was issued.
        amount_eur: What is added; negative in the body's favour.
    """

    id: int
    body: str
    corrects: LineRef
    line: StatementLine
    amount_eur: Decimal
    reason: str
    kind: CorrectionKind = CorrectionKind.ASKED


class AskedCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """A correction as it is kept.

    Attributes:
        reason: As the body reads it; empty where the kind says all.
        counters: The correction of another body that this one makes up for.
        settled_by: The statement that took it in.
    """

    id: int
    body: str
    statement: str
    line: int
    amount_eur: Decimal
    reason: str
    actor: str
    asked_at: datetime
    kind: CorrectionKind = CorrectionKind.ASKED
    counters: int | None = None
    settled_by: str | None = None


class CorrectionBearer(StrEnum):
    """Who bears the correction of a body that shares costs."""

    OTHERS = "others"
    ISSUER = "issuer"


class CorrectionTerms(msgspec.Struct, frozen=True):
    """How a correction is to be taken.

    Attributes:
        borne_by: Of a body at rates the others bear it in any case.
        insist: Correct even though it repeats another one or takes off more than the line.
    """

    borne_by: CorrectionBearer = CorrectionBearer.OTHERS
    insist: bool = False
