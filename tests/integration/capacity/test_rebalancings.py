"""Better placements found by the real worker, kept in PostgreSQL."""

import pytest

from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.rebalancing_process import RebalancingProcess
from beffroi.capacity.rebalanced import WantedRebalancing
from beffroi.capacity.rebalancing_service import RebalancingService
from beffroi.capacity.uploaded_files import read_uploaded
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ForbiddenError, InvalidInputError, NotFoundError
from beffroi.kernel.log import read_after
from beffroi.kernel.operations import Operation, Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.conftest import MakeDatabase
from tests.integration.capacity.rebalancing_files import FILES, HOMELESS
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually

MEMBER = Actor("ali", Role.MEMBER, "drancy")
SEARCHED_S = 0.5


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "capacity")


@pytest.fixture
def operations(database: Database, clock: ManualClock) -> Operations:
    return Operations(database, clock)


@pytest.fixture
def service(database: Database, operations: Operations, clock: ManualClock) -> RebalancingService:
    return RebalancingService(
        database, operations, PlannerProcess(), RebalancingProcess(SEARCHED_S), clock
    )


async def _ended(operations: Operations, begun: Operation) -> Operation:
    async def is_over() -> bool:
        now = await operations.get(begun.id, PLATFORM)
        return now.state is not OperationState.RUNNING

    await eventually(is_over, within_s=50)
    return await operations.get(begun.id, PLATFORM)


async def test_a_better_placement_of_files_is_found_and_kept(
    service: RebalancingService, operations: Operations, database: Database
) -> None:
    begun = await service.make_of_files(PLATFORM, "Lille", FILES, None)
    ended = await _ended(operations, begun)
    assert (ended.state, ended.outcome) == (
        OperationState.SUCCEEDED,
        "1 moves; fuller than they may be: 1 hosts before, 0 after.",
    )
    (summary,) = await service.rebalancings(PLATFORM)
    assert (summary.title, summary.moves, summary.holds) == ("Lille", 1, True)
    assert summary.overload_before > summary.overload_after == 0
    kept = await service.rebalancing(PLATFORM, summary.id)
    assert kept.summary == summary
    (move,) = kept.rebalancing.moves
    assert (move.move.origin, move.why.code) == ("tour-1", "relieves_cpu")
    assert kept.rebalancing.placement[move.move.workload] == move.move.target
    async with database.transaction(EVERYTHING) as connection:
        entries = await read_after(connection, 0, 100)
    told = [(one.kind, one.subject) for one in entries]
    assert ("capacity.rebalancing_made", summary.id) in told


async def test_an_inventory_that_a_program_sends_is_rebalanced_within_its_moves(
    service: RebalancingService, operations: Operations
) -> None:
    inventory = (await read_uploaded(PlannerProcess().read, FILES)).inventory
    wanted = WantedRebalancing(inventory=inventory, title="API", most_moves=0)
    ended = await _ended(operations, await service.make(PLATFORM, wanted))
    assert ended.state is OperationState.SUCCEEDED
    (summary,) = await service.rebalancings(PLATFORM)
    assert (summary.moves, summary.holds) == (0, False)


async def test_workloads_without_a_host_end_the_operation_with_their_names(
    service: RebalancingService, operations: Operations
) -> None:
    begun = await service.make_of_files(PLATFORM, "", HOMELESS, None)
    ended = await _ended(operations, begun)
    assert ended.state is OperationState.FAILED
    assert ended.error_code == "capacity.workloads_without_host"
    assert "ged" in ended.outcome
    assert await service.rebalancings(PLATFORM) == []


async def test_rebalancings_are_for_those_who_run_the_platform(
    service: RebalancingService,
) -> None:
    with pytest.raises(ForbiddenError):
        await service.rebalancings(MEMBER)
    with pytest.raises(ForbiddenError):
        await service.make_of_files(MEMBER, "", FILES, None)
    with pytest.raises(ForbiddenError):
        await service.rebalancing(MEMBER, "0")


async def test_a_rebalancing_that_was_never_made_is_not_found(service: RebalancingService) -> None:
    with pytest.raises(NotFoundError):
        await service.rebalancing(PLATFORM, "0")


async def test_a_rebalancing_needs_a_file(service: RebalancingService) -> None:
    with pytest.raises(InvalidInputError) as raised:
        await service.make_of_files(PLATFORM, "", {}, None)
    assert raised.value.code == "capacity.files_count"
