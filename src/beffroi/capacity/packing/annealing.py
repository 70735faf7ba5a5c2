"""Simulated annealing: all items into all bins, overload driven down to nothing."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from beffroi.capacity.packing.compiled import compiled
from beffroi.capacity.packing.problem import FloatArray, IntArray
from beffroi.capacity.packing.terms import Terms

_RELOCATIONS: Final = 0.45
_CONFLICT: Final = 0.05
_COOLING_STEPS: Final = 1_000
# So many temperatures uphill, no draw accepts: its exponential need not be computed.
_HOPELESS: Final = 25.0


class State(NamedTuple):
    """What a run changes.

    Attributes:
        place: (items) Bin of each item.
        excess: (bins, dimensions) Load minus capacity, in whole numbers.
        over: (bins) Weighted sum of the positive excesses.
        crowd: (bins, groups) How many items of a group stand in a bin.
        tally: Pairs of items that should be apart, overloaded bins, items away from home.
        dice: State of the random numbers.
        best: (items + 1) Of valid placements, the one with fewest items away; their number last.
    """

    place: IntArray
    excess: FloatArray
    over: FloatArray
    crowd: IntArray
    tally: IntArray
    dice: NDArray[np.uint64]
    best: IntArray


class Schedule(NamedTuple):
    """One leg of a run.

    Attributes:
        hottest: Temperature of step 0, in parts of a bin.
        coldest: Temperature of the last step.
        begins: First step of this leg, a multiple of 1,000.
        ends: Step after its last.
        steps: Steps of the whole run.
        home: (items) Bin that an item should rather not leave, or -1.
        leaving: What an item away from home costs, in parts of a bin; at 0 the run ends with
            the first valid placement.
    """

    hottest: float
    coldest: float
    begins: int
    ends: int
    steps: int
    home: IntArray
    leaving: float


def begun(terms: Terms, place: IntArray, home: IntArray, seed: int) -> State:
    """Begin a run from a placement that may be incomplete (-1) and may break rules."""
    bins = len(terms.capacity)
    mixed = np.random.default_rng(seed).integers(1, 2**63, dtype=np.uint64)
    state = State(
        place=np.full(len(place), -1, dtype=np.int64),
        excess=-terms.capacity,
        over=np.zeros(bins),
        crowd=np.zeros((bins, max(terms.groups, 1)), dtype=np.int64),
        tally=np.zeros(3, dtype=np.int64),
        dice=np.array([mixed], dtype=np.uint64),
        best=np.full(len(place) + 1, len(place) + 1, dtype=np.int64),
    )
    _settle(terms, state, place, home)
    return state


def valid(state: State) -> bool:
    """Tell whether nothing is overloaded and nothing that should be apart stands together."""
    return bool(state.tally[0] == 0 and state.tally[1] == 0)


@compiled
def anneal(terms: Terms, state: State, schedule: Schedule) -> bool:
    """Move and swap items for one leg; tell whether a valid placement ended the run."""
    movable = len(terms.movable)
    if movable == 0:
        return False
    range_of_heat = schedule.coldest / schedule.hottest
    temperature = schedule.hottest * range_of_heat ** (schedule.begins / schedule.steps)
    cooling = range_of_heat ** (_COOLING_STEPS / schedule.steps)
    for step in range(schedule.begins, schedule.ends):
        if step % _COOLING_STEPS == 0:
            temperature *= cooling
        item = terms.movable[_below(state, movable)]
        if _share(state) < _RELOCATIONS:
            changed = _relocate(terms, state, schedule, item, temperature)
        else:
            other = terms.movable[_below(state, movable)]
            changed = _swap(terms, state, schedule, item, other, temperature)
        if changed and state.tally[0] == 0 and state.tally[1] == 0:
            if schedule.leaving == 0.0:
                return True
            if state.tally[2] < state.best[-1]:
                state.best[:-1] = state.place
                state.best[-1] = state.tally[2]
    return False


@compiled
def _relocate(
    terms: Terms, state: State, schedule: Schedule, item: int, temperature: float
) -> bool:
    """Try one item in another bin of its kind."""
    kind, nobody, origin = terms.kind[item], len(state.place), state.place[item]
    first = terms.starts[kind]
    target = terms.choices[first + _below(state, terms.starts[kind + 1] - first)]
    if target == origin:
        return False
    conflicts = _conflicts(terms, state, item, origin, target)
    away = _away(schedule, item, origin, target)
    without = _overload(terms, state, origin, item, nobody)
    joined = _overload(terms, state, target, nobody, item)
    worse = without + joined - state.over[origin] - state.over[target]
    worse += _CONFLICT * conflicts + schedule.leaving * away
    if not _accepted(state, worse, temperature):
        return False
    _change(terms, state, origin, item, nobody, without)
    _change(terms, state, target, nobody, item, joined)
    _stand(terms, state, item, target)
    state.tally[0] += conflicts
    state.tally[2] += away
    return True


@compiled
def _swap(
    terms: Terms, state: State, schedule: Schedule, item: int, other: int, temperature: float
) -> bool:
    """Try two items in each other's bins."""
    origin, target = state.place[item], state.place[other]
    if origin == target:
        return False
    if not (terms.may[terms.kind[item], target] and terms.may[terms.kind[other], origin]):
        return False
    conflicts = 0
    if terms.group[item] < 0 or terms.group[item] != terms.group[other]:
        conflicts = _conflicts(terms, state, item, origin, target)
        conflicts += _conflicts(terms, state, other, target, origin)
    away = _away(schedule, item, origin, target) + _away(schedule, other, target, origin)
    left = _overload(terms, state, origin, item, other)
    joined = _overload(terms, state, target, other, item)
    worse = left + joined - state.over[origin] - state.over[target]
    worse += _CONFLICT * conflicts + schedule.leaving * away
    if not _accepted(state, worse, temperature):
        return False
    _change(terms, state, origin, item, other, left)
    _change(terms, state, target, other, item, joined)
    _stand(terms, state, item, target)
    _stand(terms, state, other, origin)
    state.tally[0] += conflicts
    state.tally[2] += away
    return True


@compiled
def _overload(terms: Terms, state: State, number: int, leaves: int, joins: int) -> float:
    """Return the weighted overload of a bin after one item leaves and another joins."""
    total = 0.0
    for dimension in range(terms.demand.shape[1]):
        change = terms.demand[joins, dimension] - terms.demand[leaves, dimension]
        total += max(0.0, state.excess[number, dimension] + change) * terms.weight[dimension]
    return total


@compiled
def _change(terms: Terms, state: State, number: int, leaves: int, joins: int, over: float) -> None:
    for dimension in range(terms.demand.shape[1]):
        change = terms.demand[joins, dimension] - terms.demand[leaves, dimension]
        state.excess[number, dimension] += change
    state.tally[1] += int(over > 0.0) - int(state.over[number] > 0.0)
    state.over[number] = over


@compiled
def _stand(terms: Terms, state: State, item: int, target: int) -> None:
    group = terms.group[item]
    if group >= 0:
        state.crowd[state.place[item], group] -= 1
        state.crowd[target, group] += 1
    state.place[item] = target


@compiled
def _conflicts(terms: Terms, state: State, item: int, origin: int, target: int) -> int:
    """Return how many pairs that should be apart a move adds."""
    group = terms.group[item]
    if group < 0:
        return 0
    return int(state.crowd[target, group] - state.crowd[origin, group] + 1)


@compiled
def _away(schedule: Schedule, item: int, origin: int, target: int) -> int:
    """Return 1 when a move leaves home, -1 when it comes back."""
    home = schedule.home[item]
    return int(origin == home) - int(target == home)


@compiled
def _accepted(state: State, worse: float, temperature: float) -> bool:
    if worse <= 0.0:
        return True
    heats = worse / temperature
    return heats < _HOPELESS and _share(state) < np.exp(-heats)


@compiled
def _drawn(state: State) -> np.uint64:
    """Draw 64 bits. Source: Vigna, xorshift64*, 2014."""
    bits = state.dice[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state.dice[0] = bits
    return np.uint64(bits * np.uint64(2685821657736338717))


@compiled
def _share(state: State) -> float:
    """Draw a number from 0 to 1."""
    return float(_drawn(state) >> np.uint64(11)) * 2.0**-53


@compiled
def _below(state: State, limit: int) -> int:
    """Draw a whole number from 0 to below the limit, itself below 2^32."""
    return int(((_drawn(state) >> np.uint64(32)) * np.uint64(limit)) >> np.uint64(32))


@compiled
def _settle(terms: Terms, state: State, place: IntArray, home: IntArray) -> None:
    """Stand every item where it is told, the others where they overload least."""
    nobody = len(place)
    for round_number in range(2):
        for item in range(len(place)):
            told = terms.fixed[item] if terms.fixed[item] >= 0 else place[item]
            if (told >= 0) != (round_number == 0):
                continue
            target = told if told >= 0 else _least_overloaded(terms, state, item)
            over = _overload(terms, state, target, nobody, item)
            _change(terms, state, target, nobody, item, over)
            state.place[item] = target
            if terms.group[item] >= 0:
                state.tally[0] += state.crowd[target, terms.group[item]]
                state.crowd[target, terms.group[item]] += 1
            state.tally[2] += int(home[item] >= 0 and home[item] != target)


@compiled
def _least_overloaded(terms: Terms, state: State, item: int) -> int:
    """Return the bin of an item's kind that it would overload least."""
    kind, nobody = terms.kind[item], len(state.place)
    best, least = -1, np.inf
    for index in range(terms.starts[kind], terms.starts[kind + 1]):
        number = terms.choices[index]
        added = _overload(terms, state, number, nobody, item) - state.over[number]
        if added < least:
            best, least = number, added
    return best
