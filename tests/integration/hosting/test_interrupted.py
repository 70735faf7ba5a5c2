"""Deployments cut short: nothing half done stays, and the next start goes on from there."""

import asyncio
import contextlib
from pathlib import Path

import msgspec
import pytest

from beffroi.hosting.model import Act, DeploymentState
from beffroi.kernel.operations import Operations, Progress
from beffroi.territory.model import Application
from tests.integration.hosting.stage import OPERATOR, Sources, Stage
from tests.support.processes import pids_running
from tests.support.programs import kill_program, program, told
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")
HELPER = "tests.integration.hosting.programs.deployer"


async def cancelled_once(stage: Stage, application: Application, unit: str) -> None:
    """Deploy, and cancel as soon as a unit runs."""
    stage.declare(application)
    operation = await stage.operations.carry_out(
        OPERATOR, "test.begin", application.name, "lomme", _nothing
    )
    progress = Progress(stage.database, operation.id)
    deploying = asyncio.create_task(stage.deployer.deploy(OPERATOR, application, progress))
    await eventually(lambda: unit in stage.units(application) or deploying.done())
    deploying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deploying


async def _nothing(progress: Progress) -> str:  # noqa: ARG001 - the signature of work
    return ""


async def test_a_deployment_cancelled_while_it_starts_is_marked_and_leaves_nothing(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("cut-start", start="sleep 300.8301")
    await cancelled_once(stage, application, "cut-start.1")
    (only,) = await stage.deployments("cut-start")
    assert only.state is DeploymentState.FAILED
    assert "stopped before the end" in only.reason
    assert stage.units(application) == []
    assert not pids_running("300.8301")
    assert not (stage.places.instances / "cut-start.1").exists()
    assert not stage.deployer.instances.busy("cut-start")


async def test_a_preparation_that_is_cancelled_leaves_nothing(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("cut-prepare", prepare=("sleep 300.8302",))
    await cancelled_once(stage, application, "cut-prepare.1.prepare")
    assert stage.units(application) == []
    assert not pids_running("300.8302")
    assert not stage.places.process_folder("cut-prepare.1.prepare").exists()


async def test_a_build_that_is_cancelled_leaves_nothing(stage: Stage, sources: Sources) -> None:
    application = sources.serving("cut-build", build=("sleep 300.8303",))
    await cancelled_once(stage, application, "cut-build.build")
    assert await stage.deployments("cut-build") == []
    assert stage.units(application) == []
    assert not pids_running("300.8303")
    assert not list(stage.places.builds.iterdir())
    assert not (stage.places.releases / "cut-build").exists()


async def test_a_change_that_was_cancelled_is_deployed_after_all(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("cut-change")
    await stage.deploy(application)
    changed = msgspec.structs.replace(
        application, environment={"COLOUR": "red", "STARTS_AFTER_S": "0.3"}
    )
    await cancelled_once(stage, changed, "cut-change.2")
    assert await stage.page(application) == "one"
    assert [step.act for step in await stage.next_steps("cut-change")] == [Act.DEPLOY]
    await stage.settle("cut-change")
    seen = await stage.tries(application, "import os; answer = os.environ['COLOUR']")
    assert seen == "red"


@pytest.mark.parametrize(
    ("during", "unit"),
    [
        ({"build": ("sleep 1.5",)}, "build"),
        ({"prepare": ("sleep 1.5",)}, "2.prepare"),
        ({"environment": {"STARTS_AFTER_S": "1.5"}}, "2"),
    ],
    ids=["build", "prepare", "start"],
)
async def test_after_a_platform_was_killed_the_next_one_converges(
    stage: Stage, sources: Sources, tmp_path: Path, during: dict[str, object], unit: str
) -> None:
    name = f"killed-in-{unit.replace('.', '-')}"
    application = sources.serving(name)
    await stage.deploy(application)
    changed = msgspec.structs.replace(application, **during)
    stage.declare(changed)
    await _killed_while(stage, changed, f"{name}.{unit}", tmp_path)
    assert await stage.page(application) == "one"
    await stage.deployer.settle_interrupted()
    assert not list(stage.places.builds.glob("*"))
    done = await stage.settle(name)
    assert any(line.startswith("deploy") for line in done)
    newest = (await stage.deployments(name))[-1]
    assert newest.state is DeploymentState.SERVING
    assert newest.specification == changed
    await eventually(lambda: stage.units(changed) == [newest.unit])
    assert await stage.page(changed) == "one"


async def _killed_while(stage: Stage, application: Application, unit: str, base: Path) -> None:
    """Deploy in a process of its own, and kill that one without warning."""
    wish = base / "wish.json"
    wish.write_bytes(msgspec.json.encode(application))
    arguments = (str(stage.places.data), stage.database.url.reveal(), str(wish))
    async with program(HELPER, *arguments) as helper:
        assert await told(helper) == "deploying"
        await eventually(lambda: unit in stage.units(application), within_s=15)
        await kill_program(helper)


async def test_a_first_deployment_that_was_killed_is_started_over(
    stage: Stage, sources: Sources, tmp_path: Path
) -> None:
    application = sources.serving("killed-first", environment={"STARTS_AFTER_S": "1.5"})
    stage.declare(application)
    await _killed_while(stage, application, "killed-first.1", tmp_path)
    await stage.deployer.settle_interrupted()
    done = [line.split(":")[0] for line in await stage.settle("killed-first")]
    assert done == ["reap", "deploy"]
    states = [one.state for one in await stage.deployments("killed-first")]
    assert states == [DeploymentState.FAILED, DeploymentState.SERVING]
    assert await stage.page(application) == "one"


async def test_what_a_killed_platform_left_serving_is_taken_over(
    stage: Stage, sources: Sources, tmp_path: Path
) -> None:
    application = sources.serving("outlives")
    wish = tmp_path / "wish.json"
    wish.write_bytes(msgspec.json.encode(stage.declare(application)))
    arguments = (str(stage.places.data), stage.database.url.reveal(), str(wish))
    async with program(HELPER, *arguments) as helper:
        assert await told(helper) == "deploying"
        assert (await told(helper)).startswith("Deployment 1 serves")
        await kill_program(helper)
    await stage.deployer.settle_interrupted()
    assert await stage.settle("outlives") == []
    assert stage.traffic.folders["outlives"] == stage.places.instances / "outlives.1"
    assert await stage.page(application) == "one"
    with contextlib.suppress(Exception):
        await stage.get(application, "/exit?3")
    await eventually(lambda: stage.units(application) == [])
    assert await stage.settle("outlives") == ["restart: instance outlives.1 was started again"]
    assert await stage.page(application) == "one"


async def test_traffic_left_behind_by_a_kill_is_led_again(stage: Stage, sources: Sources) -> None:
    application = sources.serving("left-behind")
    site = sources.static("left-site", {"index.html": "one"})
    stopped = sources.static("left-stopped", {"index.html": "one"})
    for one in (application, site, stopped):
        await stage.deploy(one)
    await stage.ended(await stage.hosting.stop(OPERATOR, "left-stopped"))
    led = dict(stage.traffic.folders)
    for name in led:
        stage.traffic.folders[name] = stage.places.instances / "elsewhere"
    await stage.deployer.settle_interrupted()
    names = ("left-behind", "left-site", "left-stopped")
    assert {name: stage.traffic.folders[name] for name in names} == {
        name: led[name] for name in names
    }


async def test_operations_that_were_cut_are_closed(stage: Stage, sources: Sources) -> None:
    application = stage.declare(sources.serving("cut-operation", start="sleep 300.8304"))
    operations = Operations(stage.database, stage.clock)

    async def work(progress: Progress) -> str:
        return await stage.deployer.deploy(OPERATOR, application, progress)

    begun = await operations.launch(OPERATOR, "hosting.deploy", application.name, "lomme", work)
    await eventually(lambda: stage.units(application) == ["cut-operation.1"])
    await operations.close()
    ended = await stage.operations.get(begun.id, OPERATOR)
    assert ended.state == "interrupted"
    assert stage.units(application) == []
