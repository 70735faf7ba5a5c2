"""What hosts take: power by load, from the published or measured points of their models."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import add
from typing import Final

import msgspec

from beffroi.capacity.model import HOURS_OF_WEEK, Host, HostModel, Inventory, PowerPoint
from beffroi.kernel.errors import InvalidInputError

_IDLE_WEEK: Final = (0,) * HOURS_OF_WEEK


class RunningHost(msgspec.Struct, frozen=True, kw_only=True):
    """A host that is switched on.

    Attributes:
        load: Part of its CPU that is busy, for each hour of the week from Monday 0 h; above 1 it
            counts as 1.
        spare: Kept free for the loss of another.
        bought: Not there yet: what making it emits and costs is the plan's doing.
    """

    name: str
    model: HostModel
    load: tuple[float, ...]
    spare: bool = False
    bought: bool = False


def power_w(points: Sequence[PowerPoint], load: float) -> float:
    """Return the power at a load, on the straight line between the two points around it.

    Args:
        points: By rising load, at least one.
        load: From 0 to 1; outside the points the nearest one holds.
    """
    place = bisect_left(points, load, key=lambda point: point.load)
    if place == 0:
        return points[0].power_w
    if place == len(points):
        return points[-1].power_w
    low, high = points[place - 1], points[place]
    part = (load - low.load) / (high.load - low.load)
    return low.power_w + part * (high.power_w - low.power_w)


def require_power(model: HostModel) -> None:
    """Refuse a model whose power cannot be told.

    Raises:
        InvalidInputError: It has fewer than two points, loads that do not rise or lie outside 0
            and 1, or power that falls or is below 0.
    """
    points = model.power
    if len(points) < 2:
        raise InvalidInputError("capacity.power_points_few", model=model.name, count=len(points))
    for low, high in pairwise(points):
        if not (0 <= low.load < high.load <= 1 and 0 <= low.power_w <= high.power_w):
            raise InvalidInputError(
                "capacity.power_points_disordered",
                model=model.name,
                load=high.load,
                power_w=high.power_w,
            )


def week_w(hosts: Sequence[RunningHost], load_factor: float = 1.0) -> tuple[float, ...]:
    """Return what hosts take together at each hour of the week, in watts.

    Args:
        hosts: Those that are on; their models have power points.
        load_factor: Multiplies every load, 0 or above.
    """
    total = [0.0] * HOURS_OF_WEEK
    for host in hosts:
        by_load = {load: power_w(host.model.power, load * load_factor) for load in set(host.load)}
        total = list(map(add, total, [by_load[load] for load in host.load]))
    return tuple(total)


def loads_of(
    inventory: Inventory,
    placement: Mapping[str, str],
    hosts: Sequence[Host],
    use: Mapping[str, Sequence[int]],
) -> dict[str, tuple[float, ...]]:
    """Return the load of each host by hour of the week.

    A thousandth of a core is taken for the same work on every model: no exchange rate between old
    cores and new ones is published that holds for all workloads.

    Args:
        inventory: What the hosts carry.
        placement: Workload to host, both by name.
        hosts: Those of interest.
        use: Thousandths of a core that a workload uses on average at each hour of the week, 168
            values, by name. For the others what they are sized for counts, which is more than what
            they use, before and after alike.
    """
    taken = {host.name: list(_IDLE_WEEK) for host in hosts}
    for workload in inventory.workloads:
        host = placement.get(workload.name)
        if host in taken:
            sized = workload.cpu_by_hour or (workload.amounts.cpu_milli,) * HOURS_OF_WEEK
            hours = use.get(workload.name, sized)
            taken[host] = list(map(add, taken[host], hours))
    return {
        host.name: tuple(
            cpu / inventory.models[host.model].amounts.cpu_milli for cpu in taken[host.name]
        )
        for host in hosts
    }
