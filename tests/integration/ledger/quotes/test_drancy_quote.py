"""The housing office's quote, by the real planner and the command that people type."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import typer
from openpyxl import Workbook
from typer.testing import CliRunner

from beffroi.app.cli_quote import quote
from beffroi.app.placement import PlannedPlacement
from beffroi.capacity.drivers.planner_process import PlannerProcess
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.processes.workers import Progress
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import BusyHours, NeededApplication, ServiceLevel, Weekday
from beffroi.ledger.quotes.ports import Placement, Tenant
from tests.support.quotes import STORY

DRANCY = [
    str(STORY / "needs.yaml"),
    *("--plan", str(STORY / "plan.yaml")),
    *("--accounts", str(STORY / "accounts.yaml")),
]
TWO_ROOMS = """\
sites: {north: {}, south: {}}
host_models:
  blade: {cores: 16, memory_gib: 64, disk_gib: 1000, idle_w: 100, full_w: 300, price_eur: 5000}
hosts:
  north: {model: blade, site: north, count: 2}
  south: {model: blade, site: south, count: 2}
buys: [blade]
workloads:
  mail: {cores: 2, memory_gib: 8, disk_gib: 100, organisation: town}
"""


def command() -> typer.Typer:
    program = typer.Typer()
    program.command()(quote)
    return program


async def compared(folder: Path, *applications: NeededApplication) -> Placement:
    file = folder / "plan.yaml"
    file.write_text(TWO_ROOMS, encoding="utf-8")
    told: list[Progress] = []
    office = PlannedPlacement(PlannerProcess(10), [file])
    found = await office.compare(Tenant("office", applications), told.append)
    assert told
    return found


def application(**fields: object) -> NeededApplication:
    size = {"cores": Decimal(2), "memory_gib": Decimal(8), "disk_gib": Decimal(50)}
    return msgspec.convert({"name": "extranet", **size, **fields}, NeededApplication)


class Ran(msgspec.Struct, frozen=True):
    """A command that ended, and the folder that it wrote to."""

    exit_code: int
    output: str
    folder: Path

    @property
    def quote(self) -> Quote:
        return msgspec.json.decode((self.folder / "quote.json").read_bytes(), type=Quote)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the command once, with a template that asks for more than the needs declare."""
    folder = tmp_path_factory.mktemp("quote")
    template = folder / "bordereau.xlsx"
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["Désignation", "Unité", "Prix unitaire HT"])
    sheet.append(["Assistance aux utilisateurs", "heure", None])
    sheet.append(["Audit de sécurité", "jour", None])
    workbook.save(template)
    out = folder / "out"
    arguments = [*DRANCY, "--out", str(out), "--template", str(template)]
    found = CliRunner().invoke(command(), arguments)
    return Ran(found.exit_code, found.output, out)


def test_the_office_fits_on_nine_blades_at_most_with_one_to_lose(ran: Ran) -> None:
    found = ran.quote.placement
    assert found.joined.holds
    assert found.hosts_now == 27
    assert len(found.joined.hosts) <= 9
    assert found.joined.spares == 1
    (office,) = (one for one in found.joined.loads if one.organisation == "office-habitat")
    assert office.workloads == 23


def test_the_office_pays_about_half_and_the_three_communes_less(ran: Ran) -> None:
    made = ran.quote
    assert made.costs.floor_eur < made.costs.full_eur < made.totals.year.net_eur
    assert made.change is not None
    assert made.change.percent is not None
    assert -60 < made.change.percent < -40
    assert made.relief.total_eur == made.relief.revenue_eur - made.relief.added_eur
    assert all(one.relief_eur > 0 for one in made.relief.bodies)
    assert {one.code for one in made.warnings} == {
        "quote_hosts_already",
        "quote_sizes_not_use",
        "quote_lines_below_cost",
        "quote_on_demand",
    }


def test_a_template_that_cannot_be_filled_ends_the_command_with_1(ran: Ran) -> None:
    assert ran.exit_code == 1
    assert "Audit de sécurité" in ran.output
    names = [path.name for path in ran.folder.iterdir()]
    assert any(name.startswith("bordereau-INCOMPLET") for name in names)
    assert sum(name.endswith(".pdf") for name in names) == 2


def test_a_quote_that_holds_is_told_as_json_and_ends_with_0(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(TWO_ROOMS.replace("town", "drancy"), encoding="utf-8")
    needs = tmp_path / "needs.yaml"
    applications = "applications: {site: {cores: 1, memory_gib: 4, disk_gib: 20}}\n"
    told = (STORY / "needs.yaml").read_text(encoding="utf-8")
    needs.write_text(told + applications, encoding="utf-8")
    accounts = str(STORY / "accounts.yaml")
    arguments = [str(needs), "--plan", str(plan), "--accounts", accounts, "--json"]
    found = CliRunner().invoke(command(), arguments)
    assert found.exit_code == 0, found.output
    made = msgspec.json.decode(found.stdout, type=Quote)
    assert [one.organisation for one in made.placement.without.loads] == ["drancy"]


def test_a_template_needs_a_folder_to_be_written_to(tmp_path: Path) -> None:
    ran = CliRunner().invoke(command(), [*DRANCY, "--template", str(tmp_path / "b.xlsx")])
    assert isinstance(ran.exception, InvalidInputError)
    assert ran.exception.code == "ledger.quote_out_needed"


async def test_copies_of_a_critical_application_stand_in_two_rooms(tmp_path: Path) -> None:
    needed = application(count=2, level=ServiceLevel.CRITICAL)
    found = await compared(tmp_path, needed)
    rooms = {host.site for host in found.joined.hosts if host.tenant.memory > 0}
    assert rooms == {"north", "south"}
    assert found.joined.holds


async def test_copies_of_a_reinforced_application_stand_on_two_hosts(tmp_path: Path) -> None:
    needed = application(count=2, level=ServiceLevel.REINFORCED)
    found = await compared(tmp_path, needed)
    assert sum(host.tenant.memory > 0 for host in found.joined.hosts) == 2


async def test_an_application_larger_than_what_is_there_makes_hosts_be_bought(
    tmp_path: Path,
) -> None:
    found = await compared(tmp_path, application(count=8, memory_gib=Decimal(30)))
    assert found.without.purchase_eur == 0
    assert found.joined.purchase_eur == 5000 * found.joined.bought > 0


async def test_hours_of_rest_lower_what_an_application_works(tmp_path: Path) -> None:
    days = (Weekday.MONDAY, Weekday.SUNDAY)
    night = BusyHours(days=days, from_h=20, to_h=4, rest_percent=Decimal(50))
    found = await compared(tmp_path, application(busy=night))
    (office,) = (one for one in found.joined.loads if one.organisation == "office")
    assert office.cores == round(Decimal(2 * 16 + 1 * 152) / 168, 3)


async def test_an_organisation_that_owns_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await compared(tmp_path)
    assert refused.value.code == "ledger.quote_no_workloads"
    assert refused.value.values["known"] == "town"


async def test_new_applications_of_an_organisation_that_is_there_are_refused(
    tmp_path: Path,
) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(TWO_ROOMS, encoding="utf-8")
    office = PlannedPlacement(PlannerProcess(10), [file])
    with pytest.raises(InvalidInputError) as refused:
        await office.compare(Tenant("town", (application(),)), lambda _: None)
    assert refused.value.code == "ledger.quote_organisation_there"
