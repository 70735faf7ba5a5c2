"""Which statements PostgreSQL was asked, from its own log."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from beffroi.kernel.database import Database
from tests.support.postgres import PostgresServer

_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*):(?P<text>.*)", re.DOTALL)
# What every transaction asks around its own work.
_AROUND = ("", "begin", "commit", "rollback", "select 1", "select set_config(")


def database_name_of(database: Database) -> str:
    """Return the name in a database's URL."""
    return urlsplit(database.url.reveal()).path.removeprefix("/")


@contextmanager
def statements_told(server: PostgresServer, database: Database) -> Iterator[list[str]]:
    """Fill a list with the statements asked of a database inside the block.

    What opens, binds and closes a transaction is left out.
    """
    told: list[str] = []
    start = server.log_path.stat().st_size
    yield told
    with server.log_path.open("rb") as log:
        log.seek(start)
        written = log.read().decode()
    mark = f" database={database_name_of(database)} "
    for entry in re.split(r"\n(?!\t)", written):
        found = _STATEMENT.search(entry)
        if found is None or mark not in entry:
            continue
        text = " ".join(found["text"].split())
        if not any(
            text.lower() == around or (around.endswith("(") and text.startswith(around))
            for around in _AROUND
        ):
            told.append(text)
