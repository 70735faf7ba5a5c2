"""The nouns of history: instances, and which of them are asked for.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.6 to 4.5.9, 4.5.19, 4.8 and 4.11.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

import msgspec

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri
from beffroi.exchange.temporal.durations import Period


class TimeProperty(StrEnum):
    """Which of the times of an instance counts."""

    OBSERVED_AT = "observedAt"
    CREATED_AT = "createdAt"
    MODIFIED_AT = "modifiedAt"
    DELETED_AT = "deletedAt"


class TimeRelation(StrEnum):
    """How instances lie to the times of a question."""

    BEFORE = "before"
    AFTER = "after"
    BETWEEN = "between"


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When what is asked for was so.

    Attributes:
        relation: Nothing: at any time.
        low: From then on; nothing: from the beginning.
        high: Until just before then; nothing: to the end.
        audit: Deletions come along, whichever time counts.
    """

    property: TimeProperty = TimeProperty.OBSERVED_AT
    relation: TimeRelation | None = None
    low: datetime | None = None
    high: datetime | None = None
    audit: bool = False


class Method(StrEnum):
    """What is reckoned from the values of a period."""

    TOTAL_COUNT = "totalCount"
    DISTINCT_COUNT = "distinctCount"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    STDDEV = "stddev"
    SUMSQ = "sumsq"


class Aggregation(msgspec.Struct, frozen=True):
    """Which figures, and over how long each."""

    methods: tuple[Method, ...]
    period: Period


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which instances of an entity.

    Attributes:
        attributes: Of these alone; nothing: of all.
        having: An entity has to have one of these; nothing: any attribute will do.
        without: Not of these.
        dataset_ids: Of these data sets alone, "" being the default; nothing: of all.
        last: So many of each attribute at most, the latest.
        aggregation: Figures instead of the instances.
    """

    times: Times
    attributes: frozenset[Iri] | None = None
    having: frozenset[Iri] | None = None
    without: frozenset[Iri] = frozenset()
    dataset_ids: frozenset[str] | None = None
    last: int | None = None
    aggregation: Aggregation | None = None


class TemporalQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which entities, by what they were.

    Attributes:
        asked: On the columns tenant, id, types and scopes of ``e`` alone; never leaves one out
            that is wanted.
        wanted: Decides on an entity whose attributes are the instances of the time asked for.
        judges_values: It looks at attributes.
        judges_scopes: It looks at scopes, which are those of one stretch of time.
        descending: By id, from the last to the first.
    """

    asked: SqlFilter
    wanted: Callable[[Entity], bool]
    judges_values: bool
    judges_scopes: bool
    descending: bool = False


class KnownEntity(msgspec.Struct, frozen=True):
    """An entity that is there, or was."""

    id: str
    types: tuple[Iri, ...]
    scopes: tuple[str, ...]
    created_at: datetime
    modified_at: datetime
    deleted_at: datetime | None
    organisation: str = ""


class Instance(msgspec.Struct, frozen=True):
    """An instance of an attribute as it was.

    Attributes:
        number: With the day of ``written_at``, which one.
        at: The time of it that counts.
        ended: The attribute was deleted then.
    """

    entity: str
    attribute: Iri
    dataset_id: str
    number: int
    at: datetime
    written_at: datetime
    changed_at: datetime | None
    ended: bool
    observed: bool
    value: Attribute


class Figures(msgspec.Struct, frozen=True):
    """What was reckoned from one period of an attribute.

    Attributes:
        figures: In the order of the methods asked for; nothing where a method has none.
    """

    entity: str
    attribute: Iri
    dataset_id: str
    kind: str
    start: datetime
    end: datetime
    figures: tuple[float | int | str | None, ...]


class Stretch(msgspec.Struct, frozen=True):
    """A time of an entity: from ``low`` on, until just before ``high``; nothing: no end."""

    entity: str
    low: datetime | None
    high: datetime | None


class Cut(msgspec.Struct, frozen=True):
    """How far an answer goes that could not hold all.

    Attributes:
        emptied: Attributes of which nothing is left in it, by entity.
        size: How many of each attribute were asked for.
    """

    start: datetime
    end: datetime
    size: int | None
    emptied: dict[str, dict[Iri, AttributeKind]]


class Evolution(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entity in the time asked for."""

    entity: KnownEntity
    instances: tuple[Instance, ...] = ()
    figures: tuple[Figures, ...] = ()


class Evolutions(msgspec.Struct, frozen=True, kw_only=True):
    """Some of what was asked for.

    Attributes:
        count: How many entities there are in all, where that was asked.
        more: Other entities follow.
        cut: Why not all of the instances are here.
    """

    found: tuple[Evolution, ...]
    count: int | None = None
    more: bool = False
    cut: Cut | None = None
