"""kill -9 of beffroi in the middle of a deploy: the old serves on, the next start ends the work."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from beffroi.delivery.model import CONSOLE
from beffroi.engines.drivers import PostgresqlEngine
from beffroi.kernel.database import Database
from beffroi.kernel.log.entries import CHANNEL
from beffroi.kernel.secrets import SealingKey
from tests.e2e.conftest import OpenTown
from tests.e2e.petit_bourg import GUICHET
from tests.support.town import Town, comes_true
from tests.support.town_processes import groups_of, processes_of
from tests.support.waiting import scaled

_FILES_TO_COPY = 3000
_NAP = "sleep 2"


class Guichet:
    """The one application of the town, and the edition that its source holds."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.edition = 1

    def renew(self, mood: str = "good") -> None:
        """Change the source: the next release says the next edition."""
        self.edition += 1
        source = self.town.source("guichet")
        source.joinpath("edition.txt").write_text(str(self.edition))
        source.joinpath("mood.txt").write_text(mood)

    async def redeclare(self, **changed: object) -> None:
        """Apply another declaration, which the platform deploys by itself."""
        declared = self.town.territory["applications"]["guichet"]
        for name in ("build", "prepare"):
            declared.pop(name, None)
        declared.update(changed, environment={"TOUR": str(self.edition)})
        (await self.town.apply()).raise_for_status()

    async def says(self, edition: int) -> bool:
        """Tell whether visitors are answered with an edition."""
        return (await self.town.get(GUICHET)).text == f'"guichet {edition}"'

    async def is_at(self, step: str) -> bool:
        """Tell whether an operation is at a step."""
        found = await self.town.told("/api/operations?subject=guichet")
        return any(one["state"] == "running" and one["step"] == step for one in found)

    async def number(self) -> int:
        """Return the number of the deployment that serves."""
        serving: int = (await self.town.told("/api/applications/guichet"))["serving"]["number"]
        return serving

    async def leftovers(self) -> list[str]:
        """Name everything that should not be there once all is settled."""
        town, unit = self.town, f"guichet.{await self.number()}"
        deployments = await town.told("/api/applications/guichet/deployments")
        operations = await town.told("/api/operations?subject=guichet")
        folders = {
            "unit": set(town.units()) - {unit, "filler", "nginx", "postgresql"},
            "socket": {one.name for one in town.places.instances.iterdir()} - {unit, CONSOLE},
            "workspace": {one.name for one in town.places.builds.glob("*")},
            "group": {one.name for one in groups_of(town.places)}
            - {unit, town.places.runtime.name},
        }
        return [
            *(f"{kind} {name}" for kind, names in folders.items() for name in names),
            *(f"deployment {one['number']}" for one in deployments if one["state"] == "starting"),
            *(f"operation {one['step']}" for one in operations if one["state"] == "running"),
            *_strangers(town),
        ]

    async def has_settled(self) -> bool:
        """Tell whether the source serves and nothing else is left."""
        assert await self.says(self.edition)
        left = await self.leftovers()
        assert not left, left
        return True


def _strangers(town: Town) -> list[str]:
    """Name the sandboxes that belong to no unit."""
    known = {town.unit_pid(unit) for unit in town.units()}
    rows = processes_of(town.places)
    inside = {row.pid for row in rows}
    tops = [row for row in rows if row.parent not in inside and row.pid != town.pid]
    return [f"process {row.pid}" for row in tops if row.pid not in known]


@pytest.fixture(scope="module")
async def guichet(open_town: OpenTown) -> AsyncIterator[Guichet]:
    async with open_town("guichet") as town:
        await town.up()
        yield Guichet(town)


@pytest.fixture(autouse=True)
async def _runs(guichet: Guichet) -> None:
    """Start the platform again after a test that failed while it was dead."""
    if not await guichet.town.runs():
        await guichet.town.up()


async def kill_and_start_again(guichet: Guichet, served_meanwhile: int) -> None:
    """Kill beffroi, visit, start it, and wait until the interrupted work is done."""
    await guichet.town.kill()
    assert await guichet.says(served_meanwhile)
    await guichet.town.begin()
    assert await comes_true(guichet.has_settled, within_s=20)


async def deploy_until_committed(town: Town) -> None:
    """Ask for a deploy; return at the moment when PostgreSQL has committed that it serves."""
    database = Database(PostgresqlEngine(town.places, SealingKey.of_folder(town.places.data)).url)
    async with await database.dedicated() as listening, await database.dedicated() as reading:
        await reading.execute("select set_config('beffroi.everything', 'on', false)")
        await listening.execute(f"listen {CHANNEL}")
        await town.api("POST", "/api/applications/guichet/deploy")
        async with asyncio.timeout(scaled(20)):
            async for _ in listening.notifies():
                newest = await reading.execute("select kind from kernel.log order by seq desc")
                if await newest.fetchone() == ("hosting.deployment_serving",):
                    return


async def test_a_deploy_killed_while_it_fetches_is_done_by_the_next_start(
    guichet: Guichet,
) -> None:
    filler = guichet.town.source("guichet") / "archives"
    filler.mkdir()
    for number in range(_FILES_TO_COPY):
        (filler / str(number)).write_text("page")
    guichet.renew()
    await guichet.redeclare()
    assert await comes_true(lambda: guichet.is_at("fetching the source"))

    await kill_and_start_again(guichet, served_meanwhile=guichet.edition - 1)
    for path in filler.iterdir():
        path.unlink()
    filler.rmdir()


@pytest.mark.parametrize("phase", ["build", "prepare"])
async def test_a_deploy_killed_during_a_command_is_done_by_the_next_start(
    guichet: Guichet, phase: str
) -> None:
    guichet.renew()
    await guichet.redeclare(**{phase: [_NAP]})
    assert await comes_true(lambda: guichet.is_at(_NAP))

    await kill_and_start_again(guichet, served_meanwhile=guichet.edition - 1)


async def test_a_deploy_killed_before_the_switch_is_done_by_the_next_start(
    guichet: Guichet,
) -> None:
    guichet.renew(mood="late")
    await guichet.redeclare()
    assert await comes_true(lambda: guichet.is_at("starting"))

    await kill_and_start_again(guichet, served_meanwhile=guichet.edition - 1)


async def test_a_deploy_that_a_person_asked_for_is_done_by_the_next_start(
    guichet: Guichet,
) -> None:
    guichet.renew(mood="late")
    await guichet.town.api("POST", "/api/applications/guichet/deploy")
    assert await comes_true(lambda: guichet.is_at("starting"))

    await kill_and_start_again(guichet, served_meanwhile=guichet.edition - 1)


async def test_a_deploy_killed_between_commit_and_switch_serves_the_new_at_the_next_start(
    guichet: Guichet,
) -> None:
    """The crash is put where it hurts: what was committed is not yet what visitors reach."""
    town = guichet.town
    link = town.places.targets / "guichet"
    before = link.readlink()
    guichet.renew()
    await deploy_until_committed(town)
    await town.kill()
    link.unlink()
    link.symlink_to(before)

    assert await guichet.says(guichet.edition - 1)
    await town.begin()
    assert await comes_true(guichet.has_settled, within_s=20)


async def test_a_deploy_killed_while_the_old_drains_leaves_only_the_new(
    guichet: Guichet,
) -> None:
    guichet.renew()
    await guichet.town.api("POST", "/api/applications/guichet/deploy")
    assert await comes_true(lambda: guichet.says(guichet.edition))

    await kill_and_start_again(guichet, served_meanwhile=guichet.edition)
