"""The port that each way of limiting fills."""

from typing import ClassVar, Protocol

import msgspec

from beffroi.kernel.processes.limits.halting import Switch
from beffroi.kernel.processes.model import Limits, Usage


class LimiterCapabilities(msgspec.Struct, frozen=True):
    """What a limiter can hold.

    Attributes:
        name: As shown by ``doctor``.
        whole_unit: Memory and processes are counted over all of a unit's processes; otherwise
            each process has the limit to itself.
        cpu: CPU time is bounded.
    """

    name: str
    whole_unit: bool
    cpu: bool


class Limiter(Protocol):
    """Holds the limits of units and tells their use."""

    capabilities: ClassVar[LimiterCapabilities]

    @classmethod
    def usable(cls) -> bool:
        """Tell whether this user may limit this way on this machine."""
        ...

    def prepare(self, unit: str, limits: Limits) -> str:
        """Set the limits of a unit; return shell text by which a process joins it."""
        ...

    def usage(self, unit: str, pid: int) -> Usage:
        """Tell what a unit takes; ``pid`` is its first process."""
        ...

    def switch(self, unit: str, pid: int) -> Switch:
        """Return what halts all of a unit; ``pid`` is its first process."""
        ...

    def release(self, unit: str) -> None:
        """Forget a unit that has ended."""
        ...
