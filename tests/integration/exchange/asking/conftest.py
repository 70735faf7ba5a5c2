"""A database of the exchange, in which examples leave no trace."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest

from beffroi.exchange import store
from beffroi.exchange.model import Entity
from beffroi.exchange.store import EntityRow
from beffroi.exchange.writing.committing import _bounds
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase

Town = Callable[[Sequence[tuple[str, Entity]]], AbstractAsyncContextManager[Connection]]


class _Undone(Exception):  # noqa: N818 - it is no error: it ends an example
    pass


@pytest.fixture
async def database(make_database: MakeDatabase) -> Database:
    return await make_database("kernel", "exchange")


@pytest.fixture
def town(database: Database) -> Town:
    """``async with town([(organisation, entity), ...])``: they are there until the block ends."""

    @asynccontextmanager
    async def held(kept: Sequence[tuple[str, Entity]]) -> AsyncIterator[Connection]:
        with suppress(_Undone):
            async with database.transaction(EVERYTHING) as connection:
                await store.keep_entities(
                    connection,
                    [row_of(owner, entity, place) for place, (owner, entity) in enumerate(kept)],
                )
                yield connection
                raise _Undone

    return held


def row_of(owner: str, entity: Entity, place: int) -> EntityRow:
    """Write an entity as its owner's, under an id of its own."""
    return EntityRow(
        tenant="",
        organisation=owner,
        id=f"{entity.id}{place}",
        types=entity.types,
        scopes=entity.scopes,
        document=entity.attributes,
        bounds=_bounds(entity),
        created_at=entity.created_at,
        modified_at=entity.modified_at,
        expires_at=entity.expires_at,
    )
