"""What happens to an application between its first deployment and its withdrawal."""

import asyncio

import msgspec
import pytest

from beffroi.hosting.model import Act, ApplicationState, DeploymentState
from beffroi.kernel.errors import ConflictError, FailedError, NotFoundError
from beffroi.kernel.operations import OperationState
from beffroi.kernel.rights.model import Actor, Role
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import HealthCheck
from tests.integration.hosting.stage import OPERATOR, Sources, Stage
from tests.support.waiting import eventually, scaled

pytestmark = pytest.mark.usefixtures("tidied")

ENVIRONMENT = "import os; answer = dict(os.environ)"
MEMBER = Actor("member", Role.MEMBER, "lomme")
MANAGER = Actor("manager", Role.MANAGER, "lomme")
STRANGER = Actor("stranger", Role.MANAGER, "lille")


async def test_the_same_source_again_is_no_new_deployment(stage: Stage, sources: Sources) -> None:
    application = sources.serving("again")
    await stage.deploy(application)
    ended = await stage.deploy(application)
    assert "nothing has changed" in ended.outcome
    assert len(await stage.deployments("again")) == 1
    assert stage.units(application) == ["again.1"]


async def test_a_changed_source_is_noticed(stage: Stage, sources: Sources) -> None:
    application = sources.serving("noticed")
    await stage.deploy(application)
    assert not await stage.deployer.source_changed(application)
    sources.write("noticed", {"version": "two"})
    assert await stage.deployer.source_changed(application)
    assert not list(stage.places.builds.iterdir())


async def test_another_declaration_is_deployed_without_a_build(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("declared", build=("date +%s%N > built",))
    await stage.deploy(application)
    built = await stage.tries(application, "answer = open('/app/built').read()")
    stage.declare(msgspec.structs.replace(application, environment={"COLOUR": "red"}))
    assert (await stage.settle("declared"))[0].startswith("deploy")
    assert (await stage.tries(application, ENVIRONMENT))["COLOUR"] == "red"
    assert await stage.tries(application, "answer = open('/app/built').read()") == built
    first, second = await stage.deployments("declared")
    assert first.digest == second.digest


async def test_rolling_back_serves_the_release_before(stage: Stage, sources: Sources) -> None:
    application = sources.serving("back")
    for version in ("one", "two"):
        sources.write("back", {"version": version})
        await stage.deploy(application)
    ended = await stage.ended(await stage.hosting.roll_back(OPERATOR, "back"))
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert await stage.page(application) == "one"
    assert await stage.settle("back") == []


async def test_rolling_back_to_a_deployment_takes_its_declaration_too(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("back-to", environment={"COLOUR": "red"})
    await stage.deploy(application)
    await stage.deploy(msgspec.structs.replace(application, environment={"COLOUR": "blue"}))
    await stage.ended(await stage.hosting.roll_back(OPERATOR, "back-to", 1))
    assert (await stage.tries(application, ENVIRONMENT))["COLOUR"] == "red"


async def test_there_is_nothing_before_the_first_release(stage: Stage, sources: Sources) -> None:
    await stage.deploy(sources.serving("first"))
    with pytest.raises(ConflictError, match="no earlier release"):
        await stage.hosting.roll_back(OPERATOR, "first")
    ended = await stage.ended(await stage.hosting.roll_back(OPERATOR, "first", 9))
    assert ended.error_code == "hosting.deployment_unknown"


async def test_the_newest_five_releases_can_be_gone_back_to(stage: Stage, sources: Sources) -> None:
    site = sources.static("many", {"index.html": "0"})
    for version in range(7):
        sources.write("many", {"index.html": str(version)})
        await stage.deploy(site)
    kept = await stage.hosting.releases(OPERATOR, "many")
    assert len(kept) == 5
    folders = [path.name for path in (stage.places.releases / "many").iterdir()]
    assert sorted(folders) == sorted(one.digest for one in kept)
    ended = await stage.ended(await stage.hosting.roll_back(OPERATOR, "many", 1))
    assert ended.error_code == "hosting.release_gone"


async def test_restarting_leaves_no_gap(stage: Stage, sources: Sources) -> None:
    application = sources.serving("restarted")
    await stage.deploy(application)
    pages: list[str] = []

    async def visit() -> None:
        while True:
            pages.append(await stage.page(application))

    visiting = asyncio.create_task(visit())
    ended = await stage.ended(await stage.hosting.restart(OPERATOR, "restarted"))
    await eventually(lambda: stage.units(application) == ["restarted.2"])
    assert not visiting.done(), visiting.exception()
    visiting.cancel()
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert set(pages) == {"one"}


async def test_a_stopped_application_stays_stopped_until_it_is_started(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("paused")
    await stage.deploy(application)
    await stage.ended(await stage.hosting.stop(OPERATOR, "paused"))
    assert stage.units(application) == []
    assert stage.traffic.folders["paused"] is None
    shown = await stage.hosting.application(OPERATOR, "paused")
    assert shown.state is ApplicationState.STOPPED
    stage.declare(msgspec.structs.replace(application, environment={"COLOUR": "red"}))
    assert await stage.settle("paused") == []
    await stage.ended(await stage.hosting.start(OPERATOR, "paused"))
    assert await stage.page(application) == "one"
    await stage.settle("paused")
    assert (await stage.tries(application, ENVIRONMENT))["COLOUR"] == "red"


async def test_starting_what_runs_changes_nothing(stage: Stage, sources: Sources) -> None:
    application = sources.serving("up-already")
    await stage.deploy(application)
    before = stage.runtime.usage("up-already.1")
    ended = await stage.ended(await stage.hosting.start(OPERATOR, "up-already"))
    after = stage.runtime.usage("up-already.1")
    assert ended.state is OperationState.SUCCEEDED
    assert before is not None
    assert after is not None
    assert after.cpu_s >= before.cpu_s
    assert (await _log(stage, "up-already"))[0] == "starting one"
    assert (await _log(stage, "up-already")).count("starting one") == 1


async def _log(stage: Stage, name: str) -> list[str]:
    return list(await stage.hosting.log_lines(OPERATOR, name, "application", 100))


async def test_a_withdrawn_application_leaves_its_files_for_the_day_it_returns(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("returns", volumes=("files",))
    await stage.deploy(application)
    write = "import os; open('/volumes/files/kept', 'w').write('kept'); os.chmod("
    await stage.tries(application, write + "'/volumes/files/kept', 0o600)")
    del stage.wanted.held["returns"]
    await stage.settle("returns")
    assert stage.units(application) == []
    assert "returns" not in stage.traffic.folders
    with pytest.raises(NotFoundError):
        await stage.hosting.application(OPERATOR, "returns")
    stage.declare(application)
    await stage.settle("returns")
    again = "f = open('/volumes/files/kept', 'a+'); f.write('!'); f.seek(0); answer = f.read()"
    assert await stage.tries(application, again) == "kept!"


async def test_secrets_are_drawn_and_put_into_use_by_a_restart(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("secretive", secrets=("TOKEN", "PASSWORD"))
    await stage.deploy(application)
    drawn = await stage.hosting.reveal_secret(OPERATOR, "secretive", "TOKEN")
    seen = await stage.tries(application, ENVIRONMENT)
    assert seen["TOKEN"] == drawn.reveal()
    assert len(seen["TOKEN"]) > 30
    assert seen["PASSWORD"] != seen["TOKEN"]
    await stage.hosting.set_secret(OPERATOR, "secretive", "TOKEN", Secret("ours"))
    assert (await stage.tries(application, ENVIRONMENT))["TOKEN"] == drawn.reveal()
    await stage.ended(await stage.hosting.restart(OPERATOR, "secretive"))
    seen_since = await stage.tries(application, ENVIRONMENT)
    assert (seen_since["TOKEN"], seen_since["PASSWORD"]) == ("ours", seen["PASSWORD"])


async def test_a_secret_asked_for_by_many_at_once_has_one_value(
    stage: Stage, sources: Sources
) -> None:
    stage.declare(sources.serving("raced", secrets=("TOKEN",)))
    asked = [stage.hosting.reveal_secret(OPERATOR, "raced", "TOKEN") for _ in range(8)]
    values = {secret.reveal() for secret in await asyncio.gather(*asked)}
    assert values == {(await stage.hosting.reveal_secret(OPERATOR, "raced", "TOKEN")).reveal()}


async def test_secrets_are_sealed_where_they_are_kept_and_listed_without_their_values(
    stage: Stage, sources: Sources
) -> None:
    stage.declare(sources.serving("sealed", secrets=("TOKEN",)))
    value = await stage.hosting.reveal_secret(MANAGER, "sealed", "TOKEN")
    listed = await stage.hosting.secrets(MEMBER, "sealed")
    assert [one.name for one in listed] == ["TOKEN"]
    kept = await stage.vault.names(OPERATOR.scope, "sealed")
    assert value.reveal().encode() not in b"".join(one.sealed for one in kept)
    with pytest.raises(NotFoundError, match="declares no secret"):
        await stage.hosting.set_secret(MANAGER, "sealed", "OTHER", Secret("x"))


async def test_only_those_who_host_it_may_change_an_application(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("guarded", secrets=("TOKEN",))
    await stage.deploy(application)
    for refused in (
        stage.hosting.deploy(MEMBER, "guarded"),
        stage.hosting.stop(MEMBER, "guarded"),
        stage.hosting.reveal_secret(MEMBER, "guarded", "TOKEN"),
    ):
        with pytest.raises(Exception, match="member"):
            await refused
    for unknown in (
        stage.hosting.deploy(STRANGER, "guarded"),
        stage.hosting.application(STRANGER, "guarded"),
        stage.hosting.log_lines(STRANGER, "guarded", "application", 5),
    ):
        with pytest.raises(NotFoundError, match="no application «guarded» that you may see"):
            await unknown
    assert await stage.hosting.applications(STRANGER) == []
    assert [one.name for one in await stage.hosting.applications(MEMBER)] == ["guarded"]


async def test_an_instance_that_crashes_is_started_again(stage: Stage, sources: Sources) -> None:
    application = sources.serving("crashes")
    await stage.deploy(application)
    assert await stage.next_steps("crashes") == []
    async with stage.reconciling():
        await _crash(stage, "crashes")

        async def serves_again() -> bool:
            assert (await _log(stage, "crashes")).count("starting one") == 2
            return await stage.page(application) == "one"

        assert await eventually(serves_again)
    assert len(await stage.deployments("crashes")) == 1


async def _crash(stage: Stage, name: str) -> None:
    application = stage.wanted.held[name]
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever the cut connection gives
        await stage.get(application, "/exit?3")
    await eventually(lambda: stage.units(application) == [])


async def test_an_instance_started_again_that_is_not_healthy_does_not_stay(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving(
        "sickly", volumes=("state",), health=HealthCheck(within_s=int(scaled(1)))
    )
    start = f"if [ -e /volumes/state/sick ]; then sleep 300.8201; else {application.start}; fi"
    application = msgspec.structs.replace(application, start=start)
    await stage.deploy(application)
    await stage.tries(application, "open('/volumes/state/sick', 'w').close()")
    await stage.runtime.stop("sickly.1", 1)
    assert [step.act for step in await stage.next_steps("sickly")] == [Act.RESTART]
    with pytest.raises(FailedError, match="did not become healthy"):
        await stage.controller.apply((await stage.next_steps("sickly"))[0])
    assert stage.units(application) == []


async def test_an_application_that_leaves_files_beside_its_socket_can_be_stopped(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("untidy")
    await stage.deploy(application)
    code = "import os; os.makedirs('/run/beffroi/cache/deep'); open('/run/beffroi/x', 'w').close()"
    await stage.tries(application, code)
    ended = await stage.ended(await stage.hosting.stop(OPERATOR, "untidy"))
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    assert not (stage.places.instances / "untidy.1").exists()


async def test_asked_to_end_a_single_command_is_told_itself(stage: Stage, sources: Sources) -> None:
    application = sources.serving("told")
    for start in (application.start, f"COLOUR=red {application.start}"):
        await stage.deploy(msgspec.structs.replace(application, start=start))
        await stage.ended(await stage.hosting.stop(OPERATOR, "told"))
        assert "asked to end by 15" in await _log(stage, "told")
        await stage.ended(await stage.hosting.start(OPERATOR, "told"))


async def test_states_are_those_of_the_story(stage: Stage, sources: Sources) -> None:
    application = sources.serving("story")
    for version in ("one", "two"):
        sources.write("story", {"version": version})
        await stage.deploy(application)
    await stage.deploy(msgspec.structs.replace(application, start="exit 3; true"))
    states = [one.state for one in await stage.deployments("story")]
    assert states == [DeploymentState.RETIRED, DeploymentState.SERVING, DeploymentState.FAILED]


async def test_a_name_stays_with_the_organisation_whose_data_it_keeps(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("kept")
    await stage.deploy(application)
    taken = msgspec.structs.replace(application, organisation="another")
    ended = await stage.deploy(taken)
    assert ended.error_code == "hosting.name_of_another"
    assert [one.organisation for one in await stage.deployments("kept")] == [
        application.organisation
    ]
