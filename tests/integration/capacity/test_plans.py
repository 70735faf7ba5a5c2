"""Plans made by the real planner, kept in PostgreSQL with their proof and their savings."""

from decimal import Decimal
from pathlib import Path

import pytest

from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.inventories.loaded import Remarks
from beffroi.capacity.model import Amounts, Host, HostModel, Inventory, PowerPoint, Workload
from beffroi.capacity.planned_savings import planned_with_savings
from beffroi.capacity.savings_terms import Range, SavingsAsked, SizingBasis, Step, Terms
from beffroi.capacity.service import CapacityService
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.energy.model import Method, exactly
from beffroi.kernel.database import Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError, InvalidInputError, NotFoundError
from beffroi.kernel.log import read_after
from beffroi.kernel.operations import Operation, Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

MEMBER = Actor("ali", Role.MEMBER, "drancy")
PLAN = b"""
host_models:
  tower: {cores: 8, memory_gib: 32, disk_gib: 500, idle_w: 80, full_w: 240}
  blade: {cores: 32, memory_gib: 256, disk_gib: 4000, idle_w: 110, full_w: 500, price_eur: 9000}
hosts:
  old: {model: tower, site: lille, count: 4, switched_off: true}
buys: [blade]
imports: [{file: workloads.csv}]
savings:
  electricity_eur_per_kwh: {value: 0.2}
  pue_before: {value: 1.8}
  pue_after: {value: 1.4}
  grid_g_per_kwh: {value: 56}
  grid_source: Ember 2023
  load: {value: 0.5}
  amortisation_years: 5
"""
WORKLOADS = b"name;cpu_cores;memory_gib;disk_gib;host\n" + b"".join(
    b"w%d;4;20;200;old-%d\n" % (number, number) for number in (1, 2, 3, 4)
)

USAGE = b"timestamp;vm;cpu_cores\n" + b"".join(
    b"%d;w%d;1\n" % (1_756_684_800 + 3600 * hour, number)
    for number in (1, 2, 3, 4)
    for hour in range(31 * 24)
)
MEASURED = {
    "plan.yaml": PLAN + b"usage: {files: [series.csv]}\n",
    "workloads.csv": WORKLOADS.replace(b";4;20", b";10;20"),
    "series.csv": USAGE,
}


def workload(name: str, cpu_milli: int) -> Workload:
    return Workload(name=name, amounts=Amounts(cpu_milli, 1024, 10), host="h1")


def inventory_of(name: str, cpu_milli: int) -> Inventory:
    """Two hosts of 16 cores, one of them spare; nothing can be bought."""
    points = (PowerPoint(0, 80), PowerPoint(1, 240))
    model = HostModel(name="tower", amounts=Amounts(16_000, 65_536, 500), power=points)
    return Inventory(
        sites=("lille",),
        models={"tower": model},
        hosts=tuple(Host(name=one, model="tower", site="lille") for one in ("h1", "h2")),
        workloads=(workload(name, cpu_milli),),
    )


def terms_of_a_town() -> Terms:
    one = exactly(1, Method.MODELLED)
    return Terms(
        electricity_eur=Range(Decimal("0.2"), Decimal("0.2"), Decimal("0.2")),
        pue_before=one,
        pue_after=one,
        grid_g_per_kwh=exactly(56, Method.MODELLED),
        grid_source="Ember 2023",
        load=one,
        power_present=one,
        power_bought=one,
        embodied=one,
        amortisation_years=5,
    )


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "capacity")


@pytest.fixture
def operations(database: Database, clock: ManualClock) -> Operations:
    return Operations(database, clock)


@pytest.fixture
def capacity(database: Database, operations: Operations, clock: ManualClock) -> CapacityService:
    return CapacityService(database, operations, PlannerProcess(), clock)


async def _ended(operations: Operations, begun: Operation) -> Operation:
    async def is_over() -> bool:
        now = await operations.get(begun.id, PLATFORM)
        return now.state is not OperationState.RUNNING

    await eventually(is_over, within_s=50)
    return await operations.get(begun.id, PLATFORM)


async def test_a_plan_of_files_is_made_and_kept_with_its_proof(
    capacity: CapacityService, operations: Operations, database: Database
) -> None:
    files = {"plan.yaml": PLAN, "workloads.csv": WORKLOADS}
    begun = await capacity.make_of_files(PLATFORM, "Lille", files)
    ended = await _ended(operations, begun)
    assert (ended.state, ended.outcome) == (
        OperationState.SUCCEEDED,
        "2 hosts instead of 4; the bound is 2.",
    )
    (summary,) = await capacity.plans(PLATFORM)
    assert (summary.title, summary.gap, summary.holds) == ("Lille", 0, True)
    kept = await capacity.plan(PLATFORM, summary.id)
    assert set(kept.plan.placement.values()) == {"blade-lille-1"}
    assert all(check.holds for check in kept.plan.proof.checks)
    assert [replay.stranded for replay in kept.plan.proof.replays] == [(), ()]
    assert kept.savings is not None
    assert (kept.savings.before.servers, kept.savings.after.servers) == (4, 2)
    async with database.transaction(EVERYTHING) as connection:
        entries = await read_after(connection, 0, 100)
    assert ("capacity.plan_made", summary.id) in [(one.kind, one.subject) for one in entries]


async def test_mistakes_in_files_end_the_operation_with_a_sentence(
    capacity: CapacityService, operations: Operations
) -> None:
    files = {"workloads.csv": b"name;cpu_cores;memory_gib\na;-1;1\n"}
    ended = await _ended(operations, await capacity.make_of_files(PLATFORM, "", files))
    assert ended.state is OperationState.FAILED
    assert ended.error_code == "capacity.inventory_invalid"
    assert "workloads.csv:2:2" in ended.outcome
    assert await capacity.plans(PLATFORM) == []


async def test_a_plan_that_is_forgotten_is_gone(
    capacity: CapacityService, operations: Operations
) -> None:
    files = {"plan.yaml": PLAN, "workloads.csv": WORKLOADS}
    await _ended(operations, await capacity.make_of_files(PLATFORM, "Lille", files))
    (summary,) = await capacity.plans(PLATFORM)
    await capacity.forget(PLATFORM, summary.id)
    with pytest.raises(NotFoundError):
        await capacity.plan(PLATFORM, summary.id)


async def test_plans_are_for_those_who_run_the_platform(capacity: CapacityService) -> None:
    with pytest.raises(ForbiddenError):
        await capacity.plans(MEMBER)
    with pytest.raises(ForbiddenError):
        await capacity.make_of_files(MEMBER, "", {"plan.yaml": PLAN})


async def test_a_plan_needs_a_file(capacity: CapacityService) -> None:
    with pytest.raises(InvalidInputError) as raised:
        await capacity.make_of_files(PLATFORM, "", {})
    assert raised.value.code == "capacity.files_count"


async def test_an_uploaded_name_cannot_lead_out_of_its_folder(
    capacity: CapacityService, operations: Operations, tmp_path: Path
) -> None:
    target = tmp_path / "taken.csv"
    files = {f"../../../../..{target}": WORKLOADS}
    await _ended(operations, await capacity.make_of_files(PLATFORM, "", files))
    assert not target.exists()


async def test_a_plan_of_before_remarks_were_kept_is_read(
    capacity: CapacityService, operations: Operations, database: Database
) -> None:
    files = {"plan.yaml": PLAN, "workloads.csv": WORKLOADS}
    await _ended(operations, await capacity.make_of_files(PLATFORM, "Lille", files))
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "update capacity.plan set remarks = null")
    (summary,) = await capacity.plans(PLATFORM)
    assert (await capacity.plan(PLATFORM, summary.id)).remarks == Remarks()


async def test_advice_is_kept_with_the_plan_and_sizing_gets_its_part(
    capacity: CapacityService, operations: Operations
) -> None:
    begun = await capacity.make_of_files(PLATFORM, "Lille", MEASURED)
    ended = await _ended(operations, begun)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    (summary,) = await capacity.plans(PLATFORM)
    kept = await capacity.plan(PLATFORM, summary.id)
    assert {one.workload for one in kept.remarks.advice} == {"w1", "w2", "w3", "w4"}
    assert kept.remarks.coincidence is not None
    assert kept.savings is not None
    assert (kept.savings.sizing, kept.savings.unsized_hosts) == (SizingBasis.PLANNED, 3)
    assert kept.savings.after.servers == 2
    parts = {one.step: one.kwh for one in kept.savings.parts}
    assert parts[Step.SIZING] > 0


async def test_a_plan_is_made_where_none_is_found_for_the_sizes_allotted() -> None:
    planner = PlannerProcess(5)
    wanted = WantedPlan(
        "",
        inventory_of("w", cpu_milli=1_000),
        SavingsAsked(terms_of_a_town()),
        allotted=(workload("w", cpu_milli=90_000),),
    )
    made = await planned_with_savings(planner, wanted, lambda _: None)
    assert made.savings is not None
    assert (made.savings.sizing, made.savings.unsized_hosts) == (SizingBasis.NO_PLAN, None)


async def test_an_inventory_without_workloads_is_refused(
    capacity: CapacityService, operations: Operations
) -> None:
    hosts = b"name;site;cpu_cores;memory_gib;idle_w\nold;lille;8;32;80\n"
    begun = await capacity.make_of_files(PLATFORM, "", {"hosts.csv": hosts})
    ended = await _ended(operations, begun)
    assert ended.error_code == "capacity.nothing_to_plan"
