"""Very many items: blocks that are packed one by one, then what did not fit, repacked together."""

import time
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.packing.annealed import cooled
from beffroi.capacity.packing.greedy import FIRST_FIT, placed
from beffroi.capacity.packing.problem import FloatArray, IntArray, Packing
from beffroi.capacity.packing.regions import regions_of
from beffroi.capacity.packing.rules import broken_bins
from beffroi.capacity.packing.terms import terms_of

MOST_TOGETHER: Final = 5_000
_BLOCK: Final = 3_000
_STEPS_PER_ITEM: Final = 4_000
# Repacks into the bins there are, before one more bin is given to each following one.
_PATIENCE: Final = 2
_MOST_ROUNDS: Final = 12


class Blocks(msgspec.Struct, frozen=True, eq=False):
    """Which block each item and each bin is of."""

    items: IntArray
    bins: IntArray
    count: int


def packed_in_blocks(
    packing: Packing, bins: int, *, seed: int, until_s: float, told: Callable[[float], None]
) -> IntArray:
    """Pack into the first bins, and into as few more as it takes; -1 where no bin was left.

    Args:
        packing: Items and candidates.
        seed: Of the random numbers.
        bins: How many bins are tried first.
        until_s: Reading of the monotonic clock; what is broken then is spilt into further bins.
        told: Called with the share of blocks that are done.
    """
    blocks = dealt(packing.first(bins))
    place = np.full(packing.items, -1, dtype=np.int64)
    for number in range(blocks.count):
        items = np.nonzero(blocks.items == number)[0]
        _repack(packing, place, items, np.nonzero(blocks.bins == number)[0], seed + number, until_s)
        told((number + 1) / (blocks.count + _PATIENCE))
    return spilt(packing, _mended(packing, place, bins, seed, until_s))


def _mended(packing: Packing, place: IntArray, bins: int, seed: int, until_s: float) -> IntArray:
    """Repack broken bins together with some others, round after round."""
    dice = np.random.default_rng(seed)
    for attempt in range(_MOST_ROUNDS):
        broken = broken_bins(packing, place)
        if not broken.any() or time.monotonic() > until_s:
            break
        if attempt >= _PATIENCE and bins < packing.bins:
            broken[bins] = True
            bins += 1
        others = dice.permutation(np.nonzero(~broken[:bins])[0])
        chosen = others[: max(0, _BLOCK * bins // len(place) - int(broken.sum()))]
        numbers = np.sort(np.concatenate([np.nonzero(broken)[0], chosen]))
        items = np.nonzero(np.isin(place, numbers))[0]
        _repack(packing, place, items, numbers, seed + attempt, until_s)
    return place


def _repack(
    packing: Packing, place: IntArray, items: IntArray, bins: IntArray, seed: int, until_s: float
) -> None:
    """Write into ``place`` the best packing found of some items into some bins."""
    part = packing.part(items, bins)
    found = cooled(part, seed, _STEPS_PER_ITEM * len(items), until_s)
    place[items] = np.where(found < 0, found, bins[found])


def spilt(packing: Packing, place: IntArray) -> IntArray:
    """Take items out of broken bins until they hold and put those where there is room."""
    kept = place.copy()
    for number in np.nonzero(broken_bins(packing, place))[0]:
        free = packing.capacity[number].copy()
        groups: set[int] = set()
        inside = np.nonzero(place == number)[0]
        first = packing.fixed[inside] < 0
        for item in inside[np.lexsort((-packing.demand[inside].max(axis=1), first))]:
            group = int(packing.apart[item])
            if (packing.demand[item] > free).any() or group in groups:
                kept[item] = -1
                continue
            free -= packing.demand[item]
            groups |= {group} - {-1}
    if (kept >= 0).all():
        return kept
    terms = terms_of(msgspec.structs.replace(packing, fixed=kept))
    return placed(terms, np.nonzero(kept < 0)[0].astype(np.int64), FIRST_FIT)


def dealt(packing: Packing) -> Blocks:
    """Share items and bins out among blocks that are alike.

    Bins of one class and size go round the blocks. Items go, by falling size, where the fullest
    dimension of their regions stays least full; items apart may go to different blocks, where
    they are apart by themselves.
    """
    count = max(1, round(packing.items / _BLOCK))
    bins = np.empty(packing.bins, dtype=np.int64)
    bins[np.lexsort((*packing.capacity.T, packing.bin_class))] = np.arange(packing.bins) % count
    demand, room = _by_region(packing, bins, count)
    held = packing.fixed >= 0
    items = np.where(held, bins[packing.fixed], -1)
    load = np.zeros_like(room)
    np.add.at(load, items[held], demand[held])
    largest = (demand / np.maximum(room.sum(axis=0), 1.0)).max(axis=1)
    order = np.argsort(-largest, kind="stable")
    for item in order[~held[order]]:
        used = np.nonzero(demand[item])[0]
        fullness = (load[:, used] + demand[item, used]) / np.maximum(room[:, used], 1e-9)
        items[item] = fullness.max(axis=1, initial=0.0).argmin()
        load[items[item]] += demand[item]
    return Blocks(items, bins, count)


def _by_region(packing: Packing, bins: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return what each item takes of, and each block holds of, each dimension of each region."""
    regions = regions_of(packing)
    dimensions = packing.demand.shape[1]
    demand = np.zeros((packing.items, len(regions) * dimensions))
    room = np.zeros((count, len(regions) * dimensions))
    for number, region in enumerate(regions):
        columns = slice(number * dimensions, (number + 1) * dimensions)
        demand[region.items, columns] = packing.demand[region.items]
        np.add.at(room[:, columns], bins[region.bins], packing.capacity[region.bins])
    return demand, room
