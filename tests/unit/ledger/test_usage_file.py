"""Use read from CSV: what is taken, and every mistake at its row and cell."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beffroi.kernel.catalogue import Language
from beffroi.ledger.model import Usage, UsageUnit
from beffroi.ledger.statement_files import statements_of_files
from beffroi.ledger.usage_file import load_usage
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding
from tests.support.shared_accounts import ACCOUNTS_YAML, JULY

HEADING = "application,organisation,since,until,cpu_core_h,memory_gib_h\n"


def _loaded(folder: Path, text: str | bytes) -> tuple[Usage, ...]:
    file = folder / "usage.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_usage(file)


def _found(folder: Path, text: str | bytes) -> list[tuple[str, int, int]]:
    with pytest.raises(TerritoryInvalidError) as raised:
        _loaded(folder, text)
    assert all(raised.value.told(language) for language in Language)
    return [(one.code, one.line, one.column) for one in raised.value.found]


def test_days_are_those_of_paris(tmp_path: Path) -> None:
    (usage,) = _loaded(tmp_path, HEADING + "site,drancy,2026-07-01,2026-08-01,12.5,\n")
    assert usage.since == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert usage.until == datetime(2026, 7, 31, 22, tzinfo=UTC)
    assert usage.quantities == {UsageUnit.CPU_CORE_H: Decimal("12.5")}
    assert usage.minutes == 31 * 24 * 60


def test_times_carry_their_zone(tmp_path: Path) -> None:
    row = "site,drancy,2026-10-25T02:30:00+02:00,2026-10-25T02:30:00+01:00,1,2\n"
    (usage,) = _loaded(tmp_path, HEADING + row)
    assert usage.minutes == 60


def test_a_french_spreadsheet_has_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    heading = "\ufeffapplication;organisation;since;until;cpu_core_h\r\n"
    (usage,) = _loaded(tmp_path, heading + "site;drancy;2026-07-01;2026-08-01;12,5\r\n")
    assert usage.quantities == {UsageUnit.CPU_CORE_H: Decimal("12.5")}


def test_minutes_with_a_record_are_taken_where_told(tmp_path: Path) -> None:
    heading = "application,organisation,since,until,cpu_core_h,minutes\n"
    (usage,) = _loaded(tmp_path, heading + "site,drancy,2026-07-01,2026-07-02,1,1000\n")
    assert usage.minutes == 1000


def test_every_mistake_is_told_at_its_row_and_cell(tmp_path: Path) -> None:
    rows = (
        ",drancy,2026-07-01,2026-08-01,1,1\n"
        "a,drancy,1/7/2026,2026-08-01,1,1\n"
        "b,drancy,2026-07-01,2026-08-01T00:00:00,1,1\n"
        "c,drancy,2026-07-01,2026-08-01,-1,1\n"
        "d,drancy,2026-07-01,2026-08-01,1 000,1e400\n"
        "e,drancy,2026-08-01,2026-07-01,1,nan\n"
        "f,drancy,2026-07-01\n"
    )
    assert _found(tmp_path, HEADING + rows) == [
        ("ledger.csv_cell_empty", 2, 1),
        ("ledger.csv_not_an_instant", 3, 3),
        ("ledger.csv_not_an_instant", 4, 4),
        ("ledger.csv_out_of_bounds", 5, 5),
        ("ledger.csv_not_a_number", 6, 5),
        ("ledger.csv_out_of_bounds", 6, 6),
        ("ledger.csv_ends_before_start", 7, 4),
        ("ledger.csv_not_a_number", 7, 6),
        ("ledger.csv_row_width", 8, 1),
    ]


def test_lines_within_quotes_do_not_move_the_rows_that_follow(tmp_path: Path) -> None:
    rows = '"a\nb",drancy,2026-07-01,2026-08-01,1,1\nc,drancy,x,2026-08-01,1,1\n'
    assert _found(tmp_path, HEADING + rows) == [("ledger.csv_not_an_instant", 4, 3)]


def test_more_minutes_than_the_time_has_are_refused(tmp_path: Path) -> None:
    heading = "application,organisation,since,until,cpu_core_h,minutes\n"
    row = "site,drancy,2026-07-01,2026-07-02,1,1441\n"
    assert _found(tmp_path, heading + row) == [("ledger.csv_minutes", 2, 6)]


def test_use_counted_by_two_rows_is_refused(tmp_path: Path) -> None:
    rows = (
        "site,drancy,2026-07-15,2026-08-01,1,1\n"
        "other,drancy,2026-07-01,2026-08-01,1,1\n"
        "site,drancy,2026-07-01,2026-07-16,1,1\n"
    )
    assert _found(tmp_path, HEADING + rows) == [("ledger.csv_counted_twice", 2, 3)]


def test_unknown_missing_and_doubled_columns_are_told(tmp_path: Path) -> None:
    text = "application,since,until,cpu_hours,cpu_core_h,cpu_core_h\n"
    with pytest.raises(TerritoryInvalidError) as raised:
        _loaded(tmp_path, text)
    told = [(one.code, one.column) for one in raised.value.found]
    assert told == [
        ("ledger.csv_column_missing", 1),
        ("ledger.csv_column_unknown", 4),
        ("ledger.csv_column_twice", 5),
    ]
    assert raised.value.found[0].values["missing"] == "organisation"


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert _found(tmp_path, HEADING) == [("ledger.csv_without_rows", 1, 1)]


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    assert _found(tmp_path, b"application,\xff\n") == [("territory.file_not_utf8", 1, 13)]
    assert _found(tmp_path, b"") != []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TerritoryInvalidError) as raised:
        load_usage(tmp_path / "none.csv")
    assert raised.value.found[0].code == "territory.file_missing"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(alphabet="a,;\n\"'0-9.2é-:T", max_size=80))
def test_any_text_below_the_heading_is_read_or_refused(tmp_path: Path, text: str) -> None:
    refused: tuple[Finding, ...] = ()
    found: tuple[Usage, ...] = ()
    try:
        found = _loaded(tmp_path, HEADING + text)
    except TerritoryInvalidError as error:
        refused = error.found
    assert bool(found) is not bool(refused)


def test_statements_are_made_of_files_alone(tmp_path: Path) -> None:
    accounts, usage = tmp_path / "accounts.yaml", tmp_path / "usage.csv"
    accounts.write_text(ACCOUNTS_YAML, encoding="utf-8")
    rows = (
        "site,drancy,2026-07-01,2026-07-15,10,1\n"
        "site,drancy,2026-07-15,2026-08-01,10,1\n"
        "site,drancy,2026-08-01,2026-09-01,99,99\n"
    )
    usage.write_text(HEADING + rows, encoding="utf-8")
    found = {one.body.name: one for one in statements_of_files(accounts, usage, JULY)}
    assert sorted(found) == ["drancy", "dugny", "habitat", "le-bourget"]
    assert found["drancy"].lines[2].amount_eur == Decimal("1234.56")
    assert len(found["drancy"].usage) == 2


def test_use_without_an_organisation_is_refused_unless_it_is_the_platforms(tmp_path: Path) -> None:
    row = "2026-07-01,2026-08-01,12.5,\n"
    assert _found(tmp_path, HEADING + f"site,,{row}") == [("ledger.csv_organisation_empty", 2, 2)]
    (usage,) = _loaded(tmp_path, HEADING + f"switches,_platform,{row}")
    assert usage.organisation == ""


def test_minutes_are_whole(tmp_path: Path) -> None:
    heading = "application,organisation,since,until,cpu_core_h,minutes\n"
    row = "site,drancy,2026-07-01,2026-08-01,1,"
    assert _found(tmp_path, f"{heading}{row}3.7\n") == [("ledger.csv_minutes_whole", 2, 6)]
    (usage,) = _loaded(tmp_path, f"{heading}{row}3.0\n")
    assert usage.minutes == 3


@pytest.mark.parametrize(
    "day", ["0001-01-01", "1999-12-31", "2200-01-01", "9999-12-31T23:59:59-14:00"]
)
def test_days_outside_the_years_of_ledgers_are_refused(tmp_path: Path, day: str) -> None:
    found = _found(tmp_path, HEADING + f"site,drancy,{day},2026-08-01,12.5,\n")
    assert found == [("ledger.csv_year_not_counted", 2, 3)]
