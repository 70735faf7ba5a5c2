"""Limits by the kernel's per-process bounds, for a user without control groups."""

import os
from typing import ClassVar

from beffroi.kernel.processes.limits.halting import Tree
from beffroi.kernel.processes.limits.limiter import LimiterCapabilities
from beffroi.kernel.processes.model import Limits, Usage
from beffroi.kernel.processes.tables import descendants_of, threads_of_user

_ADDRESS_SPACE_FACTOR = 4


class RlimitLimiter:
    """Bounds each process's address space and the number of processes of its user.

    Linux counts all of a user's processes together, so an ordinary user's bound is put above
    what that user already runs; root gives each application a user of its own.

    Address space is reserved more freely than memory is used, hence the factor of 4: a process
    that eats memory is stopped, one that maps large files is not.
    """

    capabilities: ClassVar[LimiterCapabilities] = LimiterCapabilities(
        name="rlimits", whole_unit=False, cpu=False
    )

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace

    @classmethod
    def usable(cls) -> bool:
        """Tell that every user may bound the processes it starts."""
        return True

    def prepare(self, unit: str, limits: Limits) -> str:  # noqa: ARG002 - the port's signature
        """Return the shell's ``ulimit`` lines."""
        address_space_kib = limits.memory_bytes * _ADDRESS_SPACE_FACTOR // 1024
        count = limits.processes + (0 if os.getuid() == 0 else threads_of_user(os.getuid()))
        bash_or_dash = f"ulimit -u {count} 2>/dev/null || ulimit -p {count}"
        return f"ulimit -v {address_space_kib}; {bash_or_dash}"

    def usage(self, unit: str, pid: int) -> Usage:  # noqa: ARG002 - the port's signature
        """Add up the process, its children, and the CPU time of those that ended."""
        rows = descendants_of(pid)
        return Usage(
            memory_bytes=sum(row.resident_bytes for row in rows),
            cpu_s=sum(row.cpu_s + row.outlived_cpu_s for row in rows),
            processes=len(rows),
        )

    def switch(self, unit: str, pid: int) -> Tree:  # noqa: ARG002 - the port's signature
        """Return what signals the process and its children."""
        return Tree(pid)

    def release(self, unit: str) -> None:
        """Leave nothing: the bounds end with their process."""
