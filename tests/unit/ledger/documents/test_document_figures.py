"""Numbers, prices, days and VAT are written and reckoned as French accounting does."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.catalogue import Language
from beffroi.ledger.documents.explaining import explained
from beffroi.ledger.documents.figures import day_in_words, told_number, told_percent, told_price
from beffroi.ledger.documents.vat import due_eur, vat_of
from beffroi.ledger.model import Explanation
from tests.support.drancy_statements import drancy_statements

FR, EN = Language.FR, Language.EN


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        ("1234.5", "1\N{NO-BREAK SPACE}234,5", "1,234.5"),
        ("72366", "72\N{NO-BREAK SPACE}366", "72,366"),
        ("0.000118", "0,000118", "0.000118"),
        ("-0.0000001", "0", "0"),
        ("-12.30", "-12,3", "-12.3"),
    ],
)
def test_a_number_has_its_thousands_apart(value: str, french: str, english: str) -> None:
    assert told_number(Decimal(value), FR) == french
    assert told_number(Decimal(value), EN) == english


def test_a_price_keeps_its_decimals_and_has_two_at_least() -> None:
    assert told_price(Decimal("0.00485"), FR) == "0,00485\N{NO-BREAK SPACE}€"
    assert told_price(Decimal(640), FR) == "640,00\N{NO-BREAK SPACE}€"
    assert told_price(Decimal(640), EN) == "€640.00"


def test_a_percentage_has_its_sign_after_a_space_in_french() -> None:
    assert told_percent(Decimal("5.50"), FR) == "5,5\N{NO-BREAK SPACE}%"
    assert told_percent(Decimal(20), EN) == "20%"


def test_the_first_of_a_month_is_ordinal_in_french() -> None:
    assert day_in_words(date(2026, 8, 1), FR) == "1er\N{NO-BREAK SPACE}août\N{NO-BREAK SPACE}2026"
    assert day_in_words(date(2026, 8, 1), EN) == "1\N{NO-BREAK SPACE}August\N{NO-BREAK SPACE}2026"


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=6))
def test_a_written_number_reads_back(value: Decimal) -> None:
    written = told_number(value, FR).replace("\N{NO-BREAK SPACE}", "").replace(",", ".")
    assert Decimal(written) == value


def test_an_explanation_writes_its_numbers_in_the_language_and_its_parts_after_it() -> None:
    line = drancy_statements()[0].lines[0].explanation
    told = explained(Explanation(line.code, line.values, (line,)), FR)
    assert told.count("18\N{NO-BREAK SPACE}250,00") == 2
    assert "64,1 % sur 100,0" in told


def test_vat_is_rounded_once_for_each_rate() -> None:
    office = drancy_statements()[3]
    low = msgspec.structs.replace(office.lines[0], vat_percent=Decimal("5.5"))
    mixed = msgspec.structs.replace(office, lines=(low, *office.lines[1:]))
    rates = vat_of(mixed)
    assert [one.percent for one in rates] == [Decimal(20), Decimal("5.5")]
    assert sum(one.base_eur for one in rates) == mixed.net_eur
    assert rates[1].tax_eur == Decimal("2.93")
    assert due_eur(mixed) == mixed.net_eur + sum(one.tax_eur for one in rates)


def test_a_body_that_is_not_liable_owes_no_vat() -> None:
    commune = drancy_statements()[0]
    assert vat_of(commune) == ()
    assert due_eur(commune) == commune.net_eur
