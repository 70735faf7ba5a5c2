"""Releases that cannot serve: the one before still does, and the reason is told."""

from collections.abc import Mapping

import msgspec
import pytest

from beffroi.hosting.model import Act, ApplicationState, DeploymentState
from beffroi.kernel.operations import Operation, OperationState
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.units import MIB
from beffroi.territory.model import Application, HealthCheck, Limits
from tests.integration.hosting.stage import OPERATOR, PYTHON, Sources, Stage
from tests.support.processes import pids_running
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.usefixtures("tidied")

SOON = HealthCheck(within_s=int(scaled(1)))
COUNTS_TOGETHER = best_limiter("tests").capabilities.whole_unit


async def failing(
    stage: Stage, application: Application, changes: Mapping[str, object]
) -> Operation:
    """Deploy a good release, then one that fails; the first must serve on."""
    assert (await stage.deploy(application)).state is OperationState.SUCCEEDED
    ended = await stage.deploy(msgspec.structs.replace(application, **changes))
    assert ended.state is OperationState.FAILED
    assert await stage.page(application) == "one"
    first, second = await stage.deployments(application.name)
    assert (first.state, second.state) == (DeploymentState.SERVING, DeploymentState.FAILED)
    assert second.reason == ended.outcome
    assert stage.units(application) == [first.unit]
    assert not (stage.places.instances / second.unit).exists()
    return ended


async def test_one_that_never_listens(stage: Stage, sources: Sources) -> None:
    application = sources.serving("never-listens")
    changes = {"start": "sleep 300.8101", "health": SOON}
    ended = await failing(stage, application, changes)
    assert ended.error_code == "hosting.never_healthy"
    assert "no answer" in ended.outcome
    assert not pids_running("300.8101")


async def test_one_that_answers_500(stage: Stage, sources: Sources) -> None:
    application = sources.serving("answers-500")
    ended = await failing(stage, application, {"environment": {"STATUS": "500"}, "health": SOON})
    assert ended.error_code == "hosting.never_healthy"
    assert "/ gave 500" in ended.outcome
    assert "answered 500" in ended.outcome


async def test_one_that_ends(stage: Stage, sources: Sources) -> None:
    application = sources.serving("ends")
    ended = await failing(stage, application, {"start": "echo no configuration; exit 3"})
    assert ended.error_code == "hosting.ended"
    assert "status 3" in ended.outcome
    assert "no configuration" in ended.outcome


async def test_one_whose_program_is_missing(stage: Stage, sources: Sources) -> None:
    application = sources.serving("missing-program")
    ended = await failing(stage, application, {"start": "serve-nothing --now"})
    assert ended.error_code == "hosting.ended"
    assert "serve-nothing" in ended.outcome


async def test_one_whose_preparation_fails(stage: Stage, sources: Sources) -> None:
    application = sources.serving("unprepared")
    commands = ("echo first", "echo no such table; exit 4")
    ended = await failing(stage, application, {"prepare": commands})
    assert ended.error_code == "hosting.ended"
    assert "status 4" in ended.outcome
    assert "no such table" in ended.outcome


@pytest.mark.skipif(not COUNTS_TOGETHER, reason="only control groups tell of memory kills")
async def test_one_that_takes_too_much_memory(stage: Stage, sources: Sources) -> None:
    application = sources.serving("greedy")
    greedy = f"{PYTHON} -c 'block = bytearray(300 * 1024 * 1024)'"
    ended = await failing(stage, application, {"start": greedy, "limits": Limits(memory_mib=48)})
    assert ended.error_code == "hosting.out_of_memory"
    assert "48.0 MiB" in ended.outcome
    assert "limits.memory_mib" in ended.outcome


async def test_one_that_puts_a_link_in_its_sockets_place(stage: Stage, sources: Sources) -> None:
    application = sources.serving("sly")
    private = stage.places.data / "private"
    private.write_text("ours")
    private.chmod(0o600)
    start = f"ln -s {private} $SOCKET; sleep 300.8102"
    ended = await failing(stage, application, {"start": start, "health": SOON})
    assert ended.error_code == "hosting.never_healthy"
    assert private.stat().st_mode & 0o777 == 0o600


async def test_one_whose_build_fails(stage: Stage, sources: Sources) -> None:
    application = sources.serving("unbuilt")
    build = ("echo compiling", "echo main.c: no such file; exit 2")
    assert (await stage.deploy(application)).state is OperationState.SUCCEEDED
    ended = await stage.deploy(msgspec.structs.replace(application, build=build))
    assert ended.error_code == "hosting.build_failed"
    assert "status 2" in ended.outcome
    assert "main.c: no such file" in ended.outcome
    assert await stage.page(application) == "one"
    assert len(await stage.deployments("unbuilt")) == 1
    assert not list(stage.places.builds.iterdir())


async def test_the_lines_told_are_those_of_the_command_that_failed(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("tells", build=("echo an earlier failure; exit 1",))
    await stage.deploy(application)
    changed = msgspec.structs.replace(application, build=("echo today; exit 1",))
    ended = await stage.deploy(changed)
    assert "today" in ended.outcome
    assert "an earlier failure" not in ended.outcome


async def test_a_source_that_is_gone_is_told(stage: Stage, sources: Sources) -> None:
    application = sources.serving("gone")
    source = msgspec.structs.replace(application.source, folder="/nonexistent/gone")
    ended = await stage.deploy(msgspec.structs.replace(application, source=source))
    assert ended.error_code == "hosting.source_missing"
    assert not list(stage.places.builds.iterdir())


async def test_a_subfolder_that_is_a_link_to_the_outside_is_refused(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("outside")
    (stage.places.data / "other").mkdir()
    folder = sources.base / "outside"
    (folder / "inside").symlink_to(stage.places.data / "other")
    source = msgspec.structs.replace(application.source, subfolder="inside")
    ended = await stage.deploy(msgspec.structs.replace(application, source=source))
    assert ended.state is OperationState.FAILED
    assert ended.error_code == "hosting.link_escapes"


async def test_a_public_folder_that_the_build_links_to_the_outside_is_refused(
    stage: Stage, sources: Sources
) -> None:
    site = sources.static("sly-site", {"index.html": "x"})
    for target in ("/", str(stage.places.releases)):
        build = ("rm -rf public", f"ln -s {target} public")
        ended = await stage.deploy(msgspec.structs.replace(site, public="public", build=build))
        assert ended.state is OperationState.FAILED
        assert ended.error_code in ("hosting.link_escapes", "hosting.public_missing")
        assert "sly-site" not in stage.traffic.folders


async def test_a_site_whose_links_stay_inside_serves_what_they_lead_to(
    stage: Stage, sources: Sources
) -> None:
    site = sources.static("linked", {"pages/home.html": "home"})
    (sources.base / "linked" / "index.html").symlink_to("pages/home.html")
    ended = await stage.deploy(site)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    folder = stage.traffic.folders["linked"]
    assert folder is not None
    assert (folder / "www" / "index.html").read_text() == "home"


@pytest.mark.parametrize("target", ["missing", "loop", "..", "."])
async def test_a_link_of_a_site_that_cannot_be_served_is_left_out(
    stage: Stage, sources: Sources, target: str
) -> None:
    site = sources.static("dangling", {"pages/home.html": "home"})
    (sources.base / "dangling" / "pages" / "loop").symlink_to(target)
    ended = await stage.deploy(site)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    folder = stage.traffic.folders["dangling"]
    assert folder is not None
    assert [path.name for path in (folder / "www" / "pages").iterdir()] == ["home.html"]


async def test_a_first_deployment_that_fails_is_shown_as_failed_and_tried_again(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("first-fails", start="exit 3; true")
    await stage.deploy(application)
    shown = await stage.hosting.application(OPERATOR, "first-fails")
    assert shown.state is ApplicationState.FAILED
    assert shown.newest is not None
    assert [step.act for step in await stage.next_steps("first-fails")] == [Act.DEPLOY]


async def test_a_failed_change_is_not_tried_again_by_itself(stage: Stage, sources: Sources) -> None:
    application = sources.serving("fails-once")
    await failing(stage, application, {"start": "exit 3; true"})
    assert await stage.next_steps("fails-once") == []


async def test_memory_that_a_serving_release_takes_is_bounded(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("bounded", limits=Limits(memory_mib=64))
    await stage.deploy(application)
    shown = await eventually(lambda: stage.runtime.usage("bounded.1"))
    assert shown is not None
    assert 0 < shown.memory_bytes <= 64 * MIB
