"""Small inventories whose hosts are too full, and rebalancings of them."""

from collections.abc import Sequence
from typing import Final

from beffroi.capacity.model import Amounts, Host, HostModel, Inventory, Workload
from beffroi.capacity.rebalanced import Rebalancing, RebalancingOrder
from beffroi.capacity.rebalancing.estate import rebalanced
from beffroi.kernel.processes.workers import Progress

SITES: Final = ("arras", "lens")
BLADE: Final = HostModel(name="blade", amounts=Amounts(10_000, 102_400, 1000, 0))
SEARCHED_S: Final = 0.05


def silent(progress: Progress) -> None:
    """Listen to a search, and say nothing of it."""
    assert progress.doing


def hosts(count: int, *, off: Sequence[int] = ()) -> tuple[Host, ...]:
    """Return ``h0``, ``h1``... on both sites in turn."""
    return tuple(
        Host(name=f"h{at}", model="blade", site=SITES[at % 2], switched_off=at in off)
        for at in range(count)
    )


def workload(name: str, host: str, cpu_milli: int, memory_gib: int, **more: object) -> Workload:
    """Return a workload with a small disk."""
    amounts = Amounts(cpu_milli, memory_gib * 1024, 10, 0)
    return Workload(name=name, host=host, amounts=amounts, **more)  # type: ignore[arg-type]


def inventory(rooms: Sequence[Host], *workloads: Workload) -> Inventory:
    """Return an inventory of blades under the usual policy."""
    return Inventory(sites=SITES, models={"blade": BLADE}, hosts=tuple(rooms), workloads=workloads)


def found_for(asked: Inventory, most_moves: int | None = None) -> Rebalancing:
    """Rebalance in this process."""
    order = RebalancingOrder(inventory=asked, most_moves=most_moves, seconds=SEARCHED_S)
    return rebalanced(order, silent)
