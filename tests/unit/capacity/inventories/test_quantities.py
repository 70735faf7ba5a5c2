"""Numbers and units are taken exactly, or refused when they may mean two things."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.capacity.inventories.findings import WrongValueError
from beffroi.capacity.inventories.kinds import ByteUnits
from beffroi.capacity.inventories.quantities import UnitRules, amount_of, number_of
from beffroi.capacity.model import Resource

BINARY = UnitRules(byte_units=ByteUnits.BINARY)
DECIMAL = UnitRules(byte_units=ByteUnits.DECIMAL)
PLAIN = UnitRules()


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("16", "16", ""),
        ("1,5", "1.5", ""),
        ("1 234,5", "1234.5", ""),
        ("12\u202f345", "12345", ""),
        ("1\u00a0000\u00a0000", "1000000", ""),
        ("1,234,567", "1234567", ""),
        ("1,234.5", "1234.5", ""),
        ("1,2E+05", "120000", ""),
        ("16 Gio", "16", "gio"),
        ("2.6GHz", "2.6", "ghz"),
        (".5", "0.5", ""),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, number: str, unit: str) -> None:
    assert number_of(text) == (Decimal(number), unit)


@pytest.mark.parametrize("text", ["", "abc", "1.2.3", "1,2,3", "--1", "1;2", "0x10", "1e999", "∞"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(WrongValueError, match="not_a_number"):
        number_of(text)


def test_a_comma_that_may_group_thousands_is_refused_where_commas_separate_cells() -> None:
    with pytest.raises(WrongValueError, match="number_ambiguous"):
        number_of("1,234", comma_separates=True)
    assert number_of("1,234") == (Decimal("1.234"), "")


@pytest.mark.parametrize(
    ("text", "resource", "unit", "rules", "amount"),
    [
        ("16", Resource.MEMORY, "gib", PLAIN, 16384),
        ("16", Resource.MEMORY, "gio", PLAIN, 16384),
        ("16", Resource.MEMORY, "go", BINARY, 16384),
        ("16", Resource.MEMORY, "go", DECIMAL, 15259),
        ("4096", Resource.MEMORY, "mb", DECIMAL, 3907),
        ("1", Resource.DISK, "tib", PLAIN, 1024),
        ("1", Resource.DISK, "to", DECIMAL, 932),
        ("0,5", Resource.CPU, "cores", PLAIN, 500),
        ("250", Resource.CPU, "milli", PLAIN, 250),
        ("5.2", Resource.CPU, "ghz", UnitRules(ghz_per_core=2.6), 2000),
        ("2600", Resource.CPU, "mhz", UnitRules(ghz_per_core=2.6), 1000),
        ("512 MiB", Resource.MEMORY, "gib", PLAIN, 512),
    ],
)
def test_an_amount_is_brought_to_the_unit_of_its_resource(
    text: str, resource: Resource, unit: str, rules: UnitRules, amount: int
) -> None:
    assert amount_of(text, resource, unit, rules) == amount


@pytest.mark.parametrize(
    ("text", "resource", "unit", "code"),
    [
        ("16", Resource.MEMORY, "", "unit_missing"),
        ("16", Resource.MEMORY, "mb", "unit_ambiguous"),
        ("16", Resource.DISK, "go", "unit_ambiguous"),
        ("16", Resource.MEMORY, "ghz", "unit_unknown"),
        ("5.2", Resource.CPU, "ghz", "clock_unknown"),
        ("4", Resource.CPU, "", "unit_missing"),
        ("-1", Resource.MEMORY, "gib", "amount_negative"),
        ("1000000000", Resource.MEMORY, "gib", "amount_absurd"),
        ("5000", Resource.CPU, "cores", "amount_absurd"),
    ],
)
def test_an_amount_that_cannot_be_meant_is_refused(
    text: str, resource: Resource, unit: str, code: str
) -> None:
    with pytest.raises(WrongValueError, match=code):
        amount_of(text, resource, unit, PLAIN)


def test_what_is_needed_is_rounded_up_and_what_is_offered_down() -> None:
    assert amount_of("1000", Resource.MEMORY, "mb", DECIMAL, needed=True) == 954
    assert amount_of("1000", Resource.MEMORY, "mb", DECIMAL, needed=False) == 953


@pytest.mark.parametrize("text", ["4,096", "4.096", "4 096", "4\u2019096", "4096"])
def test_signs_group_thousands_where_all_numbers_are_whole(text: str) -> None:
    rules = UnitRules(whole_numbers=True)
    assert amount_of(text, Resource.MEMORY, "mib", rules) == 4096


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_a_french_number_reads_back(number: Decimal) -> None:
    assert number_of(f"{number:,}".replace(",", "\u202f").replace(".", ",")) == (number, "")


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    found = _number_or_refusal(text)
    assert isinstance(found, WrongValueError) or found.is_finite()


def _number_or_refusal(text: str) -> Decimal | WrongValueError:
    try:
        return number_of(text)[0]
    except WrongValueError as error:
        return error
