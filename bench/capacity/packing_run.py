"""One method on one inventory, in a process of its own: ``METHOD ITEMS SEED DEADLINE_S``."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.packing.bounds import lower_bound
from beffroi.capacity.packing.problem import IntArray, Packing
from beffroi.capacity.packing.search import fewest_bins
from bench.capacity.packing_highs import highs_alone
from bench.capacity.packing_inventories import BALANCED_HOST, SMALL_HOST, inventory, read_inventory
from bench.capacity.packing_peers import (
    Answer,
    best_fit_decreasing,
    cp_sat_alone,
    dot_product,
    first_fit_decreasing,
)

_FEW: Final = 100
_FILES: Final = 5


class Run(msgspec.Struct, frozen=True):
    """What one run gave.

    Attributes:
        hosts: How many the answer uses; 0: no answer.
        proven: Whether the method itself says that fewer will not do.
    """

    hosts: int
    bound: int
    proven: bool
    wall_s: float
    cpu_s: float
    peak_mib: float


def drawn(items: int, seed: int) -> Packing:
    """Read the shared inventory where there is one, else draw it."""
    found = None
    if (items == 300 and seed < _FILES) or (items == 3000 and seed == 0):
        found = read_inventory(f"agglo_bal_{items}_s{seed}")
    host = SMALL_HOST if items < _FEW else BALANCED_HOST
    return inventory(items, host, seed) if found is None else found


def run(method: str, items: int, seed: int, deadline_s: float) -> Run:
    """Pack once; what is compiled was loaded before."""
    packing = drawn(items, seed)
    bound, _ = lower_bound(packing)
    pack = METHODS[method]
    pack(drawn(30, 1), 5.0)
    wall_s, cpu_s = time.monotonic(), time.process_time()
    answer = pack(packing, deadline_s)
    wall_s, cpu_s = time.monotonic() - wall_s, time.process_time() - cpu_s
    return Run(
        hosts=0 if answer.assignment is None else _hosts_of(packing, answer.assignment),
        bound=bound,
        proven=answer.proven,
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _hosts_of(packing: Packing, place: IntArray) -> int:
    """Count the hosts of an answer, after looking at every rule."""
    for host in np.unique(place):
        inside = place == host
        assert (packing.demand[inside].sum(axis=0) <= packing.capacity[host]).all()
        groups = packing.apart[inside & (packing.apart >= 0)]
        assert len(np.unique(groups)) == len(groups)
    return len(np.unique(place))


def _ours(packing: Packing, deadline_s: float) -> Answer:
    packed = fewest_bins(packing, deadline_s=deadline_s, seed=1, told=lambda _: None)
    return Answer(packed.assignment, packed.optimal)


def _offered(packing: Packing) -> int:
    """Return how many hosts a solver may use: a fifth more than the bound, enough for each."""
    return -(-lower_bound(packing)[0] * 6 // 5)


METHODS: Final[Mapping[str, Callable[[Packing, float], Answer]]] = {
    "beffroi": _ours,
    "first fit decreasing": lambda packing, _: first_fit_decreasing(packing),
    "best fit decreasing": lambda packing, _: best_fit_decreasing(packing),
    "dot product": lambda packing, _: dot_product(packing),
    "CP-SAT": lambda packing, ends_s: cp_sat_alone(packing, _offered(packing), ends_s),
    "HiGHS": lambda packing, ends_s: highs_alone(packing, _offered(packing), ends_s),
}


if __name__ == "__main__":
    name, items_told, seed_told, deadline_told = sys.argv[1:]
    ended = run(name, int(items_told), int(seed_told), float(deadline_told))
    sys.stdout.write(msgspec.json.encode(ended).decode() + "\n")
