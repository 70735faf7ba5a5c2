"""Moves of one or two processes, what they change, and the annealing over them; all compiled.

A shift moves a process to another machine. A pair moves ``first`` to the machine of ``second``,
and ``second`` on to ``last``: a swap where ``last`` is where the first came from, an ejection
elsewhere. Changes are counted from what a move touches alone, exactly. Rules of services always
hold; what exceeds a capacity costs a penalty, which ends so high that none does.

One file, because compiled code on disk is judged outdated by the date of its own file alone.

Source: Kirkpatrick, Gelatt, Vecchi, Optimization by Simulated Annealing, Science, 1983.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import numpy as np
from numba import njit

from beffroi.capacity.rebalancing.arrays import Fixed, Ints, Moving

UNBEARABLE: Final = 2**61
"""Told instead of a change that is beyond what may be borne, for sure."""
_DRAWS: Final = 8192
_PATIENCE: Final = -np.log((np.arange(_DRAWS) + 0.5) / _DRAWS)
"""Minus the logarithm of evenly drawn numbers: times the temperature, what may be borne."""

# Counting references to arrays in small functions took nine tenths of the time: ``_nrt``.
_OPTIONS: Final[dict[str, Any]] = {"_nrt": False, "cache": True, "nogil": True}
Whole = Any  # int or numpy.int64, which compiled code does not tell apart
ArgumentsT = ParamSpec("ArgumentsT")
AnswerT = TypeVar("AnswerT")


def _compiled(function: Callable[ArgumentsT, AnswerT]) -> Callable[ArgumentsT, AnswerT]:
    """Compile a function that makes no array, and let other threads run beside it."""
    made = njit(**_OPTIONS)(function)
    return cast("Callable[ArgumentsT, AnswerT]", made)


def _inlined(function: Callable[ArgumentsT, AnswerT]) -> Callable[ArgumentsT, AnswerT]:
    """Compile a function into each of its callers: passing all arrays on would take longer."""
    made = njit(forceinline=True, **_OPTIONS)(function)
    return cast("Callable[ArgumentsT, AnswerT]", made)


@_inlined
def random_below(moving: Moving, bound: Whole) -> Whole:
    """Draw a whole number from 0 to ``bound`` - 1, at most 2**32.

    Source: Marsaglia, Xorshift RNGs, Journal of Statistical Software, 2003.
    """
    state = moving.random[0]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    moving.random[0] = state
    return np.int64(((state >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@_inlined
def overflow_cost(fixed: Fixed, moving: Moving, machine: Whole, gone: Whole, come: Whole) -> Whole:
    """Return the penalties of a machine without one process and with another."""
    taken, capacity, penalty = moving.taken[machine], fixed.capacity[machine], moving.penalty
    leaves, enters = fixed.requirement[gone], fixed.requirement[come]
    cost = 0
    if fixed.home[gone] != machine and fixed.home[come] != machine:
        for r in range(taken.shape[0]):
            cost += max(0, taken[r] - leaves[r] + enters[r] - capacity[r]) * penalty[r]
        return cost
    # A process at home frees no transient resource by leaving, and takes none by coming back.
    out = 0 if fixed.home[gone] == machine else 1
    back = 0 if fixed.home[come] == machine else 1
    for r in range(taken.shape[0]):
        after = taken[r] - leaves[r] * max(out, fixed.steady[r])
        after += enters[r] * max(back, fixed.steady[r])
        cost += max(0, after - capacity[r]) * penalty[r]
    return cost


@_inlined
def trial_cost(fixed: Fixed, moving: Moving, machine: Whole, gone: Whole, come: Whole) -> Whole:
    """Return what a machine would cost without one process and with another, penalties too."""
    used, safety = moving.used[machine], fixed.safety[machine]
    leaves, enters = fixed.requirement[gone], fixed.requirement[come]
    cost = overflow_cost(fixed, moving, machine, gone, come)
    for r in range(used.shape[0]):
        cost += max(0, used[r] - leaves[r] + enters[r] - safety[r]) * fixed.load_weight[r]
    for b in range(fixed.balance.shape[0]):
        one, two = fixed.balance[b, 0], fixed.balance[b, 1]
        free_one = fixed.capacity[machine, one] - used[one] + leaves[one] - enters[one]
        free_two = fixed.capacity[machine, two] - used[two] + leaves[two] - enters[two]
        cost += max(0, fixed.balance[b, 2] * free_one - free_two) * fixed.balance[b, 3]
    return cost


@_inlined
def way_change(fixed: Fixed, process: Whole, origin: Whole, target: Whole) -> Whole:
    """Return what moving on from one machine to another adds to the costs of its way."""
    home = fixed.home[process]
    change = fixed.travel[home, target] - fixed.travel[home, origin]
    return change + away_change(fixed, process, origin, target) * fixed.move_cost[process]


@_inlined
def away_change(fixed: Fixed, process: Whole, origin: Whole, target: Whole) -> Whole:
    """Return 1 when the move leaves home, -1 when it comes home, else 0."""
    home = fixed.home[process]
    return (1 if origin == home else 0) - (1 if target == home else 0)


@_inlined
def most_moved(moving: Moving, one: Whole, more: Whole, two: Whole, and_more: Whole) -> Whole:
    """Return the highest count of a service's moved processes, after changes of -1, 0 or 1.

    Args:
        moving: The state before them.
        one: A service.
        more: What its count changes by.
        two: A service, perhaps the same.
        and_more: What its count changes by, too.
    """
    top = moving.totals[1]
    if more == 0 and and_more == 0:
        return top
    left = moving.services_moved[top] - (1 if moving.moved[one] == top else 0)
    if one == two:
        changed = moving.moved[one] + more + and_more
    else:
        left -= 1 if moving.moved[two] == top else 0
        changed = max(moving.moved[one] + more, moving.moved[two] + and_more)
    if left > 0:
        return max(top, changed)
    if changed >= top - 1:
        return changed
    # The only service at the top, both of whose processes came home.
    return top - 1 if moving.services_moved[top - 1] > 0 else changed


@_inlined
def shift_change(
    fixed: Fixed, moving: Moving, process: Whole, target: Whole, bearable: Whole
) -> Whole:
    """Return what a shift adds to the cost, or ``UNBEARABLE``."""
    origin = moving.machine[process]
    nothing = fixed.service.shape[0]
    service, away = fixed.service[process], away_change(fixed, process, origin, target)
    if moving.totals[2] + away > fixed.most_moved[0]:
        return UNBEARABLE
    change = way_change(fixed, process, origin, target)
    change += trial_cost(fixed, moving, target, nothing, process) - moving.machine_cost[target]
    if change - moving.machine_cost[origin] > bearable + fixed.service_weight[0]:
        return UNBEARABLE
    change += trial_cost(fixed, moving, origin, process, nothing) - moving.machine_cost[origin]
    top = most_moved(moving, service, away, service, 0)
    return change + (top - moving.totals[1]) * fixed.service_weight[0]


@_inlined
def pair_change(
    fixed: Fixed, moving: Moving, first: Whole, second: Whole, last: Whole, bearable: Whole
) -> Whole:
    """Return what a pair adds to the cost, or ``UNBEARABLE``."""
    origin, middle = moving.machine[first], moving.machine[second]
    nothing = fixed.service.shape[0]
    one = away_change(fixed, first, origin, middle)
    two = away_change(fixed, second, middle, last)
    if moving.totals[2] + one + two > fixed.most_moved[0]:
        return UNBEARABLE
    change = way_change(fixed, first, origin, middle) + way_change(fixed, second, middle, last)
    change += trial_cost(fixed, moving, middle, second, first) - moving.machine_cost[middle]
    least = change - moving.machine_cost[origin]
    if last != origin:
        least -= moving.machine_cost[last]
    if least > bearable + 2 * fixed.service_weight[0]:
        return UNBEARABLE
    come = second if last == origin else nothing
    change += trial_cost(fixed, moving, origin, first, come) - moving.machine_cost[origin]
    if last != origin:
        change += trial_cost(fixed, moving, last, nothing, second) - moving.machine_cost[last]
    top = most_moved(moving, fixed.service[first], one, fixed.service[second], two)
    return change + (top - moving.totals[1]) * fixed.service_weight[0]


@_compiled
def service_may_move(
    fixed: Fixed, moving: Moving, service: Whole, origin: Whole, target: Whole
) -> bool:
    """Tell whether conflicts, spread and dependencies allow one of its processes to move."""
    if moving.on_machine[service, target] > 0:
        return False
    left, joined = fixed.location[origin], fixed.location[target]
    if left != joined:
        spread = moving.spread[service]
        spread -= 1 if moving.in_location[service, left] == 1 else 0
        spread += 1 if moving.in_location[service, joined] == 0 else 0
        if spread < fixed.spread_min[service]:
            return False
    near, far = fixed.neighbourhood[origin], fixed.neighbourhood[target]
    return near == far or _neighbours_allow(fixed, moving, service, near, far)


@_compiled
def _neighbours_allow(
    fixed: Fixed, moving: Moving, service: Whole, left: Whole, joined: Whole
) -> bool:
    if moving.in_neighbourhood[service, joined] == 0:
        for at in range(fixed.needs_from[service], fixed.needs_from[service + 1]):
            needed = fixed.needs[at]
            if needed != service and moving.in_neighbourhood[needed, joined] == 0:
                return False
    if moving.in_neighbourhood[service, left] == 1:
        for at in range(fixed.needed_by_from[service], fixed.needed_by_from[service + 1]):
            user = fixed.needed_by[at]
            if user != service and moving.in_neighbourhood[user, left] > 0:
                return False
    return True


@_compiled
def pair_may_move(fixed: Fixed, moving: Moving, first: Whole, second: Whole, last: Whole) -> bool:
    """Tell whether conflicts, spread and dependencies allow a pair."""
    origin, middle = moving.machine[first], moving.machine[second]
    one, two = fixed.service[first], fixed.service[second]
    if one == two:
        return last == origin or service_may_move(fixed, moving, one, origin, last)
    if not service_may_move(fixed, moving, one, origin, middle):
        return False
    left, joined = fixed.neighbourhood[origin], fixed.neighbourhood[middle]
    moving.in_neighbourhood[one, left] -= 1
    moving.in_neighbourhood[one, joined] += 1
    allowed = service_may_move(fixed, moving, two, middle, last)
    moving.in_neighbourhood[one, left] += 1
    moving.in_neighbourhood[one, joined] -= 1
    return allowed


@_compiled
def move_process(fixed: Fixed, moving: Moving, process: Whole, target: Whole) -> None:
    """Move a process, whatever that breaks, and keep every count but the costs."""
    origin, home = moving.machine[process], fixed.home[process]
    for r in range(fixed.steady.shape[0]):
        amount = fixed.requirement[process, r]
        moving.used[origin, r] -= amount
        moving.used[target, r] += amount
        if fixed.steady[r] == 1 or origin != home:
            moving.taken[origin, r] -= amount
        if fixed.steady[r] == 1 or target != home:
            moving.taken[target, r] += amount
    moving.machine[process] = target
    moving.crowd[origin] -= 1
    replacing = moving.standing[origin, moving.crowd[origin]]
    moving.standing[origin, moving.slot[process]] = replacing
    moving.slot[replacing] = moving.slot[process]
    moving.standing[target, moving.crowd[target]] = process
    moving.slot[process] = moving.crowd[target]
    moving.crowd[target] += 1
    _move_service(fixed, moving, fixed.service[process], origin, target)
    _count_moved(moving, fixed.service[process], away_change(fixed, process, origin, target))


@_inlined
def _move_service(
    fixed: Fixed, moving: Moving, service: Whole, origin: Whole, target: Whole
) -> None:
    moving.on_machine[service, origin] -= 1
    moving.on_machine[service, target] += 1
    left, joined = fixed.location[origin], fixed.location[target]
    moving.in_location[service, left] -= 1
    if moving.in_location[service, left] == 0:
        moving.spread[service] -= 1
    if moving.in_location[service, joined] == 0:
        moving.spread[service] += 1
    moving.in_location[service, joined] += 1
    moving.in_neighbourhood[service, fixed.neighbourhood[origin]] -= 1
    moving.in_neighbourhood[service, fixed.neighbourhood[target]] += 1


@_inlined
def _count_moved(moving: Moving, service: Whole, change: Whole) -> None:
    if change == 0:
        return
    count = moving.moved[service]
    moving.services_moved[count] -= 1
    moving.services_moved[count + change] += 1
    moving.moved[service] = count + change
    moving.totals[2] += change
    if count + change > moving.totals[1]:
        moving.totals[1] = count + change
    elif count == moving.totals[1] and moving.services_moved[count] == 0:
        moving.totals[1] = count - 1


@_compiled
def price_machine(fixed: Fixed, moving: Moving, machine: Whole) -> None:
    """Bring the cost of a machine up to date, after the moves that touched it."""
    nothing = fixed.service.shape[0]
    moving.machine_cost[machine] = trial_cost(fixed, moving, machine, nothing, nothing)


@_inlined
def try_shift(
    fixed: Fixed, moving: Moving, process: Whole, target: Whole, bearable: Whole
) -> Whole:
    """Shift a process if it adds no more than the bearable; return 1 if it moved."""
    origin, service = moving.machine[process], fixed.service[process]
    if moving.on_machine[service, target] > 0:
        return 0
    change = shift_change(fixed, moving, process, target, bearable)
    if change > bearable or not service_may_move(fixed, moving, service, origin, target):
        return 0
    move_process(fixed, moving, process, target)
    price_machine(fixed, moving, origin)
    price_machine(fixed, moving, target)
    moving.totals[0] += change
    return 1


@_inlined
def try_pair(
    fixed: Fixed, moving: Moving, first: Whole, second: Whole, last: Whole, bearable: Whole
) -> Whole:
    """Move a pair if it adds no more than the bearable; return 1 if it moved."""
    origin, middle = moving.machine[first], moving.machine[second]
    one, two = fixed.service[first], fixed.service[second]
    if last == middle:
        return 0
    if one != two and moving.on_machine[one, middle] + moving.on_machine[two, last] > 0:
        return 0
    change = pair_change(fixed, moving, first, second, last, bearable)
    if change > bearable or not pair_may_move(fixed, moving, first, second, last):
        return 0
    move_process(fixed, moving, first, middle)
    move_process(fixed, moving, second, last)
    price_machine(fixed, moving, origin)
    price_machine(fixed, moving, middle)
    if last != origin:
        price_machine(fixed, moving, last)
    moving.totals[0] += change
    return 1


@_inlined
def allowed_machine(fixed: Fixed, moving: Moving, process: Whole) -> Whole:
    """Draw a machine on which a process may stand."""
    begin = fixed.allowed_from[process]
    return fixed.allowed_at[begin + random_below(moving, fixed.allowed_from[process + 1] - begin)]


@_inlined
def draw_process(fixed: Fixed, moving: Moving, targeted: Whole) -> Whole:
    """Draw a process: any, or so many times of 256 one of a machine that costs a lot."""
    if random_below(moving, 256) >= targeted:
        return random_below(moving, fixed.service.shape[0])
    machine = random_below(moving, fixed.capacity.shape[0])
    for _ in range(3):
        other = random_below(moving, fixed.capacity.shape[0])
        if moving.crowd[machine] == 0 or (
            moving.crowd[other] > 0 and moving.machine_cost[other] > moving.machine_cost[machine]
        ):
            machine = other
    if moving.crowd[machine] == 0:
        return random_below(moving, fixed.service.shape[0])
    return np.int64(moving.standing[machine, random_below(moving, moving.crowd[machine])])


@_compiled
def anneal(fixed: Fixed, moving: Moving, temperature: float, steps: Whole, mix: Ints) -> Whole:
    """Try moves and take those whose cost chance bears at this temperature.

    Args:
        fixed: The instance.
        moving: The state, changed in place.
        temperature: Cost that is borne once in e times; 0: none.
        steps: Moves to try.
        mix: How many of 256 processes are drawn from costly machines; how many of 256 moves are
            shifts, swaps, ejections homeward; the others are ejections anywhere.

    Returns:
        How many moves were taken.
    """
    taken = 0
    for _ in range(steps):
        bearable = np.int64(temperature * _PATIENCE[random_below(moving, _DRAWS)])
        first = draw_process(fixed, moving, mix[0])
        origin, middle = moving.machine[first], allowed_machine(fixed, moving, first)
        if middle == origin:
            continue
        kind = random_below(moving, 256)
        if kind < mix[1] or moving.crowd[middle] == 0:
            taken += try_shift(fixed, moving, first, middle, bearable)
            continue
        second = np.int64(moving.standing[middle, random_below(moving, moving.crowd[middle])])
        last = origin
        if kind >= mix[1] + mix[2]:
            last = fixed.home[second]
            if kind >= mix[1] + mix[2] + mix[3] or last == middle:
                last = allowed_machine(fixed, moving, second)
        if fixed.allowed[second, last]:
            taken += try_pair(fixed, moving, first, second, last, bearable)
    return taken
