"""Packings that the tests share, their rules checked one by one, and all answers tried."""

from itertools import product

import msgspec
import numpy as np
from hypothesis import strategies as st

from beffroi.capacity.packing.problem import IntArray, Packing, plain_packing


def packing_of(demand: list[list[int]], capacity: list[list[int]], **rules: list[int]) -> Packing:
    """State a packing; ``rules`` may give apart, fixed and preferred."""
    packing = plain_packing(np.array(demand, dtype=np.int64), np.array(capacity, dtype=np.int64))
    arrays = {name: np.array(values, dtype=np.int64) for name, values in rules.items()}
    return msgspec.structs.replace(packing, **arrays)


def with_classes(packing: Packing, allowed: list[list[bool]], bin_class: list[int]) -> Packing:
    return msgspec.structs.replace(
        packing, allowed=np.array(allowed), bin_class=np.array(bin_class, dtype=np.int64)
    )


def triplets(bins: int, seed: int) -> Packing:
    """Draw items of which three fill a bin exactly, in two dimensions: so many bins are needed."""
    dice = np.random.default_rng(seed)
    first, second = dice.integers(25, 51, (bins, 2)), dice.integers(25, 51, (bins, 2))
    demand = np.concatenate([first, second, 150 - first - second]).astype(np.int64)
    return plain_packing(dice.permutation(demand), np.full((2 * bins, 2), 150, dtype=np.int64))


def breaches(packing: Packing, assignment: IntArray) -> list[str]:
    """List every rule that an assignment breaks, looking at one item after the other."""
    found = []
    load = {number: [0] * packing.demand.shape[1] for number in range(packing.bins)}
    groups = set()
    for item, number in enumerate(assignment.tolist()):
        if number not in load:
            found.append(f"item {item} is in no bin")
            continue
        load[number] = [
            before + int(amount)
            for before, amount in zip(load[number], packing.demand[item], strict=True)
        ]
        if not packing.allowed[item, packing.bin_class[number]]:
            found.append(f"item {item} may not stand in {number}")
        if packing.fixed[item] not in {-1, number}:
            found.append(f"item {item} left {packing.fixed[item]}")
        group = int(packing.apart[item])
        if group >= 0 and (group, number) in groups:
            found.append(f"two items of {group} stand in {number}")
        groups.add((group, number))
    for number, amounts in load.items():
        if any(
            amount > room for amount, room in zip(amounts, packing.capacity[number], strict=True)
        ):
            found.append(f"bin {number} is overloaded")
    return found


def all_answers(packing: Packing) -> list[tuple[int, ...]]:
    """Try every assignment of a tiny packing."""
    return [
        places
        for places in product(range(packing.bins), repeat=packing.items)
        if not breaches(packing, np.array(places, dtype=np.int64))
    ]


@st.composite
def tiny_packings(draw: st.DrawFn) -> Packing:
    """Draw packings of every rule, small enough to try all answers."""
    items, bins, dimensions = (
        draw(st.integers(1, 5)),
        draw(st.integers(1, 4)),
        draw(st.integers(1, 3)),
    )
    size = st.integers(0, 12)
    rows = st.lists(size, min_size=dimensions, max_size=dimensions)
    rooms = st.lists(st.integers(5, 20), min_size=dimensions, max_size=dimensions)
    rarely = st.sampled_from([-1, -1, -1, -1, *range(bins)])
    packing = packing_of(
        draw(st.lists(rows, min_size=items, max_size=items)),
        draw(st.lists(rooms, min_size=bins, max_size=bins)),
        apart=draw(st.lists(st.integers(-1, 2), min_size=items, max_size=items)),
        fixed=draw(st.lists(rarely, min_size=items, max_size=items)),
        preferred=draw(st.lists(st.integers(-1, bins - 1), min_size=items, max_size=items)),
    )
    mostly = st.sampled_from([True, True, True, False])
    pairs = st.lists(mostly, min_size=2, max_size=2)
    return with_classes(
        packing,
        draw(st.lists(pairs, min_size=items, max_size=items)),
        draw(st.lists(st.integers(0, 1), min_size=bins, max_size=bins)),
    )
