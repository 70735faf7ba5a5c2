"""CPU at 168 hours of the week: a few that decide are packed, all are checked, more are added."""

from collections.abc import Sequence

import numpy as np

from beffroi.capacity.model import HOURS_OF_WEEK, Resource
from beffroi.capacity.packing.problem import IntArray
from beffroi.capacity.planning.blocks import Blocks, Dimension
from beffroi.capacity.planning.estate import Estate
from beffroi.capacity.planning.layouts import Layout, held_by_spares

_PARTS_OF_DAY = ((0, 6), (7, 12), (13, 18), (19, 23))


def hours_that_decide(blocks: Blocks) -> tuple[int, ...]:
    """Return the hour of the highest sum in each part of the day."""
    if blocks.hours == 1:
        return (0,)
    totals = blocks.cpu.sum(axis=0).reshape(HOURS_OF_WEEK // 24, 24)
    found = []
    for first, last in _PARTS_OF_DAY:
        day, hour = divmod(int(totals[:, first : last + 1].argmax()), last + 1 - first)
        found.append(24 * day + first + hour)
    return tuple(sorted(found))


def dimensions_of(estate: Estate, hours: Sequence[int]) -> tuple[Dimension, ...]:
    """Return what is added up: what nobody takes is left out."""
    columns = zip((Resource.MEMORY, Resource.DISK, Resource.IO), range(3), strict=True)
    taken = [
        Dimension(resource) for resource, place in columns if estate.blocks.rest[:, place].any()
    ]
    return (*taken, *(Dimension(Resource.CPU, hour) for hour in hours))


def hours_over(
    layout: Layout, loads: Sequence[IntArray], hours: Sequence[int], most: int
) -> tuple[int, ...]:
    """Return the hours at which a host has too much CPU to do, those furthest over first.

    Args:
        layout: The hosts.
        loads: (hosts, hours) CPU in each state that must hold, nothing lost first.
        hours: Those that hold already.
        most: How many to return.
    """
    kinds = [layout.estate.kinds[number] for number in layout.kind.tolist()]
    usable = np.array([kind.usable.cpu_milli for kind in kinds], dtype=np.int64)[:, np.newaxis]
    over = np.zeros(layout.estate.blocks.hours, dtype=np.int64)
    for state, load in enumerate(loads):
        room = held_by_spares(layout, usable) if layout.capped and not state else usable
        over = np.maximum(over, np.maximum(0, load - room).max(axis=0, initial=0))
    over[list(hours)] = 0
    worst = np.argsort(-over, kind="stable")[:most]
    return tuple(int(hour) for hour in worst if over[hour] > 0)
