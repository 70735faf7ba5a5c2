"""How good the entities of a type are, in parts that can each be explained.

Each component is a share between 0 and 1, or nothing where it does not apply:

- complete: expected attributes that are there;
- punctual: entities whose last measure arrived within twice the usual period (5 minutes at least);
- speaking: entities that are not silent beyond their usual rhythm;
- in_range: numbers within the declared bounds and those of the model;
- varying: numbers that do not stand still while those of others vary;
- conforming: entities that fit their model.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.exchange.model import Iri

PUNCTUAL_PERIODS: Final = 2.0
PUNCTUAL_LEAST_S: Final = 300.0


class Component(StrEnum):
    """A part of the quality."""

    COMPLETE = "complete"
    PUNCTUAL = "punctual"
    SPEAKING = "speaking"
    IN_RANGE = "in_range"
    VARYING = "varying"
    CONFORMING = "conforming"


WEIGHTS: Final[Mapping[Component, float]] = {
    Component.COMPLETE: 0.20,
    Component.PUNCTUAL: 0.10,
    Component.SPEAKING: 0.30,
    Component.IN_RANGE: 0.15,
    Component.VARYING: 0.15,
    Component.CONFORMING: 0.10,
}
Components = Mapping[Component, float]


class AttributeQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How good one attribute of a type is.

    Attributes:
        entities: How many have it.
        expected: Whether each should.
        out_of_range: How many have a number that cannot be.
        flat: How many of the examined ones stand still.
        examined: Whose history was looked at.
        score: The mean of what can be told of it.
    """

    name: Iri
    entities: int
    expected: bool
    out_of_range: int
    flat: int
    examined: int
    score: float | None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """An entity that lowers the quality.

    Attributes:
        weight: The more the worse, among those of its kind.
        since: From when on, where that is known.
        value: What is so: seconds of silence or delay, a number out of range or that stands still.
        bound: From where on it counts: seconds, the bound of a number; how often it stood.
        told: Where it does not fit its model.
    """

    kind: Component
    entity: str
    attribute: Iri = ""
    weight: float
    since: datetime | None = None
    value: float | None = None
    bound: float | None = None
    told: str = ""


def score_of(components: Components) -> float | None:
    """Return the mean of the components that apply, by their weights."""
    weight = sum(WEIGHTS[one] for one in components)
    if not weight:
        return None
    return sum(WEIGHTS[one] * share for one, share in components.items()) / weight


def late_after_s(period_s: float | None) -> float:
    """Return how much later than it was made a measure may arrive."""
    return max(PUNCTUAL_LEAST_S, PUNCTUAL_PERIODS * (period_s or 0))


def attribute_score(total: int, one: AttributeQuality) -> float | None:
    """Return the mean of what can be told of an attribute."""
    shares: list[float] = []
    if one.expected and total:
        shares.append(one.entities / total)
    if one.entities:
        shares.append(1 - one.out_of_range / one.entities)
    if one.examined:
        shares.append(1 - one.flat / one.examined)
    return sum(shares) / len(shares) if shares else None


def worst(findings: Sequence[Finding], most: int) -> Sequence[Finding]:
    """Return those that weigh most."""
    return sorted(findings, key=lambda one: (-one.weight, one.entity, one.attribute))[:most]
