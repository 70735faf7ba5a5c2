"""Unit costs and trials of keys in the console and over the API."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from beffroi.kernel.rights.model import PLATFORM
from beffroi.ledger.months import month_of
from tests.integration.console.house import House
from tests.integration.console.markup import Markup
from tests.support.shared_accounts import ACCOUNTS_YAML

PAGE_MOST_BYTES = 24 * 1024


@pytest.fixture
async def kept(house: House, tmp_path: Path) -> House:
    """Apply the accounts of three communes and issue last month."""
    file = tmp_path / "accounts.yaml"
    file.write_text(ACCOUNTS_YAML, encoding="utf-8")
    statements = house.platform.services.statements
    await statements.apply_accounts(PLATFORM, file)
    await statements.issue(PLATFORM, _last_month(statements.today), without_last_reading=True)
    return house


def _last_month(today: date) -> date:
    return (month_of(today).since - timedelta(days=1)).replace(day=1)


async def test_the_unit_costs_of_a_year_are_shown_and_downloaded(kept: House) -> None:
    for language, told in (("fr", "95 000,00 €"), ("en", "€95,000.00")):
        client = await kept.signed_in("olga", language)
        page = await client.get("/statements/unit-costs?year=2027")
        assert page.status_code == 200
        assert Markup(page.text).mistakes == []
        assert told in page.text.replace("\N{NO-BREAK SPACE}", " ")
        assert len(page.content) < PAGE_MOST_BYTES
    client = await kept.signed_in("olga")
    for wanted, begins in (("pdf", b"%PDF-"), ("csv", b"\xef\xbb\xbfexercice;")):
        answer = await client.get(f"/statements/unit-costs/2027/{wanted}")
        assert answer.content.startswith(begins)
        assert f"couts-unitaires-2027.{wanted}" in answer.headers["content-disposition"]


async def test_the_api_answers_the_table_and_refuses_a_year_that_cannot_be(kept: House) -> None:
    client = await kept.signed_in("olga")
    table = (await client.get("/api/unit-costs/2027")).json()
    assert {one["cost"] for one in table["services"]} >= {"staff", "licences"}
    assert (await client.get("/api/unit-costs/1789")).status_code == 422


async def test_a_trial_of_keys_is_smoothed_over_the_years_that_were_asked(kept: House) -> None:
    client = await kept.signed_in("olga", "fr")
    page = await client.post("/statements/keys", data={"staff": "compute", "_years": "4"})
    assert page.status_code == 200
    assert Markup(page.text).mistakes == []
    assert "Lissé sur 4 ans" in page.text
    assert "Année 4" in page.text
    plain = await client.post("/statements/keys", data={"staff": "compute", "_years": "1"})
    assert "Lissé" not in plain.text
    wanted = {"keys": {"staff": "compute"}, "years": 4}
    trial = (await client.post("/api/key-simulations", json=wanted)).json()
    assert [step["number"] for step in trial["steps"]] == [1, 2, 3, 4]


@pytest.mark.parametrize("years", ["<b>", "0", "9" * 5000])
async def test_years_that_are_none_are_told_on_the_page(kept: House, years: str) -> None:
    client = await kept.signed_in("olga", "fr")
    page = await client.post("/statements/keys", data={"staff": "compute", "_years": years})
    assert page.status_code == 422
    assert "<b>" not in page.text
    assert "1 à 10" in page.text
