"""A small town whose platform fills up, its plan as one keeps it, and a commune that joins."""

import tempfile
from functools import cache
from pathlib import Path

from beffroi.capacity.inventories.inventory_file import load_inventory
from beffroi.capacity.inventories.kinds import Import
from beffroi.capacity.model import Plan
from beffroi.capacity.planning.consolidation import plan
from beffroi.capacity.store import KeptPlan, PlanSummary, keep_plan
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.ids import new_id

PLAN = b"""
host_models:
  tower: {cores: 8, memory_gib: 32, disk_gib: 500, idle_w: 80, full_w: 240}
  blade: {cores: 32, memory_gib: 128, disk_gib: 4000, idle_w: 110, full_w: 500, price_eur: 9000}
sites: {lille: {}, roubaix: {}}
policy: {cpu_share: 1, memory_share: 1, disk_share: 1, spare_hosts: 1, site_loss: ignored}
hosts:
  old: {model: tower, site: lille, count: 4, switched_off: true}
buys: [blade]
rules:
  - {workloads: ["*"], sites: [lille]}
imports: [{file: workloads.csv}]
"""
WORKLOADS = b"name;cpu_cores;memory_gib;disk_gib;host\n" + b"".join(
    b"w%d;4;25;200;old-%d\n" % (number, number) for number in (1, 2, 3, 4)
)
FILES = {"plan.yaml": PLAN, "workloads.csv": WORKLOADS}
NEWCOMERS = b"name;cpu_cores;memory_gib;disk_gib\nw1;4;40;200\nged;8;20;500\n"


def write_files(folder: Path) -> Path:
    """Write the town's files; return the one that names the others."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder / "plan.yaml"


async def keep_the_plan(database: Database) -> str:
    """Keep the town's plan as «Lille»; return its id."""
    now = SystemClock().now()
    summary = PlanSummary(new_id(now), "Lille", "operator", now, 4, 2, 0, holds=True)
    async with database.transaction(EVERYTHING) as connection:
        await keep_plan(connection, KeptPlan(summary, _the_plan()))
    return summary.id


@cache
def _the_plan() -> Plan:
    with tempfile.TemporaryDirectory() as folder:
        file = write_files(Path(folder))
        inventory = load_inventory([Import(file=str(file))], Path()).inventory
    return plan(inventory, lambda _: None, deadline_s=10, seed=1)
