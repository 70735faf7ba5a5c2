"""How long a platform suffices, what extends it, and how much room it has left."""

import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import msgspec

from beffroi.capacity.checking import check_plan, replay_losses
from beffroi.capacity.growth import (
    EverythingGrows,
    Foresight,
    ForesightRequest,
    RoomLeft,
    Runway,
    YearAhead,
    changed,
    of_one_resource,
    on_platform,
)
from beffroi.capacity.model import Inventory, Resource
from beffroi.capacity.planning.blocks import blocks_of
from beffroi.capacity.planning.conflicts import contradicts_itself
from beffroi.capacity.planning.counts import least_hosts
from beffroi.capacity.planning.estate import estate_of
from beffroi.capacity.planning.hours import dimensions_of, hours_that_decide
from beffroi.capacity.planning.mistakes import refuse_mistakes
from beffroi.capacity.planning.search import Found, Search
from beffroi.capacity.planning.sums import Sums
from beffroi.kernel.processes.workers import Progress, Told

_MONTHS = 12
_ONE_SEARCH_SHARE = 0.1
_STANDARD = "standard-{}"


def foreseen(request: ForesightRequest, told: Told) -> Foresight:
    """Count the room that is left, and find out when there is none.

    Raises:
        InvalidInputError: The inventory contradicts itself.
    """
    refuse_mistakes(on_platform(request.inventory, request.hosts))
    told(Progress(0.1, "counting the room that is left"))
    room = room_left(request)
    told(Progress(0.5, "looking for the month in which it is full"))
    return Foresight(room, runway(request))


def room_left(request: ForesightRequest) -> RoomLeft:
    """Count how many more standard workloads find room."""
    platform = msgspec.structs.replace(on_platform(request.inventory, request.hosts), buys=())
    first = _ceiling(platform, request)
    at_most = _last(lambda count: _sums_allow(_with_more(platform, request, count)), first)
    found = _last(
        lambda count: _placed(_with_more(platform, request, count), request) is not None, at_most
    )
    unmoved = _last(partial(_holds_unmoved, platform, request), at_most)
    return RoomLeft(without_moves=unmoved, with_moves=max(found, unmoved), at_most=at_most)


def runway(request: ForesightRequest) -> Runway:
    """Find the last month that fits, the resource that fills first, and what must be bought."""
    platform = on_platform(request.inventory, request.hosts)
    as_is = msgspec.structs.replace(platform, buys=())
    months = _MONTHS * request.years

    def after(inventory: Inventory, count: int) -> Inventory:
        return changed(inventory, EverythingGrows(request.per_year, count))

    def allowed(resource: Resource, count: int) -> bool:
        return _sums_allow(of_one_resource(after(as_is, count), resource))

    ruled_out = {one: _last(partial(allowed, one), months) for one in Resource}
    resource = min(ruled_out, key=lambda one: ruled_out[one])
    at_most = _last(lambda count: _sums_allow(after(as_is, count)), months)
    fits = _last(lambda count: _placed(after(as_is, count), request) is not None, at_most)
    return Runway(
        full_after_months=fits if fits < months else None,
        never_fits_after_months=at_most if at_most < months else None,
        resource=resource if ruled_out[resource] < months else "",
        years=tuple(
            _year(year, _placed(after(platform, _MONTHS * year), request))
            for year in range(1, request.years + 1)
        ),
    )


def _year(year: int, found: Found | None) -> YearAhead:
    if found is None:
        return YearAhead(year, None, None)
    kinds = found.layout.estate.kinds
    bought = [
        (kind.model.price_eur, count)
        for kind, count in zip(kinds, found.layout.counts.hosts, strict=True)
        if kind.bought and count
    ]
    prices = [Decimal(price) * count for price, count in bought if price is not None]
    cost = str(sum(prices, Decimal())) if len(prices) == len(bought) else None
    return YearAhead(year, sum(count for _, count in bought), cost)


def _last(holds: Callable[[int], bool], most: int) -> int:
    """Return the last number up to the most for which it holds, if it does for all below."""
    low, high = 0, most + 1
    if high > 1 and holds(most):
        return most
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _ceiling(platform: Inventory, request: ForesightRequest) -> int:
    """Return how many standards the emptied hosts hold by the resource that runs out first."""
    usable = [platform.policy.usable(platform.models[host.model].amounts) for host in request.hosts]
    per_resource = [
        sum(list(amounts)[place] for amounts in usable) // needed
        for place, needed in enumerate(request.standard.amounts)
        if needed
    ]
    return min(per_resource, default=0)


def _with_more(platform: Inventory, request: ForesightRequest, count: int) -> Inventory:
    more = tuple(
        msgspec.structs.replace(request.standard, name=_STANDARD.format(number))
        for number in range(count)
    )
    return msgspec.structs.replace(platform, workloads=(*platform.workloads, *more))


def _sums_allow(inventory: Inventory) -> bool:
    """Tell whether each block finds a host, and sums leave a placement possible."""
    estate = estate_of(inventory, blocks_of(inventory))
    if contradicts_itself(estate):
        return False
    dimensions = dimensions_of(estate, hours_that_decide(estate.blocks))
    return least_hosts(Sums(estate, dimensions)) is not None


def _placed(inventory: Inventory, request: ForesightRequest) -> Found | None:
    """Place all on the platform, every host of which stays; buy what is missing, if anything."""
    estate = estate_of(inventory, blocks_of(inventory))
    if contradicts_itself(estate):
        return None
    until_s = time.monotonic() + request.deadline_s * _ONE_SEARCH_SHARE
    search = Search(estate, seed=request.seed, until_s=until_s, told=lambda _: None, keeps_all=True)
    return search.found()


def _holds_unmoved(platform: Inventory, request: ForesightRequest, count: int) -> bool:
    """Tell whether so many more hold where there is room now, spares left empty."""
    inventory = _with_more(platform, request, count)
    placement = {one.name: one.host for one in platform.workloads}
    hosts = [host for host in request.hosts if host.name not in request.spares]
    free = _free(platform, request)
    for number in range(count):
        host = max(hosts, key=lambda one: (free[one.name], one.name), default=None)
        if host is None or not free[host.name]:
            return False
        free[host.name] -= 1
        placement[_STANDARD.format(number)] = host.name
    checks = check_plan(inventory, placement, request.hosts, ())
    broken = [one.rule for one in checks if not one.holds and one.rule != "moves"]
    replays = replay_losses(inventory, placement, request.hosts)
    return not broken and not any(one.stranded for one in replays)


def _free(platform: Inventory, request: ForesightRequest) -> dict[str, int]:
    """Count the standards that each host has room for, by the resource that runs out first."""
    left = {
        host.name: list(platform.policy.usable(platform.models[host.model].amounts))
        for host in request.hosts
    }
    for one in platform.workloads:
        if one.host:
            left[one.host] = [
                room - taken for room, taken in zip(left[one.host], one.amounts, strict=True)
            ]
    return {
        name: max(
            0,
            min(
                (
                    room // needed
                    for room, needed in zip(rooms, request.standard.amounts, strict=True)
                    if needed
                ),
                default=0,
            ),
        )
        for name, rooms in left.items()
    }
