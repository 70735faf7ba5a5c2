"""The years ahead of plans that are kept, and of files, by the real planner."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from beffroi.capacity.cli_foresight import foresee
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.foresight_service import ForesightService
from beffroi.capacity.foresight_store import keep_foresight
from beffroi.capacity.foresight_terms import (
    KeptForesight,
    Start,
    WantedChange,
    WantedForesight,
)
from beffroi.capacity.growth import Foresight, HostDies, RoomLeft, Runway, SiteCloses
from beffroi.capacity.service import CapacityService
from beffroi.capacity.store import KeptPlan
from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.errors import ForbiddenError, InvalidInputError, NotFoundError
from beffroi.kernel.operations import Operation, Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.growing_town import NEWCOMERS, keep_the_plan, write_files
from tests.support.waiting import eventually

MEMBER = Actor("ali", Role.MEMBER, "drancy")
EXPORT = (
    "nom;cpu_cores;memory_gib;disk_gib;site;hôte\n"
    "wiki;1;4;50;bobigny;theirs-1\nmail;1;4;50;bobigny;theirs-2\n"
).encode()
WANTED = WantedForesight(per_year=0.2, years=2, cores=4, memory_gib=8, disk_gib=100)


class Town:
    """The services over one database, and a plan that they keep."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database = database
        self.operations = Operations(database, clock)
        planner = PlannerProcess()
        self.capacity = CapacityService(database, self.operations, planner, clock)
        self.foresights = ForesightService(database, self.operations, planner, self.capacity, clock)

    async def ended(self, begun: Operation) -> Operation:
        async def is_over() -> bool:
            now = await self.operations.get(begun.id, PLATFORM)
            return now.state is not OperationState.RUNNING

        await eventually(is_over, within_s=50)
        return await self.operations.get(begun.id, PLATFORM)

    async def newest(self, plan: str) -> KeptPlan:
        """Return the plan that was made after this one."""
        (made,) = [one.id for one in await self.capacity.plans(PLATFORM) if one.id != plan]
        return await self.capacity.plan(PLATFORM, made)

    async def planned(self) -> str:
        """Keep the plan of the town; return its id."""
        return await keep_the_plan(self.database)


@pytest.fixture
async def town(make_database: MakeDatabase, clock: ManualClock) -> Town:
    return Town(await make_database("kernel", "capacity"), clock)


async def test_what_is_foreseen_is_kept_with_the_plan(town: Town) -> None:
    plan = await town.planned()
    with pytest.raises(NotFoundError):
        await town.foresights.foresight(PLATFORM, plan, Start.PLANNED)

    ended = await town.ended(await town.foresights.foresee(PLATFORM, plan, WANTED))

    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    kept = await town.foresights.foresight(PLATFORM, plan, Start.PLANNED)
    assert kept.wanted == WANTED
    # One blade of 128 GiB carries 100: the fourth standard of 8 GiB is one too many.
    assert kept.found.room.without_moves == kept.found.room.with_moves == 3
    # 100 GiB grow beyond 128 after 16 months at 20 % a year.
    assert kept.found.runway.full_after_months == 16
    assert kept.found.runway.resource == "memory_mib"
    assert [one.hosts for one in kept.found.runway.years] == [0, 1]


async def test_todays_hosts_are_looked_at_apart_and_go_with_the_plan(town: Town) -> None:
    plan = await town.planned()
    wanted = WantedForesight(start=Start.TODAY, years=1)

    await town.ended(await town.foresights.foresee(PLATFORM, plan, wanted))

    kept = await town.foresights.foresight(PLATFORM, plan, Start.TODAY)
    assert kept.found.runway.full_after_months == 0
    with pytest.raises(NotFoundError):
        await town.foresights.foresight(PLATFORM, plan, Start.PLANNED)
    await town.capacity.forget(PLATFORM, plan)
    with pytest.raises(NotFoundError):
        await town.foresights.foresight(PLATFORM, plan, Start.TODAY)


async def test_a_second_look_takes_the_place_of_the_first(town: Town) -> None:
    plan = await town.planned()
    first = KeptForesight(
        plan_id=plan,
        actor="olga",
        made_at=SystemClock().now(),
        wanted=WANTED,
        found=Foresight(RoomLeft(0, 0, 0), Runway(3, 3, "memory_mib", ())),
    )
    async with town.database.transaction(PLATFORM.scope) as connection:
        await keep_foresight(connection, first)
        await keep_foresight(connection, msgspec.structs.replace(first, actor="gaston"))

    assert (await town.foresights.foresight(PLATFORM, plan, Start.PLANNED)).actor == "gaston"


async def test_a_host_that_dies_is_bought_anew_in_a_plan_named_after_it(town: Town) -> None:
    plan = await town.planned()
    change = WantedChange(what_if=HostDies("blade-lille-1"))

    ended = await town.ended(await town.foresights.what_if(PLATFORM, plan, change, Language.FR))

    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    summary = (await town.newest(plan)).summary
    assert summary.title == "Lille : «blade-lille-1» est perdue"
    assert (summary.hosts_before, summary.hosts_after, summary.holds) == (1, 2, True)


async def test_a_site_that_closes_frees_what_was_bound_to_it(town: Town) -> None:
    plan = await town.planned()
    change = WantedChange(what_if=SiteCloses("lille"), start=Start.TODAY)

    await town.ended(await town.foresights.what_if(PLATFORM, plan, change, Language.EN))

    kept = await town.newest(plan)
    assert {host.site for host in kept.plan.used_hosts} == {"roubaix"}


async def test_a_commune_joins_with_its_files_even_where_names_meet(town: Town) -> None:
    plan = await town.planned()
    files = {"bobigny.csv": NEWCOMERS}

    ended = await town.ended(
        await town.foresights.joins(PLATFORM, plan, Start.PLANNED, files, Language.EN)
    )

    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    kept = await town.newest(plan)
    assert kept.summary.title == "Lille: bobigny.csv joins"
    assert {"w1", "w1-2", "ged"} <= kept.plan.placement.keys()
    assert kept.summary.hosts_after == 3


async def test_who_joins_is_read_from_an_export_that_names_hosts_of_theirs(town: Town) -> None:
    plan = await town.planned()

    ended = await town.ended(
        await town.foresights.joins(
            PLATFORM, plan, Start.PLANNED, {"bobigny.csv": EXPORT}, Language.EN
        )
    )

    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert {"wiki", "mail"} <= (await town.newest(plan)).plan.placement.keys()


async def test_an_unknown_host_is_refused_at_once(town: Town) -> None:
    plan = await town.planned()
    change = WantedChange(what_if=HostDies("blade-lille-9"))

    with pytest.raises(InvalidInputError) as refused:
        await town.foresights.what_if(PLATFORM, plan, change, Language.EN)

    assert refused.value.code == "capacity.what_if_host_unknown"


async def test_the_years_ahead_are_for_those_who_run_the_platform(town: Town) -> None:
    plan = await town.planned()

    with pytest.raises(ForbiddenError):
        await town.foresights.foresee(MEMBER, plan, WANTED)
    with pytest.raises(ForbiddenError):
        await town.foresights.foresight(MEMBER, plan, Start.PLANNED)
    with pytest.raises(ForbiddenError):
        await town.foresights.joins(MEMBER, plan, Start.PLANNED, {"a.csv": NEWCOMERS}, Language.EN)


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., str]:
    """What the command tells of the town's files."""
    file = write_files(tmp_path)
    (tmp_path / "bobigny.csv").write_bytes(NEWCOMERS)
    program = typer.Typer()
    program.command()(foresee)

    def run(*options: str) -> str:
        given = [one.replace("FOLDER", str(tmp_path)) for one in options]
        ended = CliRunner(env={"BEFFROI_LANGUAGE": "en"}).invoke(
            program, [str(file), "--per-year", "0.2", "--years", "2", *given]
        )
        assert ended.exit_code == 0, ended.output
        return ended.stdout

    return run


def test_the_command_shows_each_change_beside_the_plan(told: Callable[..., str]) -> None:
    lines = told("--host-dies", "blade-lille-1", "--joins", "FOLDER/bobigny.csv").splitlines()

    assert "16 months" in lines[1]
    rows = [" ".join(line.split()) for line in lines]
    assert "2 1 €9,000" in rows
    assert "the plan itself 2 2 €18,000 proven" in rows
    assert "«blade-lille-1» is lost 2 1 €9,000 proven" in rows
    assert "2 workloads join 3 1 €9,000 proven" in rows


def test_exports_of_who_joins_are_one_change_and_may_name_hosts_of_theirs(
    told: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "exports.csv").write_bytes(EXPORT)

    rows = told("--joins", "FOLDER/bobigny.csv", "--joins", "FOLDER/exports.csv").splitlines()

    (change,) = [row for row in rows if "workloads join" in row]
    assert change.startswith("4 workloads join")


def test_a_change_that_no_plan_holds_tells_which_rules_contradict(
    told: Callable[..., str], tmp_path: Path
) -> None:
    huge = "name;cpu_cores;memory_gib;disk_gib\nhuge;64;20;500\n"
    (tmp_path / "huge.csv").write_text(huge, encoding="utf-8")

    found = json.loads(told("--joins", "FOLDER/huge.csv", "--json"))

    (change,) = found["what_ifs"]
    assert change["outcome"] is None
    assert "huge" in change["refusal"]


def test_the_command_looks_at_todays_hosts_when_asked(told: Callable[..., str]) -> None:
    lines = told("--as-is").splitlines()

    assert "Today's hosts, 4 hosts" in lines[0]
    assert "already full" in lines[1]
