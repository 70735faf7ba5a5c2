"""A form of needs is read, or its first wrong field is told."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.quotes.form import QuoteForm, needs_of_form
from beffroi.ledger.quotes.needs import DirectCost, ServiceLevel

TODAY = date(2026, 11, 22)
GIVEN = QuoteForm(
    buyer="Office public de l'habitat",
    siret="27930001600011",
    organisation="office",
    reference="OPH-14",
    title="Hébergement",
    posts="96",
    present="118 000,50".replace(" ", "\N{NO-BREAK SPACE}"),
    support_hours="20",
    support_hour_eur="46",
    hosts_cost="blades",
    upkeep_cost="licences",
    name=["portail", "", "base"],
    cores=["2", "", "4"],
    memory_gib=["8,5", "", "32"],
    disk_gib=["", "", "500"],
    count=["", "", "2"],
    level=["standard", "standard", "reinforced"],
)


def _changed(**fields: object) -> QuoteForm:
    return msgspec.structs.replace(GIVEN, **fields)


def test_rows_without_a_name_are_left_out_and_commas_are_decimal() -> None:
    needs = needs_of_form(GIVEN, TODAY)
    assert list(needs.applications) == ["portail", "base"]
    portal, base = needs.applications.values()
    assert (portal.cores, portal.memory_gib, portal.count) == (Decimal(2), Decimal("8.5"), 1)
    assert (base.level, base.count) == (ServiceLevel.REINFORCED, 2)
    assert needs.present is not None
    assert needs.present.yearly_eur == Decimal("118000.50")


def test_support_is_priced_by_its_hour() -> None:
    needs = needs_of_form(GIVEN, TODAY)
    assert needs.terms.direct_costs == {DirectCost.SUPPORT_HOUR: Decimal(46)}
    assert needs.asked(DirectCost.SUPPORT_HOUR) == 20


def test_support_that_is_asked_for_has_a_price() -> None:
    with pytest.raises(InvalidInputError) as raised:
        needs_of_form(_changed(support_hour_eur=""), TODAY)
    assert raised.value.code == "ledger.quote_direct_cost_missing"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"siret": ""}, "ledger.siret_wrong"),
        ({"siret": "27930001600012"}, "ledger.siret_wrong"),
        ({"siret": "ABC"}, "ledger.siret_wrong"),
        ({"cores": ["0", "", "4"]}, "ledger.quote_size_absurd"),
        ({"cores": ["100000000", "", "4"]}, "ledger.quote_size_absurd"),
        ({"starts": "9999-03-01"}, "ledger.day_absurd"),
        ({"name": ["base", "", "base"]}, "ledger.form_name_twice"),
    ],
)
def test_a_form_obeys_the_rules_of_the_file(changed: dict[str, object], code: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        needs_of_form(_changed(**changed), TODAY)
    assert raised.value.code == code


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("organisation", "L'office"),
        ("reference", " "),
        ("months", "0"),
        ("months", "1e9"),
        ("months", "12.9"),
        ("posts", "beaucoup"),
        ("present", "-1"),
        ("margin", "101"),
        ("margin", "NaN"),
        ("starts", "2026-02-30"),
        ("hosts_bought", "peut-être"),
    ],
)
def test_a_wrong_field_is_told_with_its_value(field: str, value: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        needs_of_form(_changed(**{field: value}), TODAY)
    assert raised.value.values == {"field": field, "value": value.strip()}


def test_an_application_that_outlives_more_than_a_host_has_copies() -> None:
    with pytest.raises(InvalidInputError) as raised:
        needs_of_form(_changed(count=["", "", "1"]), TODAY)
    assert raised.value.code == "ledger.quote_level_alone"


def test_a_size_is_a_number() -> None:
    with pytest.raises(InvalidInputError) as raised:
        needs_of_form(_changed(cores=["deux", "", "4"]), TODAY)
    assert raised.value.values["field"] == "cores"
