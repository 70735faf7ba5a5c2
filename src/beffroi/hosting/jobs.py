"""Scheduled commands."""

import asyncio
import logging
from datetime import datetime, timedelta

import msgspec
from cronsim import CronSim

from beffroi.hosting import store
from beffroi.hosting.deploying import Deployer
from beffroi.hosting.model import Deployment, JobRun
from beffroi.hosting.output_marks import OutputMark
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, UnavailableError

_logger = logging.getLogger(__name__)
_LOOK_MOST_S = 60.0
_RETRY_S = 5.0
_OUTPUT_LINES = 40


class DueJob(msgspec.Struct, frozen=True):
    """A scheduled command and its next time."""

    at: datetime
    deployment: Deployment
    name: str


def next_due(deployments: list[Deployment], after: datetime) -> list[DueJob]:
    """Return the jobs that are next, all at the same time; none when nothing is scheduled."""
    due = [
        DueJob(next(CronSim(job.schedule, after)), deployment, name)
        for deployment in deployments
        for name, job in deployment.specification.jobs.items()
    ]
    first = min((job.at for job in due), default=None)
    return [job for job in due if job.at == first]


class JobScheduler:
    """Runs each job at its time, in the serving release's sandbox; never one twice at once."""

    def __init__(self, database: Database, clock: Clock, deployer: Deployer) -> None:
        self._database = database
        self._clock = clock
        self._deployer = deployer
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Schedule until cancelled; a job under way is then ended."""
        after = self._clock.now()
        try:
            while True:
                try:
                    after = await self._start_next(after)
                except UnavailableError as error:
                    _logger.warning("jobs state=failing %s", error)
                    await self._clock.sleep(_RETRY_S)
        finally:
            tasks = tuple(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_next(self, after: datetime) -> datetime:
        """Start what is due next, within a minute; return the moment up to which all is done.

        What a sleeping machine or an absent database made late by more than a minute is left out.
        """
        look = timedelta(seconds=_LOOK_MOST_S)
        after = max(after, self._clock.now() - look)
        due = next_due(await self._deployments(), after)
        now = self._clock.now()
        if not due or due[0].at > now + look:
            await self._clock.sleep(_LOOK_MOST_S)
            return max(after, now)
        await self._clock.sleep(max(0.0, (due[0].at - now).total_seconds()))
        for job in due:
            self._start(job)
        return due[0].at

    def _start(self, job: DueJob) -> None:
        key = (job.deployment.application, job.name)
        if key in self._running:
            _logger.warning("job application=%s job=%s state=skipped still running", *key)
            return
        task = asyncio.create_task(self._carry_out(job), name=f"job {key}")
        self._running[key] = task

        def forget(done: asyncio.Task[None]) -> None:
            del self._running[key]
            if not done.cancelled() and done.exception() is not None:
                _logger.error("BUG in job application=%s job=%s", *key, exc_info=done.exception())

        task.add_done_callback(forget)

    async def _carry_out(self, job: DueJob) -> None:
        try:
            await self._run_and_record(job)
        except UnavailableError as error:
            application = job.deployment.application
            _logger.warning("job application=%s job=%s %s", application, job.name, error)

    async def _run_and_record(self, job: DueJob) -> None:
        run = JobRun(
            application=job.deployment.application,
            job=job.name,
            organisation=job.deployment.organisation,
            started_at=self._clock.now(),
            finished_at=None,
            status=None,
            output="",
        )
        await self._put(run)
        log_path = self._deployer.launcher.log_path(run.application, f"job-{job.name}.log")
        output = OutputMark.at_end_of(log_path)
        try:
            ended = await self._deployer.run_job(job.deployment, job.name)
        except BeffroiError as error:
            await self._finish(run, None, str(error))
            return
        await self._finish(run, ended.status, "\n".join(output.last_lines(_OUTPUT_LINES)))

    async def _finish(self, run: JobRun, status: int | None, output: str) -> None:
        level = logging.INFO if status == 0 else logging.WARNING
        _logger.log(level, "job application=%s job=%s status=%s", run.application, run.job, status)
        await self._put(
            msgspec.structs.replace(
                run, finished_at=self._clock.now(), status=status, output=output
            )
        )

    async def _put(self, run: JobRun) -> None:
        async with self._database.transaction(EVERYTHING) as connection:
            await store.put_job_run(connection, run)

    async def _deployments(self) -> list[Deployment]:
        async with self._database.transaction(EVERYTHING) as connection:
            records = await store.records(connection)
            serving = await store.serving(connection)
        return [
            one for name, one in serving.items() if name in records and not records[name].stopped
        ]
