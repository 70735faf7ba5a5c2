"""The disk fills up while an application is built: it is told, and PostgreSQL never notices."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beffroi.kernel.processes.commands import run_command
from tests.e2e.conftest import OpenTown
from tests.e2e.ledger import ledger_of
from tests.e2e.petit_bourg import GUICHET
from tests.support.town import Town, comes_true

_MIB = 1024 * 1024
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@asynccontextmanager
async def disk(folder: Path, size_mib: int) -> AsyncIterator[None]:
    """Put a disk of a size in place of a folder."""
    folder.mkdir(exist_ok=True)
    options = f"size={size_mib}m,mode=0700"
    line = ["mount", "-t", "tmpfs", "-o", options, "beffroi-test", str(folder)]
    mounted = await run_command(line, deadline_s=10)
    if mounted.status != 0:
        pytest.skip(f"this root may not mount a disk: {mounted.output.strip()}")
    try:
        yield
    finally:
        await run_command(["umount", "--lazy", str(folder)], deadline_s=10)


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    """A town whose whole data folder is one disk of 1,100 MiB."""
    async with open_town("guichet") as opened, disk(opened.places.data, 1100):
        await opened.up()
        yield opened
        await opened.stop()
        assert not opened.defects()


async def test_a_build_that_fills_the_disk_is_ended_before_postgresql_suffers(town: Town) -> None:
    ledger = await ledger_of(town, GUICHET)
    await ledger.create()
    server = town.main_pid("postgresql")
    town.territory["applications"]["guichet"]["build"] = ["dd if=/dev/zero of=/app/big bs=1M"]
    async with ledger.writing():
        (await town.apply()).raise_for_status()
        outcome = await failed_outcome(town)
        written = len(ledger.acknowledged)
        assert await comes_true(lambda: ledger.grows_to(written + 20))

    assert "The disk filled up during the build of «guichet»." in outcome
    assert "What served before still serves. Free some space" in outcome
    assert (await town.get(GUICHET)).text == '"guichet 1"'
    assert town.main_pid("postgresql") == server
    assert set(ledger.acknowledged) <= await ledger.numbers()
    assert not list(town.places.builds.iterdir())


async def failed_outcome(town: Town) -> str:
    """Wait until the newest operation of the guichet has failed; return what it says."""

    async def failed() -> bool:
        newest = (await town.told("/api/operations?subject=guichet"))[0]
        return bool(newest["state"] == "failed")

    assert await comes_true(failed, within_s=30)
    return str((await town.told("/api/operations?subject=guichet"))[0]["outcome"])


async def test_a_source_larger_than_the_disk_is_told_as_a_full_disk(town: Town) -> None:
    large = town.source("guichet") / "large"
    with large.open("wb") as file:
        file.truncate(650 * _MIB)
    async with disk(town.places.builds, 600):
        ended = await town.deploy("guichet")
    large.unlink()

    assert ended["state"] == "failed"
    assert "The disk filled up during the build of «guichet»." in ended["outcome"]
    assert (await town.get(GUICHET)).text == '"guichet 1"'


async def test_no_build_begins_on_a_disk_that_is_nearly_full(town: Town) -> None:
    async with disk(town.places.builds, 100):
        ended = await town.deploy("guichet")

    assert ended["state"] == "failed"
    assert "Only 100.0 MiB are free on the disk; a build needs 512.0 MiB." in ended["outcome"]


async def test_a_deploy_succeeds_once_there_is_space_again(town: Town) -> None:
    del town.territory["applications"]["guichet"]["build"]
    town.source("guichet").joinpath("edition.txt").write_text("2")
    (await town.apply()).raise_for_status()

    assert (await town.deploy("guichet"))["state"] == "succeeded"
    assert (await town.get(GUICHET)).text == '"guichet 2"'
