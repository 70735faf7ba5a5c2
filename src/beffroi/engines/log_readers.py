"""Who reads the log for good: shown, and let go of where nobody is left to read on."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from beffroi.kernel.errors import ConflictError, NotFoundError
from beffroi.kernel.log.trimming import LogKeeper, LogState
from beffroi.kernel.operations import Operation, Operations, Progress
from beffroi.kernel.rights.model import Actor, Permission


class LogReader(msgspec.Struct, frozen=True):
    """Who reads the log, and what it would miss.

    Attributes:
        behind: How many entries it has not read.
        unread_since: When the first of them was written; nothing: it has read all.
        holds: Without it some of the log would have gone.
        may_go: It can be let go of: it is no flow, and the platform does not run it.
    """

    name: str
    behind: int
    unread_since: datetime | None
    holds: bool
    may_go: bool


class LogReaders:
    """Tells of those who read the log, and lets them go.

    Args:
        log: The log that they read.
        operations: Carries a change out, and keeps who made it.
        run_here: Followers that this platform runs, as it is set.
    """

    def __init__(self, log: LogKeeper, operations: Operations, run_here: Collection[str]) -> None:
        self._log = log
        self._operations = operations
        self._run_here = frozenset(run_here)

    async def listed(self, actor: Actor) -> Sequence[LogReader]:
        """Return those who read the log, the furthest behind first."""
        actor.require(Permission.RUN_PLATFORM, "")
        return self.shown(await self._log.state())

    def shown(self, state: LogState) -> Sequence[LogReader]:
        """Return those of whom a state of the log tells."""
        return [
            LogReader(
                one.name,
                one.behind,
                one.unread_since,
                one.holds,
                one.follows and one.name not in self._run_here,
            )
            for one in state.readers
        ]

    async def let_go(self, actor: Actor, name: str) -> Operation:
        """Let go of a follower that will not come back; it loses what it has not read.

        Raises:
            ConflictError: The platform runs it, or it is a flow, which is removed as one.
            NotFoundError: Nobody of that name reads the log.
        """
        found = {one.name: one for one in await self.listed(actor)}
        if name in self._run_here:
            raise ConflictError("engines.log_reader_run_here", reader=name)
        if name not in found:
            raise NotFoundError("engines.log_reader_unknown", reader=name, known=", ".join(found))
        if not found[name].may_go:
            raise ConflictError("engines.log_reader_flow", reader=name)
        reader = found[name]

        async def work(_: Progress) -> str:
            await self._log.let_go_of(name)
            since = f" since {reader.unread_since:%Y-%m-%d %H:%M} UTC" if reader.behind else ""
            return f"{name} reads the log no more; it had not read {reader.behind} entries{since}."

        return await self._operations.carry_out(actor, "engines.let_go_reader", name, "", work)
