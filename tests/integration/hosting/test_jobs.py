"""Scheduled commands, run in the sandbox of what serves."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from beffroi.hosting.jobs import JobScheduler
from beffroi.hosting.model import JobRun
from beffroi.kernel.database import Database
from beffroi.territory.model import Application, Job
from tests.integration.hosting.stage import OPERATOR, Sources, Stage
from tests.support.clocks import ManualClock
from tests.support.processes import pids_running
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")


def every_minute(command: str, **values: object) -> dict[str, Job]:
    job = Job(name="tick", schedule="* * * * *", command=command)
    return {"tick": msgspec.structs.replace(job, **values)}


@pytest.fixture
async def clock_and_jobs(stage: Stage, clock: ManualClock) -> AsyncIterator[ManualClock]:
    """The scheduler runs on a clock that the test holds."""
    scheduler = JobScheduler(stage.database, clock, stage.deployer)
    task = asyncio.create_task(scheduler.run())
    yield clock
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def runs_of(stage: Stage, application: Application) -> Sequence[JobRun]:
    return list(reversed(await stage.hosting.job_runs(OPERATOR, application.name)))


async def pass_minutes(clock: ManualClock, minutes: int = 1) -> None:
    """Let time pass in small steps, so that each sleeper wakes at its moment."""
    for _ in range(minutes * 12):
        await clock.advance(5)
        await asyncio.sleep(0.02)


async def finished(stage: Stage, application: Application, count: int) -> Sequence[JobRun]:
    async def over() -> Sequence[JobRun] | None:
        runs = await runs_of(stage, application)
        return runs if sum(run.finished_at is not None for run in runs) >= count else None

    found = await eventually(over, within_s=10)
    assert found is not None
    return found


async def test_a_job_runs_on_its_minute_with_its_status_and_output_kept(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock
) -> None:
    application = sources.serving(
        "ticks",
        volumes=("files",),
        secrets=("TOKEN",),
        jobs=every_minute("echo from $BEFFROI_APPLICATION in $PWD; touch /volumes/files/x; exit 4"),
    )
    await stage.deploy(application)
    await pass_minutes(clock_and_jobs)
    (run, *_) = await finished(stage, application, 1)
    assert (run.job, run.status, run.output) == ("tick", 4, "from ticks in /app")
    assert run.organisation == "lomme"
    assert run.started_at.second <= 5
    assert (stage.places.volumes / "ticks" / "files" / "x").exists()
    assert stage.units(application) == ["ticks.1"]


async def test_each_run_keeps_its_own_output(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock
) -> None:
    application = sources.serving(
        "counts",
        volumes=("files",),
        jobs=every_minute("echo x >> /volumes/files/n; wc -l < /volumes/files/n"),
    )
    await stage.deploy(application)
    for count in (1, 2, 3):
        await pass_minutes(clock_and_jobs)
        await finished(stage, application, count)
    assert [run.output for run in await runs_of(stage, application)][:3] == ["1", "2", "3"]


async def test_a_job_still_running_is_not_started_twice(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    application = sources.serving("lasts", jobs=every_minute("sleep 300.8501"))
    await stage.deploy(application)
    await pass_minutes(clock_and_jobs)
    await eventually(lambda: pids_running("300.8501"))
    await pass_minutes(clock_and_jobs, 2)
    await eventually(lambda: "still running" in caplog.text)
    assert len(await runs_of(stage, application)) == 1
    assert len(pids_running("300.8501")) == 1


async def test_a_job_is_ended_at_its_deadline(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock
) -> None:
    jobs = every_minute("echo begun; sleep 300.8502", deadline_s=1)
    application = sources.serving("late", jobs=jobs)
    await stage.deploy(application)
    await pass_minutes(clock_and_jobs)
    (run, *_) = await finished(stage, application, 1)
    assert run.status != 0
    assert run.output == "begun"
    assert not pids_running("300.8502")


async def test_a_stopped_application_runs_no_job(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock
) -> None:
    application = sources.serving("rests", jobs=every_minute("true"))
    other = sources.serving("works", jobs=every_minute("true"))
    for one in (application, other):
        await stage.deploy(one)
    await stage.ended(await stage.hosting.stop(OPERATOR, "rests"))
    await pass_minutes(clock_and_jobs)
    await finished(stage, other, 1)
    assert await runs_of(stage, application) == []


COUNTED = "echo x >> /volumes/files/ran"


def times_run(stage: Stage, application: Application) -> int:
    counted = stage.places.volumes / application.name / "files" / "ran"
    return counted.read_text().count("x") if counted.exists() else 0


async def test_a_job_deployed_late_does_not_make_up_for_the_time_before(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await pass_minutes(clock_and_jobs)
    await clock_and_jobs.advance(36_000)
    application = sources.serving("newcomer", volumes=("files",), jobs=every_minute(COUNTED))
    await stage.deploy(application)
    await pass_minutes(clock_and_jobs, 2)
    await finished(stage, application, 1)
    assert 1 <= times_run(stage, application) <= 3
    assert caplog.text.count("still running") <= 5


async def test_what_a_sleeping_machine_missed_is_not_made_up_for(
    stage: Stage, sources: Sources, clock_and_jobs: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    application = sources.serving("slept", volumes=("files",), jobs=every_minute(COUNTED))
    await stage.deploy(application)
    await pass_minutes(clock_and_jobs)
    before = await eventually(lambda: times_run(stage, application))
    await clock_and_jobs.advance(36_000)
    await pass_minutes(clock_and_jobs, 2)
    await eventually(lambda: times_run(stage, application) > before)
    assert times_run(stage, application) <= before + 4
    assert caplog.text.count("still running") <= 5


async def test_jobs_go_on_after_the_database_was_away(
    stage: Stage, sources: Sources, clock: ManualClock
) -> None:
    application = sources.serving("goes-on", jobs=every_minute("true"))
    await stage.deploy(application)
    away = Database(stage.database.url)
    scheduler = JobScheduler(away, clock, stage.deployer)
    task = asyncio.create_task(scheduler.run())
    try:
        for _ in range(30):
            await clock.advance(5)
            await asyncio.sleep(0.01)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await away.close()


async def test_a_run_cut_short_by_a_kill_is_closed_by_the_next_start(
    stage: Stage, sources: Sources, clock: ManualClock
) -> None:
    application = sources.serving("cut", jobs=every_minute("sleep 300.8503"))
    await stage.deploy(application)
    scheduler = JobScheduler(stage.database, clock, stage.deployer)
    task = asyncio.create_task(scheduler.run())
    await pass_minutes(clock)
    await eventually(lambda: pids_running("300.8503"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: not pids_running("300.8503"))
    await stage.deployer.settle_interrupted()
    (run,) = await runs_of(stage, application)
    assert run.finished_at is not None
    assert run.status is None
    assert "stopped before the end" in run.output


async def test_a_job_whose_program_is_missing_is_told(stage: Stage, sources: Sources) -> None:
    application = sources.serving("unready", jobs=every_minute("serve-nothing"))
    await stage.deploy(application)
    (deployment,) = await stage.deployments("unready")
    ended = await stage.deployer.run_job(deployment, "tick")
    assert ended.status == 127
    log = stage.deployer.launcher.log_path("unready", "job-tick.log")
    assert "serve-nothing" in log.read_text()
