"""Deploys while visitors keep coming: none of them is turned away."""

import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.e2e.conftest import OpenTown
from tests.e2e.petit_bourg import AGENDA, GUICHET, VITRINE
from tests.support.town import Town, comes_true
from tests.support.visitors import Crowd

_DEPLOYS = 10


@pytest.fixture(scope="module")
async def town(open_town: OpenTown) -> AsyncIterator[Town]:
    async with open_town("vitrine", "guichet", "agenda") as opened:
        await opened.up()
        yield opened


@pytest.mark.parametrize(
    ("name", "host", "edition"),
    [
        ("agenda", AGENDA, "edition.txt"),
        ("guichet", GUICHET, "edition.txt"),
        ("vitrine", VITRINE, "index.html"),
    ],
)
async def test_no_request_is_lost_during_ten_deploys(
    town: Town, name: str, host: str, edition: str
) -> None:
    crowd = Crowd(town.https_port, host, await town.trust())
    async with crowd.visiting(connections=8):
        for number in range(2, _DEPLOYS + 2):
            town.source(name).joinpath(edition).write_text(f"<p>Edition {number}</p>")
            assert (await town.deploy(name))["state"] == "succeeded"

    assert not crowd.failures
    assert crowd.answered > 500
    assert f"Edition {_DEPLOYS + 1}" in (await town.get(host)).text


async def test_a_slow_answer_of_the_old_release_is_finished_during_a_deploy(town: Town) -> None:
    crowd = Crowd(town.https_port, AGENDA, await town.trust(), path="/slow")
    async with crowd.visiting(connections=4):
        for number in range(50, 53):
            town.source("agenda").joinpath("edition.txt").write_text(str(number))
            assert (await town.deploy("agenda"))["state"] == "succeeded"

    assert not crowd.failures
    assert crowd.answered > 8


async def test_no_request_is_lost_during_restarts_and_roll_backs(town: Town) -> None:
    crowd = Crowd(town.https_port, AGENDA, await town.trust())
    async with crowd.visiting(connections=8):
        for verb in ("restart", "roll-back", "deploy"):
            path = f"/api/applications/agenda/{verb}"
            body: dict[str, int] | None = {} if verb == "roll-back" else None
            assert (await town.ordered(path, body))["state"] == "succeeded"

    assert not crowd.failures


async def test_an_application_that_was_deployed_often_is_started_again_at_once_when_killed(
    town: Town,
) -> None:
    """The ends of the former instances are no crashes: they earn no pause."""
    number = (await town.told("/api/applications/guichet"))["serving"]["number"]
    assert number > _DEPLOYS
    os.kill(town.main_pid(f"guichet.{number}"), signal.SIGKILL)

    assert await comes_true(lambda: answers(town, GUICHET), within_s=4)


async def answers(town: Town, host: str) -> bool:
    """Tell whether a site answers."""
    return (await town.get(host)).status_code == 200
