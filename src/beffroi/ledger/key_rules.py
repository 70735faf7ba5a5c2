"""What allocation keys must hold, and that they can be applied to those who share; pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from beffroi.ledger.allocation import bounds_hold
from beffroi.ledger.cents import plain_number
from beffroi.ledger.model import REVENUE_KEY, Accounts, AllocationKey, KeyBasis
from beffroi.ledger.references import unknown_reference
from beffroi.territory.findings import KeyPath, Mistake

_FIELD_OF: Final[Mapping[str, KeyBasis]] = {
    "units": KeyBasis.USAGE,
    "weights": KeyBasis.FIXED,
    "parts": KeyBasis.MIXED,
}
_COUNT_OF: Final[Mapping[KeyBasis, str]] = {
    KeyBasis.INHABITANTS: "inhabitants",
    KeyBasis.POSTS: "posts",
}


def key_mistakes(accounts: Accounts) -> Iterator[Mistake]:
    """Say what is wrong with each key, and with what it is applied to."""
    for key in accounts.keys.values():
        path = ("keys", key.name)
        yield from _field_mistakes(key, path)
        yield from _bound_mistakes(key, len(accounts.sharers), path)
        yield from _weight_mistakes(key, accounts, path)
        for part in key.parts:
            yield from unknown_reference(part, "keys", accounts.keys, (*path, "parts", part))
    yield from _count_mistakes(accounts)
    yield from _cycles(accounts.keys)


def _applied(accounts: Accounts) -> set[str]:
    """Return the keys that some cost, the revenue or another applied key goes by."""
    found: set[str] = set()
    asked = {REVENUE_KEY, *(cost.key for cost in accounts.costs.values())}
    while asked:
        name = asked.pop()
        if name in accounts.keys and name not in found:
            found.add(name)
            asked |= accounts.keys[name].parts.keys()
    return found


def _field_mistakes(key: AllocationKey, path: KeyPath) -> Iterator[Mistake]:
    for field, basis in _FIELD_OF.items():
        weights = getattr(key, field)
        if key.basis is not basis and weights:
            values = {"key": field, "kind": key.basis, "kinds": basis}
            yield Mistake("territory.key_not_for_kind", (*path, field), values, at_key=True)
        elif key.basis is basis and not any(weights.values()):
            values = {"key": key.name, "field": field}
            yield Mistake("ledger.weights_all_zero", path, values, at_key=True)


def _bound_mistakes(key: AllocationKey, sharers: int, path: KeyPath) -> Iterator[Mistake]:
    if sharers and not bounds_hold(key, sharers):
        values = {
            "key": key.name,
            "floor": plain_number(key.floor_percent),
            "ceiling": plain_number(key.ceiling_percent),
            "count": sharers,
        }
        yield Mistake("ledger.bounds_infeasible", path, values, at_key=True)


def _weight_mistakes(key: AllocationKey, accounts: Accounts, path: KeyPath) -> Iterator[Mistake]:
    if key.basis is not KeyBasis.FIXED:
        return
    for name in key.weights:
        inner = (*path, "weights", name)
        yield from unknown_reference(name, "bodies", accounts.bodies, inner)
        if name in accounts.bodies and name not in accounts.sharers:
            values = {"key": key.name, "body": name}
            yield Mistake("ledger.weight_of_payer_by_rates", inner, values, at_key=True)
    for name in accounts.sharers:
        if name not in key.weights:
            values = {"key": key.name, "body": name}
            yield Mistake("ledger.weight_missing", (*path, "weights"), values, at_key=True)


def _count_mistakes(accounts: Accounts) -> Iterator[Mistake]:
    """Find bodies without the count that an applied key goes by; one key of each kind is named."""
    applied = sorted(_applied(accounts))
    for basis, field in _COUNT_OF.items():
        key = next((name for name in applied if accounts.keys[name].basis is basis), None)
        for name, body in accounts.sharers.items():
            if key is not None and not getattr(body, field):
                values = {"key": key, "body": name, "field": field}
                yield Mistake("ledger.count_missing", ("bodies", name), values, at_key=True)


def _cycles(keys: Mapping[str, AllocationKey]) -> Iterator[Mistake]:
    told: set[str] = set()
    for name in sorted(keys):
        cycle = _cycle_from(name, keys)
        if cycle and not told.intersection(cycle):
            told.update(cycle)
            values = {"cycle": " → ".join((*cycle, cycle[0]))}
            yield Mistake("ledger.key_cycle", ("keys", name, "parts"), values, at_key=True)


def _cycle_from(start: str, keys: Mapping[str, AllocationKey]) -> tuple[str, ...]:
    """Return the shortest way from a key back to itself; empty where there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:
        for part in sorted(keys[way[-1]].parts):
            if part == start:
                return way
            if part in keys and part not in seen:
                seen.add(part)
                ways.append((*way, part))
    return ()
