"""Statements made of files alone, without a platform."""

from datetime import date
from pathlib import Path

from beffroi.ledger.accounts_file import load_accounts
from beffroi.ledger.model import Statement, Usage
from beffroi.ledger.month_records import month_records
from beffroi.ledger.months import month_of
from beffroi.ledger.statements import statements_of
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
    declared = load_accounts(accounts)
    used = tuple(one for one in load_usage(usage) if _touches(one, month))
    return statements_of(month_records(declared, 0, month, used))


def _touches(usage: Usage, month: date) -> bool:
    whole = month_of(month)
    return usage.since < whole.ends_at and whole.begins_at < usage.until
