"""The only SQL of operations."""

from collections.abc import Sequence
from datetime import datetime

from beffroi.kernel.database import Connection, execute, fetch_all, fetch_optional
from beffroi.kernel.operations.model import Operation, OperationState


async def insert(connection: Connection, operation: Operation) -> None:
    """Write an operation that starts."""
    await execute(
        connection,
        """
        insert into kernel.operation
            (id, verb, subject, organisation, actor, state, step, started_at)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            operation.id,
            operation.verb,
            operation.subject,
            operation.organisation,
            operation.actor,
            operation.state,
            operation.step,
            operation.started_at,
        ),
    )


async def set_step(connection: Connection, operation_id: str, step: str) -> None:
    """Say what an operation does now."""
    await execute(
        connection, "update kernel.operation set step = %s where id = %s", (step, operation_id)
    )


async def finish(
    connection: Connection,
    operation_id: str,
    state: OperationState,
    outcome: str,
    error_code: str,
    at: datetime,
) -> None:
    """Write how an operation ended."""
    await execute(
        connection,
        """
        update kernel.operation set state = %s, outcome = %s, error_code = %s, finished_at = %s
        where id = %s
        """,
        (state, outcome, error_code, at, operation_id),
    )


async def interrupt_running(connection: Connection, at: datetime) -> Sequence[Operation]:
    """Mark what an earlier process left running, and return it."""
    return await fetch_all(
        connection,
        Operation,
        """
        update kernel.operation set state = 'interrupted', finished_at = %s,
            outcome = 'The platform stopped before the end.'
        where state = 'running' returning *
        """,
        (at,),
    )


async def newest(
    connection: Connection, subject: str | None, before_id: str | None, limit: int
) -> Sequence[Operation]:
    """Return operations, newest first, optionally of one subject and below a cursor."""
    return await fetch_all(
        connection,
        Operation,
        """
        select * from kernel.operation
        where (%(subject)s::text is null or subject = %(subject)s)
            and (%(before)s::text is null or id < %(before)s)
        order by id desc limit %(limit)s
        """,
        {"subject": subject, "before": before_id, "limit": limit},
    )


async def by_id(connection: Connection, operation_id: str) -> Operation | None:
    """Return one operation."""
    return await fetch_optional(
        connection, Operation, "select * from kernel.operation where id = %s", (operation_id,)
    )
