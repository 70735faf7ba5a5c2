"""The database door: pool, transactions with their reader's rights, rows as typed values."""

from beffroi.kernel.database.pool import Connection, Database, Scope
from beffroi.kernel.database.rows import (
    execute,
    fetch_all,
    fetch_one,
    fetch_optional,
    fetch_tuples,
    fetch_value,
)

__all__ = [
    "Connection",
    "Database",
    "Scope",
    "execute",
    "fetch_all",
    "fetch_one",
    "fetch_optional",
    "fetch_tuples",
    "fetch_value",
]
