"""The file accounts.yaml: what is read of it, and every mistake at its place."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from beffroi.kernel.catalogue import Language
from beffroi.ledger.accounts_file import AccountsChange, accounts_changes, load_accounts
from beffroi.ledger.accounts_rules import without_account
from beffroi.ledger.model import Accounts, Charging, UsageUnit
from beffroi.territory.difference import ChangeKind, FieldChange
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding
from tests.support.shared_accounts import ACCOUNTS_YAML, accounts_of, with_section


def _found(folder: Path, text: str) -> tuple[Finding, ...]:
    file = folder / "accounts.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TerritoryInvalidError) as raised:
        load_accounts(file)
    return raised.value.found


def _line_of(text: str, passage: str) -> int:
    return text[: text.index(passage)].count("\n") + 1


def test_three_communes_and_a_housing_office_are_read() -> None:
    accounts = accounts_of()
    assert list(accounts.sharers) == ["drancy", "dugny", "le-bourget"]
    assert accounts.bodies["habitat"].charging is Charging.BY_RATES
    assert accounts.costs["blades"].amount_eur == Decimal("86400.55")
    assert accounts.costs["electricity"].eur_per_kwh == Decimal("0.1812")
    assert accounts.keys["compute"].units[UsageUnit.CPU_CORE_H] == 3
    assert accounts.rates["cores-2026"].until == date(2026, 7, 15)


def test_accounts_are_kept_as_they_were_read() -> None:
    accounts = accounts_of()
    assert msgspec.json.decode(msgspec.json.encode(accounts), type=Accounts) == accounts


LOOP = """parts: {inhabitants: 1, loop: 1}
  loop:
    title: Boucle
    basis: mixed
    parts: {shared: 1}"""
MISTAKES = {
    "a_key_that_is_not_there": (
        "key: shared",
        "key: share",
        ("territory.unknown_reference", "key: share\n", {"name": "share", "nearest": "shared"}),
    ),
    "a_body_that_is_not_there": (
        "    since: 2026-01-01\n    until: 2026-07-15",
        "    since: 2026-01-01\n    until: 2026-07-15\n    bodies: [habitats]",
        ("territory.unknown_reference", "bodies: [habitats]", {"name": "habitats"}),
    ),
    "keys_that_contain_each_other": (
        "parts: {inhabitants: 1, compute: 1}",
        LOOP,
        ("ledger.key_cycle", "parts: {shared: 1}", {"cycle": "loop → shared → loop"}),
    ),
    "rates_that_overlap": (
        "    until: 2026-07-15\n",
        "",
        ("ledger.rates_overlap", "cores-2026-07:", {"other": "cores-2026", "body": "habitat"}),
    ),
    "a_wrong_siret": (
        '"21933333300017"',
        '"21933333300018"',
        ("ledger.siret_wrong", '"21933333300018"', {"found": "21933333300018"}),
    ),
    "a_wrong_iban": ("185\n", "186\n", ("ledger.iban_wrong", "iban:", {})),
    "a_wrong_vat_number": (
        "FR01279344444",
        "FR02279344444",
        ("ledger.vat_number_wrong", "FR02279344444", {"siren": "279344444"}),
    ),
    "an_organisation_paid_twice": (
        "[dugny, dugny-ecoles]",
        "[dugny, drancy]",
        ("ledger.organisation_paid_twice", "[dugny, drancy]", {"other": "drancy"}),
    ),
    "an_amortisation_without_life": (
        "    life_years: 5\n",
        "",
        ("ledger.cost_needs", "blades:", {"key": "life_years", "nature": "amortisation"}),
    ),
    "an_energy_without_price": (
        "    eur_per_kwh: 0.1812\n",
        "",
        ("ledger.cost_needs", "electricity:", {"key": "eur_per_kwh"}),
    ),
    "a_yearly_cost_with_a_life": (
        "amount_eur: 95000\n",
        "amount_eur: 95000\n    life_years: 3\n",
        ("territory.key_not_for_kind", "life_years: 3", {"kinds": "amortisation"}),
    ),
    "an_amount_below_the_cent": (
        "86400.55",
        "86400.555",
        ("ledger.not_whole_cents", "86400.555", {"found": "86400.555"}),
    ),
    "a_cost_that_ends_before_it_starts": (
        "since: 2026-02-15",
        "since: 2026-02-15\n    until: 2026-02-15",
        ("ledger.ends_before_start", "until: 2026-02-15", {"since": "2026-02-15"}),
    ),
    "inhabitants_that_nobody_counted": (
        "    inhabitants: 16000\n",
        "",
        ("ledger.count_missing", "le-bourget:", {"field": "inhabitants", "body": "le-bourget"}),
    ),
    "fixed_weights_that_leave_a_body_out": (
        "    basis: mixed\n    parts: {inhabitants: 1, compute: 1}",
        "    basis: fixed\n    weights: {drancy: 3, dugny: 1}",
        ("ledger.weight_missing", "weights:", {"body": "le-bourget"}),
    ),
    "fixed_weights_of_who_shares_nothing": (
        "    basis: mixed\n    parts: {inhabitants: 1, compute: 1}",
        "    basis: fixed\n    weights: {drancy: 3, dugny: 1, le-bourget: 1, habitat: 1}",
        ("ledger.weight_of_payer_by_rates", "weights:", {"body": "habitat"}),
    ),
    "a_key_without_units": (
        "    units: {cpu_core_h: 3, memory_gib_h: 1}\n",
        "",
        ("ledger.weights_all_zero", "compute:", {"field": "units"}),
    ),
    "units_of_a_key_that_counts_none": (
        "basis: inhabitants\n",
        "basis: inhabitants\n    units: {cpu_core_h: 3}\n",
        ("territory.key_not_for_kind", "units: {cpu_core_h: 3}", {"kinds": "usage"}),
    ),
    "a_floor_that_adds_up_to_more_than_all": (
        "floor_percent: 10",
        "floor_percent: 34",
        ("ledger.bounds_infeasible", "shared:\n", {"floor": "34", "count": "3"}),
    ),
    "a_rate_for_a_body_that_shares": (
        "vat_percent: 20",
        "bodies: [habitat, dugny]",
        ("ledger.rate_for_sharer", "bodies: [habitat, dugny]", {"body": "dugny"}),
    ),
    "an_included_quantity_of_a_flat_price": (
        "vat_percent: 20",
        "included: 7",
        ("territory.key_needs", "included: 7", {"needed": "unit"}),
    ),
    "vat_on_shared_costs": (
        "inhabitants: 72000",
        "inhabitants: 72000\n    liable_for_vat: true",
        ("ledger.shares_with_vat", "liable_for_vat: true", {"body": "drancy"}),
    ),
    "an_issuer_without_vat_number": (
        "  vat_number: FR63200043214\n",
        "",
        ("ledger.issuer_vat_number_missing", "issuer:", {"body": "habitat"}),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_line_with_its_values(tmp_path: Path, name: str) -> None:
    before, after, (code, passage, values) = MISTAKES[name]
    text = with_section(ACCOUNTS_YAML, before, after)
    (finding,) = _found(tmp_path, text)
    assert finding.code == code
    assert finding.line == _line_of(text, passage)
    assert values.items() <= {key: str(told) for key, told in finding.values.items()}.items()
    assert all(finding.told(language) for language in Language)


def test_a_misspelled_unit_is_told_with_those_there_are(tmp_path: Path) -> None:
    text = with_section(ACCOUNTS_YAML, "{cpu_core_h: 3,", "{cpu_cores: 3,")
    (finding,) = _found(tmp_path, text)
    assert finding.code == "territory.not_of_the_form"
    assert finding.line == _line_of(text, "units: {cpu_cores")
    assert "memory_gib_h" in str(finding.values["bound"])


def test_costs_that_nobody_shares_are_told(tmp_path: Path) -> None:
    text = ACCOUNTS_YAML.replace(
        "    kind: commune\n", "    kind: commune\n    charging: by_rates\n"
    )
    assert "ledger.nobody_shares" in {finding.code for finding in _found(tmp_path, text)}


def test_a_body_that_no_rate_is_for_is_told(tmp_path: Path) -> None:
    text = ACCOUNTS_YAML[: ACCOUNTS_YAML.index("\nrates:")]
    (finding,) = _found(tmp_path, text)
    assert (finding.code, finding.values) == ("ledger.body_without_rate", {"body": "habitat"})


def test_accounts_without_a_body_are_refused(tmp_path: Path) -> None:
    issuer = ACCOUNTS_YAML[: ACCOUNTS_YAML.index("\nbodies:")]
    (finding,) = _found(tmp_path, issuer + "bodies: {}\nkeys: {}\n")
    assert finding.code == "ledger.no_body"


def test_a_part_of_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = with_section(ACCOUNTS_YAML, "parts: {inhabitants: 1,", "parts: {inhabitant: 1,")
    (finding,) = _found(tmp_path, text)
    assert finding.code == "territory.unknown_reference"
    assert finding.values["nearest"] == "inhabitants"


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = with_section(ACCOUNTS_YAML, "185\n", "186\n")
    text = with_section(text, "    life_years: 5\n", "")
    text = with_section(text, "floor_percent: 10", "floor_percent: 40")
    assert [finding.code for finding in _found(tmp_path, text)] == [
        "ledger.iban_wrong",
        "ledger.bounds_infeasible",
        "ledger.cost_needs",
    ]


def test_amounts_out_of_bounds_are_told(tmp_path: Path) -> None:
    text = with_section(ACCOUNTS_YAML, "eur: 240", "eur: -240")
    text = with_section(text, "pue: 1.45", "pue: 0.9")
    assert [finding.code for finding in _found(tmp_path, text)] == [
        "territory.below_minimum",
        "territory.below_minimum",
    ]


def test_the_first_accounts_add_every_noun() -> None:
    changes = accounts_changes(None, accounts_of())
    assert {change.kind for change in changes} == {ChangeKind.ADDED}
    assert [change.name for change in changes if change.section == "keys"] == [
        "compute",
        "inhabitants",
        "revenue",
        "shared",
    ]


def test_the_same_accounts_change_nothing() -> None:
    assert accounts_changes(accounts_of(), accounts_of()) == ()


def test_a_change_is_told_field_by_field() -> None:
    text = with_section(ACCOUNTS_YAML, "amount_eur: 95000", "amount_eur: 97000")
    (change,) = accounts_changes(accounts_of(), accounts_of(text))
    fields = (FieldChange("amount_eur", "95000", "97000"),)
    assert change == AccountsChange(ChangeKind.CHANGED, "costs", "staff", fields)


def test_a_noun_that_left_is_told() -> None:
    text = ACCOUNTS_YAML[: ACCOUNTS_YAML.index("  desk:")]
    (change,) = accounts_changes(accounts_of(), accounts_of(text))
    assert change == AccountsChange(ChangeKind.REMOVED, "rates", "desk")


@pytest.mark.parametrize("day", ["1999-12-31", "9990-01-01"])
def test_days_outside_the_years_of_ledgers_are_told(tmp_path: Path, day: str) -> None:
    text = with_section(ACCOUNTS_YAML, "since: 2026-02-15", f"since: {day}")
    (found,) = _found(tmp_path, text)
    assert (found.code, found.line) == ("ledger.year_not_counted", _line_of(text, f"since: {day}"))
    ends = ACCOUNTS_YAML.replace("until: 2026-07-15", "until: 2200-01-01")
    codes = {one.code for one in _found(tmp_path, ends)}
    assert "ledger.year_not_counted" in codes


def test_costs_and_rates_that_no_revenue_order_can_post_are_named() -> None:
    assert without_account(accounts_of()) == ()
    text = with_section(ACCOUNTS_YAML, '    account: "6411"\n', "")
    taxed = with_section(text, '    eur: 240\n    account: "70848"\n', "    eur: 240\n")
    assert without_account(accounts_of(taxed)) == ("staff",)
    untaxed = with_section(taxed, "    liable_for_vat: true\n", "")
    assert without_account(accounts_of(untaxed)) == ("staff", "desk")
