"""Reports and plans of the territory, by the real planner and the real typesetter."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.capacity.drivers.report_process import ReportProcess
from beffroi.capacity.plan_reports import PlanReports
from beffroi.capacity.planned_savings import planned_with_savings
from beffroi.capacity.reporting.money import savings_sections
from beffroi.capacity.reporting.request import ReportRequest
from beffroi.capacity.service import CapacityService
from beffroi.capacity.territory_plans import TerritoryPlans
from beffroi.capacity.wanted_plan import WantedPlan
from beffroi.kernel.catalogue import Language
from beffroi.kernel.database import Database
from beffroi.kernel.errors import ForbiddenError
from beffroi.kernel.operations import Operations, OperationState
from beffroi.kernel.rights.model import PLATFORM, Actor, Role
from beffroi.territory.loading import load_territory
from beffroi.territory.model import Territory
from tests.conftest import MakeDatabase
from tests.support.clocks import ManualClock
from tests.support.pdf_reading import properties_of, text_of
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.timeout(scaled(120))
STORIES = Path(__file__).parents[3] / "stories"
MEMBER = Actor("ali", Role.MEMBER, "drancy")


class FixedTerritory:
    """A territory that is in force."""

    def __init__(self, territory: Territory) -> None:
        self._territory = territory

    async def current(self) -> Territory:
        return self._territory


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "capacity")


@pytest.fixture
def operations(database: Database, clock: ManualClock) -> Operations:
    return Operations(database, clock)


@pytest.fixture
def capacity(database: Database, operations: Operations, clock: ManualClock) -> CapacityService:
    return CapacityService(database, operations, PlannerProcess(10), clock)


@pytest.fixture
def territory_plans(capacity: CapacityService) -> TerritoryPlans:
    territory = load_territory(STORIES / "le-mans" / "territory.yaml").territory
    return TerritoryPlans(capacity, FixedTerritory(territory))


@pytest.fixture(scope="module")
async def drancy() -> ReportRequest:
    """The plan for Drancy, as its report is asked for."""
    planner = PlannerProcess(10)
    loaded = await planner.read([STORIES / "drancy" / "plan.yaml"])
    made = await planned_with_savings(planner, WantedPlan.of("", loaded), lambda _: None)
    return ReportRequest(
        title="Drancy",
        made_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
        plan=made.plan,
        savings=made.savings,
        remarks=loaded.remarks,
        language=Language.FR,
    )


async def test_the_report_of_drancy_tells_the_decision_and_all_it_rests_on(
    drancy: ReportRequest,
) -> None:
    content = await ReportProcess().make(drancy)
    told = " ".join(text_of(content).split())
    assert "Serveurs : 27 aujourd'hui, 7 demain, secours compris." in told
    assert "68 600 €" in told
    assert "22 novembre 2026" in told
    assert "mercredi 18–23 h" in told  # noqa: RUF001
    assert "drancy-bureaux-a-distance-1" in told
    assert all(move.workload in told for move in drancy.plan.moves)
    assert all(one.host.name in told for one in drancy.plan.hosts)
    groups = len({(move.wave, move.hour) for move in drancy.plan.moves})
    assert groups > max(move.wave for move in drancy.plan.moves)
    assert f"groupes d'une même vague et d'une même heure : {groups} ;" in told
    assert "sauf si le délai arrête la recherche" in told
    assert properties_of(content)["{http://www.aiim.org/pdfua/ns/id/}part"] == "1"


async def test_the_energy_that_is_printed_is_the_product_of_what_is_printed(
    drancy: ReportRequest,
) -> None:
    assert drancy.savings is not None
    stages, terms = drancy.savings.stages, drancy.savings.terms
    section = next(savings_sections(drancy))
    assert "8\N{NO-BREAK SPACE}766 h" in section.told
    assert len(section.rows) == len(stages) > 1
    for row in section.rows:
        watts, pue, kwh = (_read(cell) for cell in row[2:5])
        euros = _read(row[5].removesuffix("€"))
        assert abs(watts * pue * Decimal("8.766") - kwh) < Decimal("0.05")
        assert abs(kwh * terms.electricity_eur.value - euros) <= Decimal("0.51")


def _read(cell: str) -> Decimal:
    return Decimal(cell.replace("\N{NO-BREAK SPACE}", "").replace(",", "."))


async def test_the_same_plan_gives_the_same_report_and_english_another(
    drancy: ReportRequest,
) -> None:
    english = msgspec.structs.replace(drancy, language=Language.EN)
    first, second = [await ReportProcess().make(english) for _ in range(2)]
    assert first == second
    assert "Servers: 27 today, 7 tomorrow, spares included." in " ".join(text_of(first).split())


async def test_a_plan_for_the_territory_in_force_is_kept_and_reported(
    capacity: CapacityService, operations: Operations, territory_plans: TerritoryPlans
) -> None:
    begun = await territory_plans.make(PLATFORM)

    async def is_over() -> bool:
        return (await operations.get(begun.id, PLATFORM)).state is not OperationState.RUNNING

    await eventually(is_over, within_s=50)
    (summary,) = await capacity.plans(PLATFORM)
    assert (summary.title, summary.hosts_before, summary.hosts_after, summary.holds) == (
        "Le Mans Métropole",
        1,
        1,
        True,
    )
    kept = await capacity.plan(PLATFORM, summary.id)
    assert [one.name for one in kept.remarks.excluded] == ["agenda-mediatheques"]
    reports = PlanReports(capacity, ReportProcess())
    told = text_of(await reports.report(PLATFORM, summary.id, Language.FR))
    assert "Le Mans Métropole" in told
    assert "savings" in told


async def test_the_territory_is_planned_for_by_those_who_run_the_platform(
    territory_plans: TerritoryPlans,
) -> None:
    with pytest.raises(ForbiddenError):
        await territory_plans.make(MEMBER)
