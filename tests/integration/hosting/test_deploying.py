"""Releases put into service: healthy ones take over, others change nothing."""

import asyncio

import msgspec
import pytest

from beffroi.hosting.environments import SOCKET
from beffroi.hosting.model import ApplicationState, DeploymentState
from beffroi.kernel.operations import OperationState
from beffroi.territory.model import ApplicationKind, Listening
from tests.integration.hosting.stage import OPERATOR, Sources, Stage
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")


async def test_files_are_served_from_a_release_that_nobody_writes(
    stage: Stage, sources: Sources
) -> None:
    site = sources.static("site", {"public/index.html": "<h1>one", "notes.txt": "ours"})
    site = msgspec.structs.replace(site, public="public")
    ended = await stage.deploy(site)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    folder = stage.traffic.folders["site"]
    assert folder is not None
    assert (folder / "www" / "index.html").read_text() == "<h1>one"
    assert [path.name for path in (folder / "www").iterdir()] == ["index.html"]
    assert (folder / "www" / "index.html").stat().st_mode & 0o777 == 0o444
    assert stage.units(site) == []


async def test_a_command_serves_once_it_is_healthy(stage: Stage, sources: Sources) -> None:
    application = sources.serving("command", environment={"STARTS_AFTER_S": "0.3"})
    ended = await stage.deploy(application)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert await stage.page(application) == "one"
    shown = await stage.hosting.application(OPERATOR, "command")
    assert shown.state is ApplicationState.SERVING
    assert shown.usage is not None
    assert shown.usage.memory_bytes > 0
    assert stage.units(application) == ["command.1"]


async def test_a_command_that_listens_on_a_port_is_reached_by_its_socket(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("on-a-port", listens=Listening.PORT)
    ended = await stage.deploy(application)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    pages = await asyncio.gather(*(stage.page(application) for _ in range(20)))
    assert pages == ["one"] * 20


async def test_a_python_application_is_served_by_granian(stage: Stage, sources: Sources) -> None:
    text = """
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"bonjour"})
"""
    source = sources.write("granian", {"site.py": "", "pages.py": text})
    application = sources.serving("granian")
    application = msgspec.structs.replace(
        application,
        kind=ApplicationKind.PYTHON,
        source=source,
        start="",
        entry="pages:application",
        interface="asgi",
    )
    ended = await stage.deploy(msgspec.convert(msgspec.to_builtins(application), type(application)))
    if "build_failed" in ended.error_code and "dns error" in ended.outcome:
        pytest.skip("the package index cannot be reached from this machine")
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert await stage.page(application) == "bonjour"


async def test_a_new_release_takes_over_only_when_it_is_healthy(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("takeover")
    await stage.deploy(application)
    sources.write("takeover", {"version": "two"})
    slower = msgspec.structs.replace(application, environment={"STARTS_AFTER_S": "0.5"})
    deploying = asyncio.create_task(stage.deploy(slower))
    await eventually(lambda: "takeover.2" in stage.units(application))
    assert await stage.page(application) == "one"
    await deploying
    assert await stage.page(application) == "two"
    await eventually(lambda: stage.units(application) == ["takeover.2"])
    states = [one.state for one in await stage.deployments("takeover")]
    assert states == [DeploymentState.RETIRED, DeploymentState.SERVING]


async def test_an_answer_under_way_is_finished_by_the_release_that_drains(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("drained")
    await stage.deploy(application)
    slow = asyncio.create_task(stage.get(application, "/slow?s=1.5"))
    await eventually(lambda: stage.runtime.open_connections("drained.1", SOCKET) > 0)
    sources.write("drained", {"version": "two"})
    await stage.deploy(application)
    assert await stage.page(application) == "two"
    assert not slow.done()
    answer = await slow
    assert (answer.status_code, answer.text.strip()) == (200, "one")
    await eventually(lambda: stage.units(application) == ["drained.2"])
    assert not (stage.places.instances / "drained.1").exists()
