"""Running a change as an operation."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, NotFoundError
from beffroi.kernel.ids import new_id
from beffroi.kernel.log import Event, append
from beffroi.kernel.operations import store
from beffroi.kernel.operations.model import Operation, OperationState
from beffroi.kernel.rights.model import Actor

_logger = logging.getLogger(__name__)
_PAGE = 100
_MISTAKES_TOLD = 20


class Progress:
    """Lets the work of an operation say where it is."""

    def __init__(self, database: Database, operation_id: str) -> None:
        self._database = database
        self.operation_id = operation_id

    async def step(self, sentence: str) -> None:
        """Say what is done now."""
        async with self._database.transaction(EVERYTHING) as connection:
            await store.set_step(connection, self.operation_id, sentence)


Work = Callable[[Progress], Awaitable[str]]


class Operations:
    """Starts operations, owns their tasks, and tells their story."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def launch(
        self, actor: Actor, verb: str, subject: str, organisation: str, work: Work
    ) -> Operation:
        """Start a change in the background.

        Args:
            actor: Who asks.
            verb: What is asked, a key of the catalogue such as ``hosting.deploy``.
            subject: The name of what it changes.
            organisation: Whose it is.
            work: Does it; returns how it ended, in one sentence.
        """
        operation = await self._begin(actor, verb, subject, organisation)
        task = asyncio.create_task(self._carry_out(operation, work), name=f"operation {verb}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return operation

    async def carry_out(
        self, actor: Actor, verb: str, subject: str, organisation: str, work: Work
    ) -> Operation:
        """Run a change and wait for its end."""
        operation = await self._begin(actor, verb, subject, organisation)
        await self._carry_out(operation, work)
        return await self.get(operation.id, actor)

    async def get(self, operation_id: str, actor: Actor) -> Operation:
        """Return one operation that the actor may see."""
        async with self._database.transaction(actor.scope) as connection:
            found = await store.by_id(connection, operation_id)
        if found is None:
            raise NotFoundError("kernel.operation_unknown", operation=operation_id)
        return found

    async def newest(
        self, actor: Actor, subject: str | None = None, before_id: str | None = None
    ) -> Sequence[Operation]:
        """Return the newest operations that the actor may see."""
        async with self._database.transaction(actor.scope) as connection:
            return await store.newest(connection, subject, before_id, _PAGE)

    async def settle_interrupted(self) -> int:
        """Close the operations that a killed process left open."""
        async with self._database.transaction(EVERYTHING) as connection:
            closed = await store.interrupt_running(connection, self._clock.now())
            await append(connection, *map(_ended, closed))
            return len(closed)

    async def close(self) -> None:
        """Cancel what still runs; each is closed as interrupted."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _begin(self, actor: Actor, verb: str, subject: str, organisation: str) -> Operation:
        now = self._clock.now()
        operation = Operation(
            id=new_id(now),
            verb=verb,
            subject=subject,
            organisation=organisation,
            actor=actor.name,
            state=OperationState.RUNNING,
            step="",
            outcome="",
            error_code="",
            started_at=now,
            finished_at=None,
        )
        async with self._database.transaction(EVERYTHING) as connection:
            await store.insert(connection, operation)
        return operation

    async def _carry_out(self, operation: Operation, work: Work) -> None:
        try:
            outcome = await work(Progress(self._database, operation.id))
        except BeffroiError as error:
            await self._finish(operation, OperationState.FAILED, _told(error), error.code)
        except asyncio.CancelledError:
            await self._finish(operation, OperationState.INTERRUPTED, "Interrupted.", "")
            raise
        except Exception:
            _logger.exception("BUG in operation id=%s verb=%s", operation.id, operation.verb)
            await self._finish(
                operation, OperationState.FAILED, "An unexpected error was logged.", "kernel.bug"
            )
        else:
            await self._finish(operation, OperationState.SUCCEEDED, outcome, "")

    async def _finish(
        self, operation: Operation, state: OperationState, outcome: str, error_code: str
    ) -> None:
        _logger.info(
            "operation id=%s verb=%s subject=%s organisation=%s actor=%s state=%s outcome=%r",
            operation.id,
            operation.verb,
            operation.subject,
            operation.organisation,
            operation.actor,
            state,
            outcome,
        )
        async with self._database.transaction(EVERYTHING) as connection:
            await store.finish(
                connection, operation.id, state, outcome, error_code, self._clock.now()
            )
            await append(connection, _ended(msgspec.structs.replace(operation, state=state)))


def _told(error: BeffroiError) -> str:
    """Say an error, with the first of its mistakes at their places."""
    found = error.findings(Language.EN)
    told = (
        f"{one['file']}:{one['line']}:{one['column']}  {one['message']} {one['remedy']}"
        for one in found[:_MISTAKES_TOLD]
    )
    return "\n".join((error.message() if found else str(error), *told))


def _ended(operation: Operation) -> Event:
    return Event(
        kind=f"operation.{operation.state}",
        subject=operation.subject,
        organisation=operation.organisation,
        body={"operation": operation.id, "verb": operation.verb},
    )
