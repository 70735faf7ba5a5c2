"""Inventories of 300 machines from ../shared/data on two sites, against the lower bound."""

import csv
from pathlib import Path

import pytest

from beffroi.capacity.model import (
    Amounts,
    Criticality,
    HostModel,
    Inventory,
    Policy,
    SiteLoss,
    Workload,
)
from tests.unit.capacity.planning.planned_towns import planned, what_fails

AGGLO = Path(__file__).parents[5] / "shared" / "data" / "capacity" / "agglo"


def two_sites(path: Path, loss: SiteLoss) -> Inventory:
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    told = first.split(",")
    blade = HostModel(name="blade", amounts=Amounts(int(told[1]), int(told[3]), int(told[5])))
    kinds = {"1": Criticality.CRITICAL, "0": Criticality.SHEDDABLE}
    workloads = tuple(
        Workload(
            name=f"vm-{row['vm']}",
            amounts=Amounts(int(row["cpu_p95_milli"]), int(row["mem_MiB"]), int(row["disk_GiB"])),
            apart=row["anti_affinity_group"],
            across_sites=row["cross_site"] == "1",
            criticality=kinds[row["critical"]],
        )
        for row in csv.DictReader(lines)
    )
    return Inventory(
        sites=("lomme", "lille"),
        models={"blade": blade},
        hosts=(),
        workloads=workloads,
        buys=("blade",),
        policy=Policy(cpu_share=1.0, memory_share=1.0, disk_share=1.0, site_loss=loss),
    )


@pytest.mark.parametrize(("loss", "hosts"), [(SiteLoss.SHED, 20), (SiteLoss.KEEP, 25)])
def test_the_bound_is_reached_and_every_loss_replayed(loss: SiteLoss, hosts: int) -> None:
    path = AGGLO / "agglo_bal_300_s1.csv"
    if not path.is_file():
        pytest.skip("the made-up inventories of ../shared/data are absent")

    plan = planned(two_sites(path, loss))

    assert what_fails(plan) == []
    assert plan.proof.hosts == plan.proof.bound.hosts == hosts
    assert len(plan.proof.replays) == hosts + 2
