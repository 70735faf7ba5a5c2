"""The only SQL of hosting."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from beffroi.hosting.model import (
    ApplicationRecord,
    Deployment,
    DeploymentState,
    JobRun,
    Release,
    Rest,
)
from beffroi.kernel.database import Connection, execute, fetch_all, fetch_one, fetch_optional

_JOB_RUNS_KEPT = 50


async def records(connection: Connection) -> Mapping[str, ApplicationRecord]:
    """Return every application's record, by name."""
    rows = await fetch_all(connection, ApplicationRecord, "select * from hosting.application")
    return {record.application: record for record in rows}


async def ensure_record(
    connection: Connection, application: str, organisation: str
) -> ApplicationRecord:
    """Return an application's record, made at its first deployment."""
    await execute(
        connection,
        """
        insert into hosting.application (application, organisation)
        select %(application)s, %(organisation)s where not exists (
            select from hosting.application where application = %(application)s
        ) on conflict do nothing
        """,
        {"application": application, "organisation": organisation},
    )
    return await fetch_one(
        connection,
        ApplicationRecord,
        "select * from hosting.application where application = %s for update",
        (application,),
    )


async def set_handled(connection: Connection, application: str, handled: str) -> None:
    """Note which declaration the last deployment answered to."""
    await execute(
        connection,
        "update hosting.application set handled = %s where application = %s",
        (handled, application),
    )


async def set_stopped(connection: Connection, application: str, *, stopped: bool) -> None:
    """Note that somebody stopped or started an application, which then rests no more."""
    await execute(
        connection,
        """
        update hosting.application set stopped = %s, rest = 'awake', rest_reason = ''
        where application = %s
        """,
        (stopped, application),
    )


async def set_rest(connection: Connection, application: str, rest: Rest, reason: str = "") -> None:
    """Note that an application was put to rest or woken, and why it could not be woken."""
    await execute(
        connection,
        "update hosting.application set rest = %s, rest_reason = %s where application = %s",
        (rest, reason, application),
    )


async def delete_record(connection: Connection, application: str) -> None:
    """Forget an application that the territory no longer names; its history stays."""
    await execute(
        connection,
        """
        update hosting.deployment set state = 'retired'
        where application = %s and state = 'serving'
        """,
        (application,),
    )
    await execute(
        connection, "delete from hosting.application where application = %s", (application,)
    )


async def put_release(connection: Connection, release: Release) -> None:
    """Write a release; the same one built again stays as it was."""
    await execute(
        connection,
        """
        insert into hosting.release
            (application, digest, organisation, origin, size_bytes, built_at)
        values (%s, %s, %s, %s, %s, %s) on conflict do nothing
        """,
        (
            release.application,
            release.digest,
            release.organisation,
            release.origin,
            release.size_bytes,
            release.built_at,
        ),
    )


async def releases_of(connection: Connection, application: str) -> Sequence[Release]:
    """Return an application's releases, newest first."""
    return await fetch_all(
        connection,
        Release,
        "select * from hosting.release where application = %s order by built_at desc",
        (application,),
    )


async def delete_release(connection: Connection, application: str, digest: str) -> None:
    """Forget a release whose folder goes."""
    await execute(
        connection,
        "delete from hosting.release where application = %s and digest = %s",
        (application, digest),
    )


async def insert_deployment(connection: Connection, deployment: Deployment) -> Deployment:
    """Write a deployment under the application's next number."""
    return await fetch_one(
        connection,
        Deployment,
        """
        insert into hosting.deployment
            (application, number, organisation, digest, specification, state, created_at, actor)
        select %(application)s, coalesce(max(number), 0) + 1, %(organisation)s, %(digest)s,
            %(specification)s::jsonb, %(state)s, %(created_at)s, %(actor)s
        from hosting.deployment where application = %(application)s
        returning *
        """,
        {
            "application": deployment.application,
            "organisation": deployment.organisation,
            "digest": deployment.digest,
            "specification": msgspec.json.encode(deployment.specification).decode(),
            "state": deployment.state,
            "created_at": deployment.created_at,
            "actor": deployment.actor,
        },
    )


async def set_serving(connection: Connection, deployment: Deployment) -> None:
    """Make a deployment the serving one, in place of the one before."""
    await execute(
        connection,
        """
        update hosting.deployment set state = 'retired'
        where application = %s and state = 'serving' and number <> %s
        """,
        (deployment.application, deployment.number),
    )
    await set_state(connection, deployment, DeploymentState.SERVING)


async def set_state(
    connection: Connection, deployment: Deployment, state: DeploymentState, reason: str = ""
) -> None:
    """Note where a deployment stands."""
    await execute(
        connection,
        """
        update hosting.deployment set state = %s, reason = %s
        where application = %s and number = %s
        """,
        (state, reason, deployment.application, deployment.number),
    )


async def fail_starting(connection: Connection, reason: str, application: str | None = None) -> int:
    """Close the deployments, of one application or of all, that were left starting."""
    return await execute(
        connection,
        """
        update hosting.deployment set state = 'failed', reason = %(reason)s
        where state = 'starting'
            and (%(application)s::text is null or application = %(application)s)
        """,
        {"reason": reason, "application": application},
    )


async def serving(connection: Connection) -> Mapping[str, Deployment]:
    """Return the serving deployments, by application."""
    rows = await fetch_all(
        connection, Deployment, "select * from hosting.deployment where state = 'serving'"
    )
    return {deployment.application: deployment for deployment in rows}


async def newest_deployments(connection: Connection) -> Mapping[str, Deployment]:
    """Return the newest deployment of each application."""
    rows = await fetch_all(
        connection,
        Deployment,
        """
        select distinct on (application) * from hosting.deployment
        order by application, number desc
        """,
    )
    return {deployment.application: deployment for deployment in rows}


async def deployments_of(
    connection: Connection, application: str, limit: int = 50
) -> Sequence[Deployment]:
    """Return an application's deployments, newest first."""
    return await fetch_all(
        connection,
        Deployment,
        "select * from hosting.deployment where application = %s order by number desc limit %s",
        (application, limit),
    )


async def deployment(connection: Connection, application: str, number: int) -> Deployment | None:
    """Return one deployment."""
    return await fetch_optional(
        connection,
        Deployment,
        "select * from hosting.deployment where application = %s and number = %s",
        (application, number),
    )


class SealedSecret(msgspec.Struct, frozen=True):
    """A secret as kept."""

    name: str
    sealed: bytes
    set_at: datetime


async def sealed_secrets(connection: Connection, application: str) -> Sequence[SealedSecret]:
    """Return an application's secrets, still sealed."""
    return await fetch_all(
        connection,
        SealedSecret,
        "select name, sealed, set_at from hosting.secret where application = %s order by name",
        (application,),
    )


async def drawn_secret(
    connection: Connection, application: str, organisation: str, name: str, sealed: bytes
) -> SealedSecret:
    """Keep a sealed secret unless there is one, perhaps drawn at the same moment; return it."""
    return await fetch_one(
        connection,
        SealedSecret,
        """
        insert into hosting.secret as kept (application, name, organisation, sealed)
        values (%s, %s, %s, %s)
        on conflict (application, name) do update set sealed = kept.sealed
        returning name, sealed, set_at
        """,
        (application, name, organisation, sealed),
    )


async def put_secret(
    connection: Connection, application: str, organisation: str, name: str, sealed: bytes
) -> None:
    """Keep a sealed secret."""
    await execute(
        connection,
        """
        insert into hosting.secret (application, name, organisation, sealed)
        values (%s, %s, %s, %s)
        on conflict (application, name) do update set sealed = excluded.sealed, set_at = now()
        """,
        (application, name, organisation, sealed),
    )


async def put_job_run(connection: Connection, run: JobRun) -> None:
    """Write a run, or how it ended; keep the newest fifty of each job."""
    await execute(
        connection,
        """
        insert into hosting.job_run
            (application, job, organisation, started_at, finished_at, status, output)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (application, job, started_at) do update set
            finished_at = excluded.finished_at, status = excluded.status, output = excluded.output
        """,
        (
            run.application,
            run.job,
            run.organisation,
            run.started_at,
            run.finished_at,
            run.status,
            run.output,
        ),
    )
    await execute(
        connection,
        """
        delete from hosting.job_run where application = %(application)s and job = %(job)s
            and started_at < (
                select min(started_at) from (
                    select started_at from hosting.job_run
                    where application = %(application)s and job = %(job)s
                    order by started_at desc limit %(kept)s
                ) as newest
            )
        """,
        {"application": run.application, "job": run.job, "kept": _JOB_RUNS_KEPT},
    )


async def end_job_runs(connection: Connection, ended_at: datetime, reason: str) -> int:
    """Close the runs that a killed platform left open."""
    return await execute(
        connection,
        "update hosting.job_run set finished_at = %s, output = %s where finished_at is null",
        (ended_at, reason),
    )


async def job_runs(connection: Connection, application: str, limit: int = 20) -> Sequence[JobRun]:
    """Return an application's newest job runs."""
    return await fetch_all(
        connection,
        JobRun,
        "select * from hosting.job_run where application = %s order by started_at desc limit %s",
        (application, limit),
    )
