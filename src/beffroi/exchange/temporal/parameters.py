"""What requests say of times and figures, in their addresses or their bodies.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.11, 5.2.21, 5.2.44 and 6.3.12.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.representation.instants import read_instant
from beffroi.exchange.temporal.durations import Period, read_period
from beffroi.exchange.temporal.model import (
    Aggregation,
    Method,
    TimeProperty,
    TimeRelation,
    Times,
)

PARAMETERS: Final = frozenset(
    {
        *("timerel", "timeAt", "endTimeAt", "timeproperty"),
        *("lastN", "aggrMethods", "aggrPeriodDuration"),
    }
)
"""Parameters that are read here."""

_LAST_DIGITS: Final = 9
_NameT = TypeVar("_NameT", bound=StrEnum)


def read_times(given: Mapping[str, Json], *, needed: bool = False, audit: bool = False) -> Times:
    """Read when what is asked for was so.

    Args:
        given: Members by their names in the standard; others are left alone.
        needed: A relation to a time has to be told.
        audit: Deletions come along.

    Raises:
        BadRequestDataError: A member is missing, is too many, or has a value that it cannot have.
    """
    named = _one_of(TimeProperty, given, "timeproperty") or TimeProperty.OBSERVED_AT
    relation = _one_of(TimeRelation, given, "timerel")
    if relation is None:
        for name in ("timeAt", "endTimeAt"):
            if name in given:
                raise BadRequestDataError("exchange.time_without_relation", name=name)
        if needed:
            raise BadRequestDataError("exchange.times_missing")
        return Times(property=named, audit=audit)
    if "timeAt" not in given:
        raise BadRequestDataError("exchange.time_missing", name="timeAt", relation=relation)
    at = read_instant(given["timeAt"], "timeAt")
    if relation is TimeRelation.BETWEEN:
        if "endTimeAt" not in given:
            raise BadRequestDataError("exchange.time_missing", name="endTimeAt", relation=relation)
        end = read_instant(given["endTimeAt"], "endTimeAt")
        return Times(property=named, relation=relation, low=at, high=end, audit=audit)
    if "endTimeAt" in given:
        raise BadRequestDataError("exchange.end_without_between", relation=relation)
    if relation is TimeRelation.AFTER:
        return Times(property=named, relation=relation, low=at, audit=audit)
    return Times(property=named, relation=relation, high=at, audit=audit)


def read_last(given: Mapping[str, Json]) -> int | None:
    """Read how many instances of each attribute are asked for; nothing: all.

    Raises:
        BadRequestDataError: It is no count above 0.
    """
    if "lastN" not in given:
        return None
    told = given["lastN"]
    if isinstance(told, str) and told.isascii() and told.isdecimal() and len(told) <= _LAST_DIGITS:
        told = int(told)
    if not isinstance(told, int) or isinstance(told, bool) or not 0 < told < 10**_LAST_DIGITS:
        raise BadRequestDataError("exchange.not_last", found=excerpt(given["lastN"]))
    return told


def read_aggregation(given: Mapping[str, Json]) -> Aggregation:
    """Read which figures are asked for.

    Raises:
        BadRequestDataError: There are none, or one of them is unknown, or the period is none.
    """
    told = given.get("aggrMethods")
    names = told.split(",") if isinstance(told, str) else told
    if not isinstance(names, list) or not names:
        raise BadRequestDataError("exchange.methods_missing", known=", ".join(Method))
    methods: dict[Method, None] = {}
    for name in names:
        try:
            methods[Method(name.strip() if isinstance(name, str) else "")] = None
        except ValueError as error:
            raise BadRequestDataError(
                "exchange.method_unknown", found=excerpt(name), known=", ".join(Method)
            ) from error
    duration = given.get("aggrPeriodDuration")
    return Aggregation(tuple(methods), Period() if duration is None else read_period(duration))


def _one_of(kind: type[_NameT], given: Mapping[str, Json], name: str) -> _NameT | None:
    if name not in given:
        return None
    try:
        return kind(given[name])
    except ValueError as error:
        raise BadRequestDataError(
            "exchange.not_one_of",
            name=name,
            found=excerpt(given[name]),
            known=", ".join(kind),
        ) from error
