"""Statements and unit costs made of files alone, without a platform."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from beffroi.ledger.accounts_file import load_accounts
from beffroi.ledger.model import Accounts, Statement, Usage
from beffroi.ledger.month_records import MonthRecords, month_records
from beffroi.ledger.months import month_of, months_of
from beffroi.ledger.statements import statements_of
from beffroi.ledger.unit_costs import UnitCostTable, unit_cost_table
from beffroi.ledger.usage_file import load_usage


def statements_of_files(accounts: Path, usage: Path, month: date) -> tuple[Statement, ...]:
    """Make the drafts of a month.

    Args:
        accounts: The file ``accounts.yaml``.
        usage: A CSV file; rows of other months are left out, one across its bounds is not.
        month: A day of the month.

    Raises:
        TerritoryInvalidError: A file has mistakes, all of its own told at once.
        InvalidInputError: The files do not agree, such as on who pays for what was used.
    """
    return statements_of(_records(load_accounts(accounts), load_usage(usage), month))


def unit_costs_of_files(accounts: Path, usage: Path, year: int, today: date) -> UnitCostTable:
    """Make the table of unit costs of a year.

    Args:
        accounts: The file ``accounts.yaml``.
        usage: A CSV file; rows of other years than the one before are left out.
        year: Of the budget.
        today: The day that the table bears.

    Raises:
        TerritoryInvalidError: A file has mistakes, all of its own told at once.
        InvalidInputError: The files do not agree, or a row of use lies across months.
    """
    declared, rows = load_accounts(accounts), load_usage(usage)
    months = (_records(declared, rows, month) for month in months_of(year - 1))
    used = [one for records in months for one in records.usage]
    return unit_cost_table(declared, 0, year, used, today)


def _records(accounts: Accounts, usage: Iterable[Usage], month: date) -> MonthRecords:
    used = tuple(one for one in usage if _touches(one, month))
    return month_records(accounts, 0, month, used)


def _touches(usage: Usage, month: date) -> bool:
    whole = month_of(month)
    return usage.since < whole.ends_at and whole.begins_at < usage.until
