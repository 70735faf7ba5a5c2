"""Applications that nobody uses rest, and their next visitor wakes them."""

import asyncio
import os
import signal

import msgspec
import pytest

from beffroi.hosting import store
from beffroi.hosting.environments import SOCKET
from beffroi.hosting.model import ApplicationState, Rest
from beffroi.hosting.resting import WakeState
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import ConflictError, FailedError
from beffroi.kernel.operations import OperationState
from beffroi.kernel.processes.launch import found_running
from beffroi.territory.model import Application, Job
from tests.integration.hosting.stage import ASIDE, OPERATOR, START, Sources, Stage
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.usefixtures("tidied")


async def rest_of(stage: Stage, name: str) -> Rest:
    async with stage.database.transaction(EVERYTHING) as connection:
        return (await store.records(connection))[name].rest


async def starts(stage: Stage, name: str) -> int:
    lines = await stage.hosting.log_lines(OPERATOR, name, "application", 1000)
    return sum(line.startswith("starting") for line in lines)


def kill_instance(stage: Stage, unit: str) -> None:
    """Kill the launched process of an instance, as the machine might."""
    process = found_running(unit, stage.places.process_folder(unit))
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


async def begin_slow(stage: Stage, application: Application, seconds: float) -> asyncio.Task[int]:
    """Begin a visit that lasts."""

    async def visit() -> int:
        return (await stage.get(application, f"/slow?s={seconds}")).status_code

    task = asyncio.create_task(visit())
    (unit,) = stage.units(application)
    await eventually(lambda: stage.runtime.open_connections(unit, SOCKET))
    return task


async def shown_state(stage: Stage, name: str) -> ApplicationState:
    return (await stage.hosting.application(OPERATOR, name)).state


async def test_a_frozen_application_is_woken_once_by_twenty_visitors(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("thawed")
    await stage.deploy(application)
    await stage.deployer.resting.freeze("thawed")
    assert stage.runtime.is_frozen("thawed.1")
    assert stage.traffic.folders["thawed"] == ASIDE
    assert await rest_of(stage, "thawed") is Rest.FROZEN
    assert await shown_state(stage, "thawed") is ApplicationState.FROZEN
    assert await stage.next_steps("thawed") == []
    before = len(stage.traffic.changes)
    woken = await asyncio.gather(*(stage.deployer.resting.wake("thawed") for _ in range(20)))
    assert {one.state for one in woken} == {WakeState.AWAKE}
    assert len(stage.traffic.changes) == before + 1
    assert await stage.page(application) == "one"
    assert await starts(stage, "thawed") == 1
    assert await rest_of(stage, "thawed") is Rest.AWAKE
    assert await shown_state(stage, "thawed") is ApplicationState.SERVING


async def test_a_thaw_and_its_answer_take_less_than_a_tenth_of_a_second(
    stage: Stage, sources: Sources
) -> None:
    application, clock = sources.serving("quick"), SystemClock()
    await stage.deploy(application)
    took_s = []
    for _ in range(7):
        await stage.deployer.resting.freeze("quick")
        began_s = clock.monotonic_s()
        await stage.deployer.resting.wake("quick")
        assert await stage.page(application) == "one"
        took_s.append(clock.monotonic_s() - began_s)
    # The best of seven: what the platform itself takes, whatever else the machine does.
    assert min(took_s) < scaled(0.1)


async def test_an_application_asleep_takes_nothing_and_its_visitor_starts_it(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("sleeps")
    await stage.deploy(application)
    await stage.deployer.resting.sleep("sleeps")
    assert stage.units(application) == []
    assert stage.traffic.folders["sleeps"] == ASIDE
    assert await shown_state(stage, "sleeps") is ApplicationState.ASLEEP
    assert await stage.next_steps("sleeps") == []
    woken = await asyncio.gather(*(stage.deployer.resting.wake("sleeps") for _ in range(20)))
    assert {one.state for one in woken} == {WakeState.AWAKE}
    assert await starts(stage, "sleeps") == 2
    assert await stage.page(application) == "one"
    assert len(await stage.deployments("sleeps")) == 1


async def test_a_frozen_application_whose_process_was_killed_is_started(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("killed")
    await stage.deploy(application)
    await stage.deployer.resting.freeze("killed")
    kill_instance(stage, "killed.1")
    assert (await stage.deployer.resting.wake("killed")).state is WakeState.AWAKE
    assert await stage.page(application) == "one"
    assert await starts(stage, "killed") == 2


async def test_what_is_in_use_is_not_put_to_rest_and_loses_no_visitor(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("in-use")
    await stage.deploy(application)
    visit = await begin_slow(stage, application, 5)
    for verb in (stage.deployer.resting.sleep, stage.deployer.resting.freeze):
        with pytest.raises(ConflictError, match="in use"):
            await verb("in-use")
        assert stage.traffic.folders["in-use"] == stage.places.instances / "in-use.1"
    assert await visit == 200
    assert await rest_of(stage, "in-use") is Rest.AWAKE
    assert stage.deployer.instances.idle_s("in-use") < scaled(10)


async def test_a_visit_that_ends_soon_is_waited_for(stage: Stage, sources: Sources) -> None:
    application = sources.serving("ends-soon")
    await stage.deploy(application)
    visit = await begin_slow(stage, application, 0.5)
    await stage.deployer.resting.sleep("ends-soon")
    assert await visit == 200
    assert stage.units(application) == []


async def test_what_runs_a_job_is_not_put_to_rest(stage: Stage, sources: Sources) -> None:
    tidy = Job(name="tidy", schedule="0 3 * * *", command="sleep 300.8601")
    await stage.deploy(sources.serving("at-work", jobs={"tidy": tidy}))
    (deployment,) = await stage.deployments("at-work")
    job = asyncio.create_task(stage.deployer.run_job(deployment, "tidy"))
    await eventually(lambda: "at-work" in stage.deployer.instances.with_tasks())
    with pytest.raises(ConflictError, match="job"):
        await stage.deployer.resting.sleep("at-work")
    assert stage.traffic.folders["at-work"] != ASIDE
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    await stage.deployer.resting.sleep("at-work")
    assert await rest_of(stage, "at-work") is Rest.ASLEEP


async def test_a_wake_that_fails_tells_why_and_leaves_it_asleep(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("broken", volumes=("state",))
    start = f"if [ -e /volumes/state/sick ]; then echo no engine; exit 3; else {START}; fi"
    application = msgspec.structs.replace(application, start=start)
    await stage.deploy(application)
    await stage.tries(application, "open('/volumes/state/sick', 'w').close()")
    await stage.deployer.resting.sleep("broken")
    for _ in range(2):
        with pytest.raises(FailedError, match="no engine"):
            await stage.deployer.resting.wake("broken")
    shown = await stage.hosting.application(OPERATOR, "broken")
    assert shown.state is ApplicationState.ASLEEP
    assert "no engine" in shown.rest_reason
    with pytest.raises(FailedError, match=r"tried again in \d+ s"):
        await stage.deployer.resting.wake("broken")
    assert stage.units(application) == []
    assert await stage.next_steps("broken") == []
    await stage.deploy(msgspec.structs.replace(application, start=START))
    assert await stage.page(application) == "one"
    assert (await stage.hosting.application(OPERATOR, "broken")).rest_reason == ""


async def test_a_wake_waits_for_the_freeze_under_way_or_cuts_it_short(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("both-ways")
    await stage.deploy(application)
    for pause_s in (0, 0.05, 0.15, 0.25, 0.3, 0.32, 0.4):
        freezing = asyncio.create_task(stage.deployer.resting.freeze("both-ways"))
        await asyncio.sleep(pause_s)
        assert (await stage.deployer.resting.wake("both-ways")).state is WakeState.AWAKE
        assert await stage.page(application) == "one"
        await asyncio.gather(freezing, return_exceptions=True)
        await stage.deployer.resting.wake("both-ways")
        assert await stage.page(application) == "one"
    assert await starts(stage, "both-ways") == 1


async def test_whoever_leaves_does_not_stop_the_wake(stage: Stage, sources: Sources) -> None:
    application = sources.serving("left", environment={"STARTS_AFTER_S": "0.4"})
    await stage.deploy(application)
    await stage.deployer.resting.sleep("left")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await stage.deployer.resting.wake("left")
    await eventually(lambda: stage.traffic.folders["left"] != ASIDE, within_s=10)
    assert await stage.page(application) == "one"


async def test_a_stopped_application_is_not_woken(stage: Stage, sources: Sources) -> None:
    await stage.deploy(sources.serving("by-hand"))
    await stage.ended(await stage.hosting.stop(OPERATOR, "by-hand"))
    assert (await stage.deployer.resting.wake("by-hand")).state is WakeState.STOPPED
    with pytest.raises(ConflictError, match="stopped"):
        await stage.deployer.resting.sleep("by-hand")
    ended = await stage.ended(await stage.hosting.wake(OPERATOR, "by-hand"))
    assert ended.error_code == "hosting.stopped_already"


async def test_files_have_nothing_that_could_sleep(stage: Stage, sources: Sources) -> None:
    await stage.deploy(sources.static("leaflet", {"index.html": "one"}))
    ended = await stage.ended(await stage.hosting.rest(OPERATOR, "leaflet"))
    assert ended.error_code == "hosting.nothing_to_rest"
    assert (await stage.deployer.resting.wake("leaflet")).state is WakeState.AWAKE


async def test_people_put_to_sleep_and_wake(stage: Stage, sources: Sources) -> None:
    application = sources.serving("by-people")
    await stage.deploy(application)
    for _ in range(2):
        ended = await stage.ended(await stage.hosting.rest(OPERATOR, "by-people"))
        assert ended.state is OperationState.SUCCEEDED, ended.outcome
        assert await shown_state(stage, "by-people") is ApplicationState.ASLEEP
    ended = await stage.ended(await stage.hosting.wake(OPERATOR, "by-people"))
    assert "Awake after" in ended.outcome
    assert await stage.page(application) == "one"


@pytest.mark.parametrize("rest", [Rest.FROZEN, Rest.ASLEEP])
async def test_what_rests_can_be_changed_as_if_it_were_awake(
    stage: Stage, sources: Sources, rest: Rest
) -> None:
    name = f"changed-{rest}"
    application = sources.serving(name)
    resting = stage.deployer.resting
    put = resting.freeze if rest is Rest.FROZEN else resting.sleep
    await stage.deploy(application)
    sources.write(name, {"version": "two"})

    await put(name)
    await stage.deploy(application)
    await _assert_awake(stage, application, "two")

    await put(name)
    await stage.ended(await stage.hosting.roll_back(OPERATOR, name))
    await _assert_awake(stage, application, "one")

    await put(name)
    await stage.ended(await stage.hosting.restart(OPERATOR, name))
    await _assert_awake(stage, application, "one")

    await put(name)
    await stage.ended(await stage.hosting.start(OPERATOR, name))
    await _assert_awake(stage, application, "one")

    await put(name)
    await stage.ended(await stage.hosting.stop(OPERATOR, name))
    assert stage.units(application) == []
    assert await shown_state(stage, name) is ApplicationState.STOPPED
    await stage.ended(await stage.hosting.start(OPERATOR, name))
    await _assert_awake(stage, application, "one")

    await put(name)
    del stage.wanted.held[name]
    await stage.settle(name)
    assert stage.units(application) == []
    assert name not in stage.traffic.folders


async def _assert_awake(stage: Stage, application: Application, page: str) -> None:
    assert await stage.page(application) == page
    assert await rest_of(stage, application.name) is Rest.AWAKE
    await eventually(lambda: len(stage.units(application)) == 1)
    assert not stage.runtime.is_frozen(stage.units(application)[0])
    assert await shown_state(stage, application.name) is ApplicationState.SERVING


async def test_the_same_source_deployed_again_wakes_what_is_frozen(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("same-again")
    await stage.deploy(application)
    await stage.deployer.resting.freeze("same-again")
    ended = await stage.deploy(application)
    assert "nothing has changed" in ended.outcome
    await _assert_awake(stage, application, "one")
