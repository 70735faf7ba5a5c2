"""What usage shows of a workload's size, with the evidence; loads nothing heavy."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.capacity.model import Resource
from beffroi.kernel.catalogue import Language, sentence

_PARTS: Final = {Resource.CPU: 1000, Resource.MEMORY: 1024}


class Statistic(StrEnum):
    """What is taken of a series."""

    P95 = "p95"
    P99 = "p99"
    MAXIMUM = "maximum"


class Anomaly(StrEnum):
    """Why a sample does not count as it is.

    MISSING: there is none where one was due; CAPPED: it is a little above all that is allotted,
    as under a clock above the nominal one, and counts as that.
    """

    MISSING = "missing"
    NEGATIVE = "negative"
    ABOVE_ALL = "above_all"
    CAPPED = "capped"
    RESET = "reset"
    REPEATED = "repeated"


class Verdict(StrEnum):
    """What the evidence says: a sentence of the catalogue (``capacity.advice.CODE``)."""

    RIGHT = "right"
    LOWER = "lower"
    LOWER_BY_HALF = "lower_by_half"
    LOWER_TO_FLOOR = "lower_to_floor"
    RAISE = "raise"
    AT_ITS_LIMIT = "at_its_limit"
    WINDOW_SHORT = "window_short"
    SAMPLES_MISSING = "samples_missing"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at.

    Attributes:
        since: First instant of the window.
        until: Its end.
        samples: How many samples count, after averaging to one per step.
        expected: How many a window without gaps has.
        statistic: What was taken of them.
        value: That figure, in the unit of the resource; 0 without samples.
        set_aside: How many samples do not count as they are, by reason.
    """

    since: datetime
    until: datetime
    samples: int
    expected: int
    statistic: Statistic
    value: int
    set_aside: Mapping[Anomaly, int] = {}


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """A size that the evidence supports; nobody is resized by it.

    Attributes:
        allotted: What the workload has, in the unit of the resource.
        advised: What it would do with; what it has, where the evidence is too thin.
    """

    workload: str
    resource: Resource
    allotted: int
    advised: int
    verdict: Verdict
    evidence: Evidence

    def told(self, language: Language) -> str:
        """Write the verdict with its figures."""
        values = {
            "workload": self.workload,
            "allotted": self._amount(language, self.allotted),
            "advised": self._amount(language, self.advised),
            "statistic": self.evidence.statistic.value,
            "value": self._amount(language, self.evidence.value),
            "samples": self.evidence.samples,
            "expected": self.evidence.expected,
            "days": (self.evidence.until - self.evidence.since).days,
        }
        return sentence(language, f"capacity.advice.{self.verdict.value}", **values)

    def _amount(self, language: Language, amount: int) -> str:
        key = f"capacity.advice_amounts.{self.resource.value}"
        return sentence(language, key, amount=amount / _PARTS[self.resource])


class Coincidence(msgspec.Struct, frozen=True, kw_only=True):
    """What adding peaks up costs, against the peak of what is added up.

    Attributes:
        workloads: How many series.
        mean_milli: Mean of their sum.
        sum_of_p95_milli: Each one's p95, added up.
        p95_of_sum_milli: p95 of their sum.
        sum_of_max_milli: Each one's highest, added up.
        max_of_sum_milli: The highest of their sum.
        samples: How many instants were looked at.
        missing: How many samples of all series are missing, and count as nothing used.
    """

    workloads: int
    mean_milli: int
    sum_of_p95_milli: int
    p95_of_sum_milli: int
    sum_of_max_milli: int
    max_of_sum_milli: int
    since: datetime
    until: datetime
    samples: int
    missing: int

    @property
    def ratio(self) -> float:
        """The p95 of the sum over the sum of the p95; 1 where nothing is used."""
        if not self.sum_of_p95_milli:
            return 1.0
        return self.p95_of_sum_milli / self.sum_of_p95_milli
