"""The story of Drancy: 27 servers become blades, and each body gets its bill."""

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from beffroi.kernel.clock import SystemClock
from beffroi.ledger.months import PARIS, month_of
from tests.e2e.conftest import OpenTown
from tests.support.browser import Person
from tests.support.town import Town
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.timeout(scaled(240))
STORY = Path(__file__).parents[2] / "stories" / "drancy"
CONSOLE = "console.localhost"
EXTRANET = "locataires.office.localhost"
COMMUNES = {"drancy", "le-bourget", "dugny"}


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town(file=STORY / "territory.yaml") as opened:
        await opened.up(within_s=120)
        assert (await opened.cli("apply-accounts", str(STORY / "accounts.yaml"))).status == 0
        yield opened


@pytest.fixture(scope="module")
async def plan(town: Town) -> dict[str, Any]:
    """The plan that the command line makes of the story's file, with its savings."""
    ended = await town.cli("plan", str(STORY / "plan.yaml"), "--json")
    assert ended.status == 0, ended.errors
    found: dict[str, Any] = json.loads(ended.output)
    return found


@pytest.fixture(scope="module")
async def statements(town: Town) -> dict[str, dict[str, Any]]:
    """The statements issued for last month, by body."""
    path = f"/api/months/{_last_month().isoformat()}/issue"

    async def are_issued() -> dict[str, dict[str, Any]]:
        """Once meters were read for the first time."""
        answer = await town.api("POST", path)
        assert answer.status_code == 200, answer.text
        return {one["body"]["name"]: one for one in answer.json()}

    return await eventually(are_issued, within_s=60)


def _today() -> date:
    return SystemClock().now().astimezone(PARIS).date()


def _last_month() -> date:
    first = month_of(_today()).since
    return (first - timedelta(days=1)).replace(day=1)


async def test_27_servers_become_at_most_9_blades_and_no_plan_does_with_fewer(
    plan: dict[str, Any],
) -> None:
    proof = plan["plan"]["proof"]
    assert proof["hosts"] <= 9
    assert proof["hosts"] == proof["bound"]["hosts"]
    gone = [one for one in plan["plan"]["hosts"] if one["decision"] == "switch_off"]
    assert len(gone) == 27


async def test_every_rule_holds_and_the_loss_of_any_blade_stops_nothing(
    plan: dict[str, Any],
) -> None:
    proof = plan["plan"]["proof"]
    assert all(check["holds"] for check in proof["checks"])
    assert len(proof["replays"]) == proof["hosts"]
    assert all(replay["stranded"] == [] for replay in proof["replays"])


async def test_every_workload_moves_within_the_hours_of_its_organisation(
    plan: dict[str, Any],
) -> None:
    workloads = {one["name"]: one for one in plan["plan"]["inventory"]["workloads"]}
    moves = plan["plan"]["moves"]
    assert {one["workload"] for one in moves} == workloads.keys()
    assert all(one["hour"] in workloads[one["workload"]]["windows"] for one in moves)


async def test_the_parts_of_the_saving_add_up(plan: dict[str, Any]) -> None:
    savings = plan["savings"]
    parts = {one["step"]: Decimal(one["eur"]) for one in savings["parts"]}
    assert sum(parts.values()) == Decimal(savings["eur"])
    assert parts["consolidation"] > 0
    assert parts["pue"] > 0
    assert (savings["sizing"], savings["unsized_hosts"]) == ("planned", 7)
    assert savings["after"]["it_w"]["value"] < savings["before"]["it_w"]["value"]


async def test_the_report_and_the_advice_stand_beside_the_plan(town: Town, tmp_path: Path) -> None:
    ended = await town.cli("plan", str(STORY / "plan.yaml"), "--out", str(tmp_path))
    assert ended.status == 0, ended.errors
    told = " ".join(page.extract_text() for page in PdfReader(tmp_path / "plan.pdf").pages)
    assert "68,600" in told
    with (tmp_path / "advice.csv").open(encoding="utf-8", newline="") as file:
        advised = list(csv.DictReader(file))
    assert len(advised) == 15
    assert all(int(one["advised"]) < int(one["allotted"]) for one in advised)


async def test_the_offices_price_is_about_half_of_what_it_pays_and_above_every_cost(
    town: Town, tmp_path: Path
) -> None:
    ended = await town.cli(
        *("quote", str(STORY / "needs.yaml"), "--plan", str(STORY / "plan.yaml")),
        *("--accounts", str(STORY / "accounts.yaml"), "--out", str(tmp_path), "--json"),
    )
    assert ended.status == 0, ended.errors
    quote = ended.json()
    assert quote["placement"]["joined"]["holds"]
    assert -60 < Decimal(quote["change"]["percent"]) < -40
    floor, full = (
        sum(Decimal(part["yearly_eur"]) for part in quote["costs"][key])
        for key in ("marginal", "full")
    )
    assert 0 < floor < full <= Decimal(quote["totals"]["year"]["net_eur"])
    bodies = quote["relief"]["bodies"]
    assert all(Decimal(one["after_eur"]) < Decimal(one["before_eur"]) for one in bodies)
    assert {path.suffix for path in tmp_path.iterdir()} == {".pdf", ".xlsx", ".json"}


async def test_what_the_communes_share_is_what_everything_costs_less_what_the_office_pays(
    statements: dict[str, dict[str, Any]],
) -> None:
    lines = [line for name in COMMUNES for line in statements[name]["lines"]]
    shared = sum(Decimal(line["amount_eur"]) for line in lines)
    costs = {line["subject"]: Decimal(line["cost_eur"]) for line in lines}
    office = sum(Decimal(one["amount_eur"]) for one in statements["office-habitat"]["lines"])
    assert shared == sum(costs.values())
    assert costs.pop("revenue") == -office
    assert set(costs) == {"blades", "storage", "licences", "staff", "room", "electricity"}


async def test_a_statement_is_given_again_by_its_records(
    town: Town, statements: dict[str, dict[str, Any]]
) -> None:
    for statement in statements.values():
        ended = await town.cli("explain-statement", statement["number"])
        assert ended.status == 0, ended.output


async def test_a_month_is_issued_once(town: Town, statements: dict[str, dict[str, Any]]) -> None:
    assert len(statements) == 4
    answer = await town.api("POST", f"/api/months/{_last_month().isoformat()}/issue")
    assert (answer.status_code, answer.json()["title"]) == (409, "ledger.month_issued")


async def test_the_office_gets_an_invoice_with_its_xml(
    town: Town, statements: dict[str, dict[str, Any]]
) -> None:
    number = statements["office-habitat"]["number"]
    answer = await town.api("GET", f"/api/statements/{number}/documents/invoices")
    assert answer.headers["content-type"] == "application/pdf"
    reader = PdfReader(io.BytesIO(answer.content))
    assert list(reader.attachments) == ["factur-x.xml"]
    assert number.encode() in reader.attachments["factur-x.xml"][0]


async def test_a_commune_gets_its_statement_as_a_document(
    town: Town, statements: dict[str, dict[str, Any]]
) -> None:
    number = statements["dugny"]["number"]
    answer = await town.api("GET", f"/api/statements/{number}/documents/statements")
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert number in text
    assert "Ville de Dugny" in text
    refused = await town.api("GET", f"/api/statements/{number}/documents/invoices")
    assert refused.json()["title"] == "ledger.document_unknown"


async def test_what_the_extranet_is_asked_is_metered_for_the_office(town: Town) -> None:
    office = Person(town, EXTRANET)
    await office.submit("/", "/", demande="Une fuite au troisième étage")
    units = ("requests_1000", "memory_gib_h", "running_h")

    async def is_metered() -> bool:
        month = _today().replace(day=1)
        drafts = await town.told(f"/api/months/{month.isoformat()}/draft")
        used = [one for draft in drafts for one in draft["usage"]]
        return any(
            one["application"] == "extranet-locataires"
            and all(Decimal(one["quantities"].get(unit, "0")) > 0 for unit in units)
            for one in used
        )

    assert await eventually(is_metered, within_s=150)


@pytest.mark.parametrize("language", ["fr", "en"])
async def test_every_page_opens(
    town: Town, statements: dict[str, dict[str, Any]], language: str
) -> None:
    operator = await _operator(town)
    await operator.submit("/statements", "/language", language=language, next="/statements")
    number = statements["drancy"]["number"]
    month = f"{_today():%Y-%m}"
    for path in (
        "/plans",
        "/statements",
        f"/statements/{number}",
        f"/statements/months/{month}/draft",
        "/statements/keys",
        "/statements/unit-costs",
        "/usage",
        "/quotes",
    ):
        page = await operator.open(path)
        assert page.status_code == 200, f"{path}: {page.text[:500]}"
        assert f'<html lang="{language}">' in page.text


async def test_a_plan_is_made_from_the_console_and_shown(town: Town) -> None:
    ended = await town.cli("plan", str(STORY / "plan.yaml"), "--keep", "27 serveurs")
    assert ended.status == 0, ended.output
    (kept,) = await town.told("/api/plans")
    operator = await _operator(town)
    page = await operator.open(f"/plans/{kept['id']}")
    assert page.status_code == 200
    assert "27 serveurs" in page.text
    assert len(page.content) < 100_000


async def test_a_quote_is_asked_in_a_form_and_shown_with_its_documents(town: Town) -> None:
    kept = await town.told("/api/plans")
    if not kept:
        await town.cli("plan", str(STORY / "plan.yaml"), "--keep", "27 serveurs")
        kept = await town.told("/api/plans")
    operator = await _operator(town)
    asked = {
        "plan": kept[0]["id"],
        "buyer": "Office public de l'habitat",
        "siret": "27930001600011",
        "organisation": "office-habitat",
        "reference": "OPH-2026-14",
        "title": "Hébergement de l'office",
        "present": "118000",
        "hosts_cost": "blades",
        "upkeep_cost": "licences",
        "hosts_bought": "already",
    }
    refused = await operator.submit("/quotes", "/quotes", **{**asked, "siret": "1"})
    assert refused.status_code == 422
    assert "siret" in refused.text
    await operator.submit("/quotes", "/quotes", **asked)

    async def is_priced() -> str:
        page = await operator.open("/quotes")
        found = re.search(r'href="(/quotes/[0-9a-z]{18})"', page.text)
        return found[1] if found else ""

    path = await eventually(is_priced, within_s=60)
    page = await operator.open(path)
    assert page.status_code == 200
    assert "118" in page.text
    for name, file in (("offer", "offre.pdf"), ("prices", "prix-bpu-dqe-dpgf.xlsx")):
        document = await operator.open(f"{path}/documents/{name}")
        assert document.status_code == 200
        assert file in document.headers["content-disposition"]


async def test_other_keys_show_winners_and_losers(
    town: Town, statements: dict[str, dict[str, Any]]
) -> None:
    assert statements
    operator = await _operator(town)
    page = await operator.submit("/statements/keys", "/statements/keys", room="inhabitants")
    assert page.status_code == 200
    for word in ("gagne", "perd"):
        assert word in page.text


async def test_statements_are_made_of_a_persons_own_files(tmp_path: Path, town: Town) -> None:
    month = _last_month()
    whole = month_of(month)
    usage = tmp_path / "usage.csv"
    with usage.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("application", "organisation", "since", "until", "cpu_core_h"))
        since, until = whole.begins_at.isoformat(), whole.ends_at.isoformat()
        writer.writerow(("portail-drancy", "drancy", since, until, "120.5"))
    ended = await town.cli(
        *("statement", str(STORY / "accounts.yaml"), str(usage)),
        *("--month", f"{month:%Y-%m}", "--out", str(tmp_path / "out"), "--json"),
    )
    assert ended.status == 0, ended.errors
    names = sorted(path.suffix for path in (tmp_path / "out").iterdir())
    assert names.count(".pdf") == 4
    assert names.count(".parquet") == 3


async def _operator(town: Town) -> Person:
    person = Person(town, CONSOLE)
    link = (await town.cli("sign-in-link")).output.strip()
    path = f"/sign-in/{link.rpartition('/')[2]}"
    await person.submit(path, path)
    return person
