"""What a process is asked to be."""

from collections.abc import Mapping
from pathlib import Path

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """The user and group that a process runs as, by number."""

    uid: int
    gid: int


class Limits(msgspec.Struct, frozen=True):
    """The most that a process and all its children may take together."""

    memory_bytes: int
    cpus: float
    processes: int


class Mount(msgspec.Struct, frozen=True):
    """A folder or file of the machine that a sandbox shows."""

    source: Path
    target: Path
    writable: bool = False


class Sandbox(msgspec.Struct, frozen=True):
    """What a sandboxed process sees besides a read-only system and an empty /tmp.

    Attributes:
        low_ports: It may listen below 1024 although it runs as its own user.
    """

    mounts: tuple[Mount, ...] = ()
    network: bool = False
    identity: Identity | None = None
    low_ports: bool = False


class ProcessPlan(msgspec.Struct, frozen=True):
    """One process to launch.

    Attributes:
        unit: Its name, unique in the data folder; names its files and its control group.
        command: The command line.
        folder: Where ``pid`` and the sandbox's own small files are kept.
        log_path: Where its standard output and error are appended.
    """

    unit: str
    command: tuple[str, ...]
    folder: Path
    log_path: Path
    environment: Mapping[str, str] = {}
    working_folder: Path = Path("/")
    sandbox: Sandbox | None = None
    identity: Identity | None = None
    limits: Limits | None = None


class RunningProcess(msgspec.Struct, frozen=True):
    """A live process; ``started_ticks`` tells it from a later one of the same number."""

    unit: str
    pid: int
    started_ticks: int


class Usage(msgspec.Struct, frozen=True):
    """What a unit takes now; CPU since its start.

    Attributes:
        launch: Which launch of the unit it is, where whoever launched it tells: the CPU time of
            another one begins at 0.
        age_s: How long ago that was, in seconds.
    """

    memory_bytes: int
    cpu_s: float
    processes: int
    memory_kills: int = 0
    launch: str = ""
    age_s: float = 0.0


class MemoryReading(msgspec.Struct, frozen=True):
    """How much memory applications may take, and how much of it is free."""

    total_bytes: int
    available_bytes: int

    @property
    def is_short(self) -> bool:
        """Tell whether less than a tenth is free."""
        return self.available_bytes * 10 < self.total_bytes
