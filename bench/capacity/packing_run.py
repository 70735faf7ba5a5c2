"""One method on one inventory, in a process of its own: ``METHOD ITEMS SEED DEADLINE_S BOUND``."""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import numpy as np

from beffroi.capacity.model import (
    Amounts,
    HostModel,
    Inventory,
    Plan,
    Policy,
    SiteLoss,
    Workload,
)
from beffroi.capacity.packing.problem import IntArray, Packing
from beffroi.capacity.planning.consolidation import plan
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


def run(method: str, items: int, seed: int, deadline_s: float, bound: int) -> Run:
    """Pack once; what is compiled was loaded before.

    Args:
        method: Key of ``METHODS``.
        items: How many machines.
        seed: Of the inventory.
        deadline_s: In seconds.
        bound: What our planner proved that no plan can be below; 0 where it did not run yet.
    """
    packing = drawn(items, seed)
    pack = METHODS[method]
    pack(drawn(30, 1), 5.0, 2)
    wall_s, cpu_s = time.monotonic(), time.process_time()
    answer = pack(packing, deadline_s, bound)
    wall_s, cpu_s = time.monotonic() - wall_s, time.process_time() - cpu_s
    return Run(
        hosts=0 if answer.assignment is None else _hosts_of(packing, answer.assignment),
        bound=answer.bound or bound,
        proven=answer.proven,
        wall_s=wall_s,
        cpu_s=cpu_s,
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def planned(packing: Packing, deadline_s: float) -> Plan:
    """Have the product plan, as ``beffroi plan`` does: hosts on sale, one site, none to spare."""
    model = HostModel(name="blade", amounts=Amounts(*packing.capacity[0].tolist()))
    workloads = tuple(
        Workload(
            name=f"vm-{number}",
            amounts=Amounts(*demand),
            apart="" if group < 0 else f"group-{group}",
        )
        for number, (demand, group) in enumerate(
            zip(packing.demand.tolist(), packing.apart.tolist(), strict=True)
        )
    )
    rules = Policy(
        cpu_share=1.0, memory_share=1.0, disk_share=1.0, spare_hosts=0, site_loss=SiteLoss.IGNORED
    )
    asked = Inventory(
        sites=("room",),
        models={"blade": model},
        hosts=(),
        workloads=workloads,
        buys=("blade",),
        policy=rules,
    )
    return plan(asked, lambda _: None, deadline_s=deadline_s, seed=1)


def _hosts_of(packing: Packing, place: IntArray) -> int:
    """Count the hosts of an answer, after looking at every rule."""
    for host in np.unique(place):
        inside = place == host
        assert (packing.demand[inside].sum(axis=0) <= packing.capacity[host]).all()
        groups = packing.apart[inside & (packing.apart >= 0)]
        assert len(np.unique(groups)) == len(groups)
    return len(np.unique(place))


def _ours(packing: Packing, deadline_s: float, bound: int) -> Answer:
    del bound
    found = planned(packing, deadline_s)
    assert found.proof.holds
    hosts = {name: number for number, name in enumerate(sorted(set(found.placement.values())))}
    place = [hosts[found.placement[f"vm-{number}"]] for number in range(packing.items)]
    return Answer(np.array(place), found.proof.optimal, found.proof.bound.hosts)


def _offered(bound: int) -> int:
    """Return how many hosts a solver may use: a fifth more than the bound, enough for each."""
    return -(-bound * 6 // 5)


METHODS: Final[Mapping[str, Callable[[Packing, float, int], Answer]]] = {
    "beffroi": _ours,
    "first fit decreasing": lambda packing, _, __: first_fit_decreasing(packing),
    "best fit decreasing": lambda packing, _, __: best_fit_decreasing(packing),
    "dot product": lambda packing, _, __: dot_product(packing),
    "CP-SAT": lambda packing, ends_s, bound: cp_sat_alone(packing, _offered(bound), ends_s),
    "HiGHS": lambda packing, ends_s, bound: highs_alone(packing, _offered(bound), ends_s),
}


if __name__ == "__main__":
    name, items_told, seed_told, deadline_told, bound_told = sys.argv[1:]
    ended = run(name, int(items_told), int(seed_told), float(deadline_told), int(bound_told))
    sys.stdout.write(msgspec.json.encode(ended).decode() + "\n")
