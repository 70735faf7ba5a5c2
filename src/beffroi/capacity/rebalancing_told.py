"""Rebalancings as people read them: loads, costs and reasons; pure."""

from collections.abc import Sequence

import msgspec

from beffroi.capacity.model import Check, Reason, Resource
from beffroi.capacity.rebalanced import HostLoad, Rebalancing
from beffroi.capacity.rebalancing.model import Cost
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_figure, told_share

HUNDREDTH_OF_HOST = 10_000
"""Units of cost: what a hundredth of a mean host above its share costs."""


class ToldCost(msgspec.Struct, frozen=True):
    """A part of the cost before and after."""

    name: str
    before: str
    after: str


class ToldLoad(msgspec.Struct, frozen=True):
    """A host's loads, one for each resource of the rebalancing, as ``112 % → 84 %``."""

    host: str
    site: str
    shares: tuple[str, ...]


def told_reason(why: Reason, language: Language) -> str:
    """Write a reason in a language."""
    return sentence(language, f"capacity.reasons.{why.code}", **why.values)


def told_costs(before: Cost, after: Cost, unit: int, language: Language) -> tuple[ToldCost, ...]:
    """Write the parts of the cost that are not nothing, in so many of its units at a time."""
    parts = [(name, getattr(before, name), getattr(after, name)) for name in Cost.__struct_fields__]
    return tuple(
        ToldCost(
            sentence(language, f"capacity.rebalancing.costs.{name}"),
            told_figure(was / unit, language),
            told_figure(will / unit, language),
        )
        for name, was, will in parts
        if was or will
    )


def told_loads(
    hosts: Sequence[HostLoad], resources: Sequence[Resource], language: Language
) -> tuple[ToldLoad, ...]:
    """Write what is taken of what may be used of each host."""
    return tuple(
        ToldLoad(
            one.host,
            one.site,
            tuple(_told_change(one, resource, language) for resource in resources),
        )
        for one in hosts
    )


def overloaded(hosts: Sequence[HostLoad], *, after: bool) -> int:
    """Count the hosts of which more is taken than may be."""
    return sum(not (one.after if after else one.before).fits(one.usable) for one in hosts)


def broken_rules(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return those that do not hold."""
    return tuple(check for check in checks if not check.holds)


def told_headline(made: Rebalancing, language: Language) -> str:
    """Say in a sentence what the moves bring."""
    if not made.moves:
        return sentence(language, "capacity.rebalancing.nothing_better")
    return sentence(
        language,
        "capacity.rebalancing.headline",
        moves=len(made.moves),
        before=overloaded(made.hosts, after=False),
        after=overloaded(made.hosts, after=True),
    )


def _told_change(one: HostLoad, resource: Resource, language: Language) -> str:
    place = tuple(Resource).index(resource)
    usable = tuple(one.usable)[place]
    before, after = (
        told_share(tuple(amounts)[place], usable, language) for amounts in (one.before, one.after)
    )
    return before if before == after else f"{before} → {after}"
