"""Two sites, a spare host in each, the loss of either site: hosts against the lower bound.

Inventories of 300 machines: those of ../shared/data/capacity/agglo, and ten made-up ones like
them. Every plan is checked and every loss replayed by the checker that shares no code with the
planner; a plan that does not hold stops the bench.
"""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from beffroi.capacity.model import (
    Amounts,
    Criticality,
    HostModel,
    Inventory,
    Plan,
    Policy,
    SiteLoss,
    Workload,
)
from beffroi.capacity.planning.consolidation import plan
from bench.capacity.packing_inventories import BALANCED_HOST, inventory
from bench.measuring import Figures, keep

_AGGLO = Path(__file__).parents[3] / "shared" / "data" / "capacity" / "agglo"
_MACHINES = 300
_ACROSS = 0.6
_CRITICAL = 0.35
_DEADLINE_S = 60.0
_SITES = ("lomme", "lille")


def measure() -> None:
    planned(next(_drawn(SiteLoss.KEEP))[1])
    figures: dict[str, Figures] = {}
    for loss in (SiteLoss.SHED, SiteLoss.KEEP):
        for kind, inventories in (("agglo", _read), ("made up", _drawn)):
            rows = [_row(name, one) for name, one in inventories(loss)]
            figures |= {f"{kind} {loss} {name}": figure for name, figure in rows}
            if rows:
                figures[f"{kind} {loss}"] = _summary([figure for _, figure in rows])
    keep(
        "capacity_planning",
        f"{_MACHINES} machines on two sites, N+1 and the loss of either site, seed 1, one process",
        figures,
    )


def planned(asked: Inventory) -> Plan:
    return plan(asked, lambda _: None, deadline_s=_DEADLINE_S, seed=1)


def _row(name: str, asked: Inventory) -> tuple[str, Figures]:
    wall_s, cpu_s = time.monotonic(), time.process_time()
    found = planned(asked)
    assert found.proof.holds, f"{name}: the plan does not hold"
    return name, {
        "bound": found.proof.bound.hosts,
        "hosts": found.proof.hosts,
        "gap": found.proof.gap,
        "wall_s": round(time.monotonic() - wall_s, 2),
        "cpu_s": round(time.process_time() - cpu_s, 2),
    }


def _summary(rows: list[Figures]) -> Figures:
    gaps = [int(row["gap"] or 0) for row in rows]
    return {
        "plans": len(rows),
        "at_bound": gaps.count(0),
        "one_above": gaps.count(1),
        "worst_gap": max(gaps),
        "worst_cpu_s": max(float(row["cpu_s"] or 0) for row in rows),
    }


def _read(loss: SiteLoss) -> Iterator[tuple[str, Inventory]]:
    """Read the files of the shared data, where they are."""
    for path in sorted(_AGGLO.glob(f"agglo_bal_{_MACHINES}_s*.csv")):
        first, *lines = path.read_text(encoding="utf-8").splitlines()
        told = first.split(",")
        host = Amounts(int(told[1]), int(told[3]), int(told[5]))
        workloads = tuple(
            Workload(
                name=f"vm-{row['vm']}",
                amounts=Amounts(
                    int(row["cpu_p95_milli"]), int(row["mem_MiB"]), int(row["disk_GiB"])
                ),
                apart=row["anti_affinity_group"],
                across_sites=row["cross_site"] == "1",
                criticality=_criticality(critical=row["critical"] == "1"),
            )
            for row in csv.DictReader(lines)
        )
        yield path.stem.rpartition("_")[2], _two_sites(host, workloads, loss)


def _drawn(loss: SiteLoss) -> Iterator[tuple[str, Inventory]]:
    """Draw ten inventories: 60 % of the groups across sites, 35 % of the machines critical."""
    for seed in range(10):
        drawn = inventory(_MACHINES, BALANCED_HOST, seed)
        dice = np.random.default_rng(1_000 + seed)
        across = dice.random(int(drawn.apart.max()) + 1) < _ACROSS
        critical = dice.random(_MACHINES) < _CRITICAL
        workloads = tuple(
            Workload(
                name=f"vm-{number}",
                amounts=Amounts(*demand),
                apart="" if group < 0 else f"group-{group}",
                across_sites=group >= 0 and bool(across[group]),
                criticality=_criticality(critical=bool(critical[number])),
            )
            for number, (demand, group) in enumerate(
                zip(drawn.demand.tolist(), drawn.apart.tolist(), strict=True)
            )
        )
        yield f"s{seed}", _two_sites(Amounts(*BALANCED_HOST), workloads, loss)


def _criticality(*, critical: bool) -> Criticality:
    return Criticality.CRITICAL if critical else Criticality.SHEDDABLE


def _two_sites(host: Amounts, workloads: tuple[Workload, ...], loss: SiteLoss) -> Inventory:
    return Inventory(
        sites=_SITES,
        models={"blade": HostModel(name="blade", amounts=host)},
        hosts=(),
        workloads=workloads,
        buys=("blade",),
        policy=Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, site_loss=loss),
    )
