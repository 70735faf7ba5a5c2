"""PostgreSQL on a disk that fills: nothing half-written, told as what it is, and over by itself."""

import os
from collections.abc import AsyncIterator

import pytest

from beffroi.kernel.database import Database, execute, fetch_value
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.units import MIB
from tests.support.postgres import FASTER_THAN_DURABLE, PostgresServer
from tests.support.processes import AS_ROOT

ROOM_MIB = 160
LEFT = 12 * MIB
_SMALL_WAL = "max_wal_size = 64MB\nmin_wal_size = 32MB\n"

pytestmark = pytest.mark.skipif(not AS_ROOT, reason="only root can mount a small disk")


@pytest.fixture
async def server() -> AsyncIterator[PostgresServer]:
    """A server on a disk of its own."""
    made = PostgresServer(FASTER_THAN_DURABLE + _SMALL_WAL)
    disk = str(made.folder)
    mounted = await run_command(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM_MIB}m", "tmpfs", disk], deadline_s=10
    )
    if mounted.status != 0:
        pytest.skip(f"this machine lets nobody mount: {mounted.output}")
    try:
        await made.create()
        yield made
        await made.stop()
    finally:
        await run_command(["umount", "--lazy", disk], deadline_s=10)
        made.remove()


async def test_what_does_not_fit_is_refused_and_writing_goes_on_once_there_is_room(
    server: PostgresServer,
) -> None:
    database = Database(await server.create_database("town"))
    await database.open()
    async with database.transaction(EVERYTHING) as connection:
        await execute(connection, "create unlogged table heap (body text)")
        await execute(connection, "alter table heap alter column body set storage external")
    ballast = server.folder / "ballast"
    disk = os.statvfs(server.folder)
    ballast.write_bytes(bytes(disk.f_bavail * disk.f_frsize - LEFT))
    with pytest.raises(UnavailableError) as caught:
        await _write(database, 20_000)
    assert caught.value.code == "kernel.database_full"
    ballast.unlink()
    await _write(database, 5)
    async with database.transaction(EVERYTHING) as connection:
        assert await fetch_value(connection, "select count(*) from heap") == 5
    await database.close()


async def _write(database: Database, rows: int) -> None:
    async with database.transaction(EVERYTHING) as connection:
        await execute(
            connection,
            "insert into heap select repeat('x', 4096) from generate_series(1, %s)",
            (rows,),
        )
