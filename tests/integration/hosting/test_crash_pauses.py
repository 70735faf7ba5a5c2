"""Crash after crash: the pauses grow, and planned ends are no crashes."""

import asyncio
from functools import partial

import pytest

from beffroi.hosting.model import Act
from beffroi.territory.model import Application
from tests.integration.hosting.stage import Sources, Stage
from tests.support.clocks import ManualClock
from tests.support.waiting import eventually


async def crash(stage: Stage, application: Application) -> None:
    """End the instance by itself, as seen by the controller."""
    await stage.next_steps(application.name)
    ended: list[str] = []
    stage.controller.on_exit = lambda: ended.append("noted")
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the cut connection gives
        await stage.get(application, "/exit?3")
    await eventually(lambda: ended)


def _runs(stage: Stage, application: Application, unit: str) -> bool:
    return unit in stage.units(application)


async def acts(stage: Stage, application: Application) -> list[Act]:
    return [step.act for step in await stage.next_steps(application.name)]


async def test_pauses_grow_with_each_crash_and_are_forgotten_after_ten_calm_minutes(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = sources.serving("loops")
    await held.deploy(application)
    for pause_s in (0, 1, 2, 4):
        await crash(held, application)
        if pause_s:
            assert await acts(held, application) == []
            clock.move(pause_s - 0.1)
            assert await acts(held, application) == []
            clock.move(0.2)
        assert await acts(held, application) == [Act.RESTART]
        await held.settle("loops")
        assert await held.page(application) == "one"
    clock.move(601)
    await crash(held, application)
    assert await acts(held, application) == [Act.RESTART]


async def test_what_was_ended_on_purpose_is_no_crash(held: Stage, sources: Sources) -> None:
    application = sources.serving("replaced")
    for version in ("one", "two", "three", "four"):
        sources.write("replaced", {"version": version})
        await held.deploy(application)
        await eventually(lambda: len(held.units(application)) == 1)
        await held.next_steps("replaced")
    await crash(held, application)
    assert await acts(held, application) == [Act.RESTART]


async def test_a_release_that_was_never_healthy_does_not_make_the_serving_one_wait(
    held: Stage, sources: Sources
) -> None:
    application = sources.serving("innocent")
    await held.deploy(application)
    for number in (2, 3, 4):
        sick = sources.serving("innocent", start=f"sleep 0.5; exit {number}")
        deploying = asyncio.create_task(held.deploy(sick))
        unit = f"innocent.{number}"
        await eventually(partial(_runs, held, application, unit))
        await held.next_steps("innocent")
        await deploying
    await crash(held, application)
    assert await acts(held, application) == [Act.RESTART]


async def _look(stage: Stage, clock: ManualClock, application: Application) -> list[Act]:
    clock.move(26)
    return await acts(stage, application)


async def test_an_instance_that_stays_unhealthy_is_started_again(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = sources.serving("unwell")
    await held.deploy(application)
    assert await _look(held, clock, application) == []
    await held.tries(application, "import os; os.environ['STATUS'] = '500'")
    assert [await _look(held, clock, application) for _ in range(3)] == [[], [], [Act.RESTART]]
    await held.settle("unwell")
    assert await held.page(application) == "one"
    assert await _look(held, clock, application) == []


async def test_one_bad_look_among_good_ones_changes_nothing(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = sources.serving("moody")
    await held.deploy(application)
    for status in ("500", "500", "200", "500", "500", "200"):
        await held.tries(application, f"import os; os.environ['STATUS'] = '{status}'")
        assert await _look(held, clock, application) == []


async def test_a_new_deployment_starts_with_a_clean_record(
    held: Stage, clock: ManualClock, sources: Sources
) -> None:
    application = sources.serving("cured")
    await held.deploy(application)
    await held.tries(application, "import os; os.environ['STATUS'] = '500'")
    for _ in range(3):
        await _look(held, clock, application)
    sources.write("cured", {"version": "two"})
    await held.deploy(application)
    assert await acts(held, application) == []


async def test_a_log_that_grew_large_is_started_anew(held: Stage, sources: Sources) -> None:
    application = sources.serving("talks")
    await held.deploy(application)
    await held.tries(application, "print('x' * 6_000_000, flush=True)")
    log = held.deployer.launcher.log_path("talks", "application.log")
    assert log.stat().st_size > 6_000_000
    await held.next_steps("talks")
    assert log.stat().st_size < 10_000
    await held.get(application)
    assert log.read_text()
