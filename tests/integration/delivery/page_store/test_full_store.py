"""A page store that takes nothing more, or whose index is away: visitors get their pages."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.processes.commands import run_command
from tests.conftest import MakeDatabase
from tests.integration.delivery.binaries import nginx_named
from tests.integration.delivery.page_store.origin import page
from tests.integration.delivery.page_store.stage import PageStage, opened_site
from tests.support.postgres import PostgresServer
from tests.support.waiting import eventually, scaled

ROOM = "1m"
PAGES = 60


async def told(*command: str) -> str:
    result = await run_command(list(command), deadline_s=10)
    assert result.status == 0, result.output
    return result.output


@pytest.fixture
async def small_stage(
    tmp_path: Path, make_database: MakeDatabase, shared_postgres: PostgresServer
) -> AsyncIterator[PageStage]:
    """A stage whose store lies on a file system of one mebibyte."""
    shared_postgres.folder.chmod(0o711)
    database = await make_database("kernel", "delivery")
    stage = PageStage(tmp_path / "data", await nginx_named("system"), database)
    store = stage.places.store
    store.mkdir(parents=True)
    await told("mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=755", "tmpfs", str(store))
    try:
        await stage.start()
        yield stage
        await stage.stop()
    finally:
        await told("umount", "--lazy", str(store))


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small file system")
async def test_visitors_of_a_full_store_get_their_pages_from_the_origin(
    small_stage: PageStage,
) -> None:
    async with opened_site(small_stage) as site:
        texts: dict[str, str] = {}

        def answer(target: str) -> str:
            return texts.setdefault(target, target + os.urandom(20_000).hex())

        site.origin.answering = lambda heard: page(answer(heard.target))
        visitor = await site.visitor()
        first = [await visitor.get(f"/{number}") for number in range(PAGES)]
        second = [await visitor.get(f"/{number}") for number in range(PAGES)]

        assert [one.status for one in first + second] == [200] * 2 * PAGES
        assert [one.text for one in first] == [answer(f"/{number}") for number in range(PAGES)]
        assert [one.text for one in second] == [answer(f"/{number}") for number in range(PAGES)]
        assert any("store-failing" in one.note for one in first)
        assert any(one.note.startswith("beffroi; hit") for one in second)

        purged = await site.purge("/", Beffroi_Purge="site")
        again = await visitor.get("/0")

        assert purged.status == 200
        assert again.note.endswith("stored")


@pytest.mark.timeout(120)
async def test_visitors_are_answered_while_postgresql_is_away(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    postgres.folder.chmod(0o711)
    database = Database(await postgres.create_database("pages"))
    await database.open()
    await migrate(database, ("kernel", "delivery"))
    stage = PageStage(tmp_path / "data", await nginx_named("system"), database)
    try:
        await stage.start()
        async with opened_site(stage) as site:
            visitor = await site.visitor()
            brief = ("Cache-Control", "max-age=1, stale-while-revalidate=0, stale-if-error=0")
            site.origin.answering = lambda heard: page(f"page {heard.target}", brief)
            await visitor.get("/brief")
            site.origin.answering = lambda heard: page(f"page {heard.target}")
            await visitor.get("/stored")
            await postgres.kill()
            stored, new = await visitor.get("/stored"), await visitor.get("/new")
            brief_again = await visitor.get("/brief")
            began = time.monotonic()
            more = [await visitor.get(f"/more/{number}") for number in range(20)]
            took_s = time.monotonic() - began
            purge = await site.purge("/stored")
            sent = await visitor.ask("POST", "/stored", body=b"a=1")
            await postgres.start()

            async def stores_again() -> bool:
                return (await visitor.get("/later")).note.startswith("beffroi; hit")

            assert [one.status for one in (stored, new, brief_again, sent)] == [200] * 4
            assert (stored.text, new.text) == ("page /stored", "page /new")
            assert {one.status for one in more} == {200}
            assert took_s < scaled(5)
            assert purge.status == 503
            assert await eventually(stores_again, within_s=30)
            assert (await site.purge("/stored")).body == b'{"purged":1}'
    finally:
        await stage.stop()
        await database.close()
