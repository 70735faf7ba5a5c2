"""Which counts to try next: the best that the rules allow, and those with most room."""

from collections.abc import Iterator, Sequence

from ortools.sat.python import cp_model

from beffroi.capacity.model import SiteLoss
from beffroi.capacity.planning.counts import (
    Counting,
    Counts,
    Reserve,
    exact_solver,
    least_hosts,
)
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.sums import Sums


def counts_to_try(
    sums: Sums, failed: Sequence[Counts], at_least: int, *, keeps_all: bool = False
) -> Counts | None:
    """Return the best counts that have not failed, with at least so many hosts.

    Fewest hosts first; then the least to buy, the least power; then sites of the same size where
    one of them may be lost, and hosts that are loaded now, so that less moves.
    """
    counting = Counting(sums)
    counting.model.add(sum(counting.hosts) >= at_least)
    for one in failed:
        counting.exclude(one)
    if keeps_all:
        for count, kind in zip(counting.hosts, sums.estate.kinds, strict=True):
            if not kind.bought:
                counting.model.add(count == kind.most)
    return _best(counting, _goals(sums, counting))


def one_host_less(sums: Sums, failed: Sequence[Counts], total: int) -> Counts | None:
    """Return counts with one host less, whose hosts are filled no further than their spares hold.

    The least to buy first, then those with most room.
    """
    counting = Counting(sums, reserve=Reserve.CAPPED)
    counting.model.add(sum(counting.hosts) == total - 1)
    for one in failed:
        counting.exclude(one)
    kinds = sums.estate.kinds
    most = [max(1, *column) for column in zip(*sums.offers, strict=True)]
    room = [
        sum(100 * offer // best for offer, best in zip(offers, most, strict=True))
        for offers in sums.offers
    ]
    price = sum(kind.price_cents * count for kind, count in zip(kinds, counting.hosts, strict=True))
    at_work = sum(
        size * (hosts - spares)
        for size, hosts, spares in zip(room, counting.hosts, counting.spares, strict=True)
    )
    return _best(counting, iter((price, -at_work)))


def _best(counting: Counting, goals: Iterator[cp_model.LinearExpr | int]) -> Counts | None:
    """Reach the goals one after the other, each within what the earlier ones reached."""
    found = None
    for goal in goals:
        counting.model.minimize(goal)
        better = _solved(counting)
        if better is None:
            return found
        found, reached = better
        counting.model.add(goal <= reached)
    return found


def most_at_work(sums: Sums, reserve: Reserve = Reserve.STAND_IN) -> Counts | None:
    """Return counts with as many hosts as may take workloads; of those to buy no more than enough.

    Enough is thrice what sums allow, and one for each member of the largest group apart.
    """
    least = least_hosts(sums)
    if least is None:
        return None
    largest = max((size for _, size, _ in sums.largest_groups), default=0)
    counting = Counting(sums, reserve=reserve)
    for count, kind in zip(counting.hosts, sums.estate.kinds, strict=True):
        if kind.bought:
            counting.model.add(count <= 3 * least + largest + 1)
    counting.model.maximize(sum(counting.hosts) - sum(counting.spares))
    solved = _solved(counting)
    return None if solved is None else solved[0]


def _solved(counting: Counting) -> tuple[Counts, int] | None:
    """Return the best counts and what they reach; none where there are none."""
    solver = exact_solver()
    if solver.solve(counting.model) not in {cp_model.OPTIMAL, cp_model.FEASIBLE}:
        return None
    counts = Counts(
        tuple(solver.value(count) for count in counting.hosts),
        tuple(solver.value(count) for count in counting.spares),
    )
    return counts, round(solver.objective_value)


def _goals(sums: Sums, counting: Counting) -> Iterator[cp_model.LinearExpr | int]:
    estate = sums.estate
    kinds = estate.kinds
    hosts = counting.hosts
    yield sum(hosts)
    if any(kind.price_cents for kind in kinds):
        yield sum(kind.price_cents * count for kind, count in zip(kinds, hosts, strict=True))
    if any(kind.power_w for kind in kinds):
        yield sum(kind.power_w * count for kind, count in zip(kinds, hosts, strict=True))
    if estate.inventory.policy.site_loss is not SiteLoss.IGNORED:
        most = counting.model.new_int_var(0, sum(kind.most for kind in kinds), "")
        for site in estate.sites:
            counting.model.add(most >= sum(hosts[kind] for kind in estate.kinds_at(site)))
        yield most
    if not all(kind.bought for kind in kinds):
        standing = present_load(estate)
        yield -sum(load * count for load, count in zip(standing, hosts, strict=True))


def present_load(estate: Estate) -> list[int]:
    """Return how much memory stands now on a host of each kind, on average, in GiB."""
    on_host: dict[str, int] = {}
    for one in estate.inventory.workloads:
        on_host[one.host] = on_host.get(one.host, 0) + one.amounts.memory_mib
    return [
        sum(on_host.get(host.name, 0) for host in kind.hosts) // (1024 * max(1, len(kind.hosts)))
        for kind in estate.kinds
    ]
