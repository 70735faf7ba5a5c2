"""HiGHS alone, through scipy: its own package may not share a process with OR-Tools."""

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from beffroi.capacity.packing.problem import Packing
from bench.capacity.packing_peers import Answer


def highs_alone(packing: Packing, hosts: int, deadline_s: float) -> Answer:
    """Have HiGHS minimise the hosts used, from nothing.

    Variables: items x hosts, host after host of each item, then one per host.

    Args:
        packing: Hosts are all alike.
        hosts: How many it may use at most.
        deadline_s: In seconds.
    """
    items = packing.items
    choices = items * hosts
    cost = np.concatenate([np.zeros(choices), np.ones(hosts)])
    answer = milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=Bounds(0, 1),
        constraints=[_each_once(items, hosts), _sums(packing, hosts), _groups(packing, hosts)],
        options={"time_limit": deadline_s},
    )
    if answer.x is None:
        return Answer(None)
    return Answer(answer.x[:choices].reshape(items, hosts).argmax(axis=1), answer.status == 0)


def _each_once(items: int, hosts: int) -> LinearConstraint:
    rows = np.repeat(np.arange(items), hosts)
    columns = np.arange(items * hosts)
    shape = (items, items * hosts + hosts)
    return LinearConstraint(coo_array((np.ones(len(rows)), (rows, columns)), shape).tocsr(), 1, 1)


def _sums(packing: Packing, hosts: int) -> LinearConstraint:
    """Keep each dimension of each host within its room when used, and at nothing otherwise."""
    items, dimensions = packing.demand.shape
    shares = packing.demand / packing.capacity[0]
    values, rows, columns = [], [], []
    for host in range(hosts):
        for dimension in range(dimensions):
            values += [*shares[:, dimension], -1.0]
            rows += [host * dimensions + dimension] * (items + 1)
            columns += [*(np.arange(items) * hosts + host), items * hosts + host]
    shape = (hosts * dimensions, items * hosts + hosts)
    return LinearConstraint(coo_array((values, (rows, columns)), shape).tocsr(), -np.inf, 0)


def _groups(packing: Packing, hosts: int) -> LinearConstraint:
    names = np.unique(packing.apart[packing.apart >= 0])
    rows, columns = [], []
    for number, name in enumerate(names):
        for item in np.nonzero(packing.apart == name)[0]:
            rows += [number * hosts + host for host in range(hosts)]
            columns += [int(item) * hosts + host for host in range(hosts)]
    shape = (len(names) * hosts, packing.items * hosts + hosts)
    return LinearConstraint(
        coo_array((np.ones(len(rows)), (rows, columns)), shape).tocsr(), -np.inf, 1
    )
