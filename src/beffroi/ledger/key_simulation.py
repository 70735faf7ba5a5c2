"""What other keys would change over months that were issued, and how to get there; pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

import msgspec

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.cents import euros, plain_eur, settled, with_decimals
from beffroi.ledger.model import Accounts, AllocationKey, LineKind
from beffroi.ledger.month_records import MonthRecords
from beffroi.ledger.statements import lines_by_body

_SHARED = frozenset({LineKind.COST_SHARE, LineKind.REVENUE_SHARE})


class Outcome(StrEnum):
    """What a change of key means for a body."""

    WINS = "wins"
    LOSES = "loses"
    SAME = "same"


class BodyEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What a body shares before and after a change of key.

    Attributes:
        change_eur: What it pays more; less where negative: it wins.
        change_percent: Of what it paid, with two decimals; nothing where that was 0.
    """

    body: str
    title: str
    before_eur: Decimal
    after_eur: Decimal
    change_eur: Decimal
    change_percent: Decimal | None
    outcome: Outcome


class KeySimulation(msgspec.Struct, frozen=True, kw_only=True):
    """A change of key over some months, those who win most first.

    Attributes:
        before_eur: What all bodies shared.
        after_eur: What they would share.
    """

    months: tuple[date, ...]
    effects: tuple[BodyEffect, ...]
    before_eur: Decimal
    after_eur: Decimal


class SmoothedYear(msgspec.Struct, frozen=True):
    """A step from the old key to the new one; the last year's amounts are the new key's."""

    number: int
    amounts_eur: Mapping[str, Decimal]


class KeyTrial(msgspec.Struct, frozen=True):
    """A change of key, and the steps that lead to it."""

    simulation: KeySimulation
    steps: tuple[SmoothedYear, ...]


def with_tried_keys(accounts: Accounts, keys: Sequence[AllocationKey]) -> Accounts:
    """Return accounts with keys added under names of their own, none in the place of another."""
    added = {
        _tried(key.name): msgspec.structs.replace(
            key,
            name=_tried(key.name),
            parts={_tried(part): weight for part, weight in key.parts.items()},
        )
        for key in keys
    }
    return msgspec.structs.replace(accounts, keys={**accounts.keys, **added})


def with_cost_keys(accounts: Accounts, chosen: Mapping[str, str]) -> Accounts:
    """Return accounts whose cost centres go by other keys, told by the centres' names."""
    costs = {
        name: msgspec.structs.replace(cost, key=chosen.get(name, cost.key))
        for name, cost in accounts.costs.items()
    }
    return msgspec.structs.replace(accounts, costs=costs)


def simulated(
    months: Sequence[MonthRecords], keys: Sequence[AllocationKey], chosen: Mapping[str, str]
) -> KeySimulation:
    """Compare what bodies shared over some months with what they would by other keys.

    Each month keeps the costs, bodies and rates that held, so that both sides share one total.

    Args:
        months: Their records, with the accounts that held.
        keys: Those that ``chosen`` names, with their parts; a month's own keys stay what they were.
        chosen: Names of keys by those of cost centres; other centres keep the month's own.
    """
    tried = {cost: _tried(key) for cost, key in chosen.items()}
    before_eur: dict[str, Decimal] = {}
    after_eur: dict[str, Decimal] = {}
    titles: dict[str, str] = {}
    for records in months:
        _add_shared(records, before_eur, titles)
        accounts = with_cost_keys(with_tried_keys(records.accounts, keys), tried)
        _add_shared(msgspec.structs.replace(records, accounts=accounts), after_eur, titles)
    return compared(tuple(records.month for records in months), titles, before_eur, after_eur)


def compared(
    months: tuple[date, ...],
    titles: Mapping[str, str],
    before_eur: Mapping[str, Decimal],
    after_eur: Mapping[str, Decimal],
) -> KeySimulation:
    """Put two allocations side by side.

    Args:
        months: What they cover.
        titles: The bodies' titles by name.
        before_eur: What each shared, by name; nothing where it is absent.
        after_eur: What each would share.
    """
    none = Decimal(0)
    effects = [
        _effect(name, title, before_eur.get(name, none), after_eur.get(name, none))
        for name, title in sorted(titles.items())
    ]
    return KeySimulation(
        months=months,
        effects=tuple(sorted(effects, key=lambda one: one.change_eur)),
        before_eur=sum(before_eur.values(), none),
        after_eur=sum(after_eur.values(), none),
    )


def smoothed(simulation: KeySimulation, years: int) -> tuple[SmoothedYear, ...]:
    """Go from the old amounts to the new ones in equal steps that add up to the cent.

    Args:
        simulation: Of a year's months.
        years: How many steps, 1 or above.

    Raises:
        InvalidInputError: The new accounts share another total than the old ones.
    """
    if simulation.before_eur != simulation.after_eur:
        raise InvalidInputError(
            "ledger.totals_differ",
            before=plain_eur(simulation.before_eur),
            after=plain_eur(simulation.after_eur),
        )
    return tuple(
        SmoothedYear(year, _step(simulation, Fraction(year, years))) for year in range(1, years + 1)
    )


def _tried(name: str) -> str:
    """Return a name that no key of a file can have."""
    return f"tried:{name}"


def _effect(name: str, title: str, before: Decimal, after: Decimal) -> BodyEffect:
    change = after - before
    outcome = Outcome.WINS if change < 0 else Outcome.LOSES
    percent = with_decimals(100 * Fraction(change) / abs(Fraction(before)), 2) if before else None
    return BodyEffect(
        body=name,
        title=title,
        before_eur=before,
        after_eur=after,
        change_eur=change,
        change_percent=percent,
        outcome=outcome if change else Outcome.SAME,
    )


def _add_shared(records: MonthRecords, amounts: dict[str, Decimal], titles: dict[str, str]) -> None:
    lines = lines_by_body(records)
    for name, body in records.accounts.sharers.items():
        titles.setdefault(name, body.title)
        own = (line.amount_eur for line in lines[name] if line.kind in _SHARED)
        amounts[name] = amounts.get(name, Decimal(0)) + sum(own, Decimal(0))


def _step(simulation: KeySimulation, part: Fraction) -> dict[str, Decimal]:
    exact = {
        one.body: 100 * (Fraction(one.before_eur) + part * Fraction(one.change_eur))
        for one in simulation.effects
    }
    return {name: euros(cents) for name, cents in settled(exact).items()}
