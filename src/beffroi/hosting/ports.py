"""What hosting needs from others."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from beffroi.kernel.processes.model import Identity, Limits, Mount, Usage
from beffroi.territory.model import Application, Source


class Traffic(Protocol):
    """Leads visitors; filled by delivery."""

    def point(self, application: str, folder: Path) -> None:
        """Send an application's visitors to what a folder holds, from now on."""
        ...

    def stop(self, application: str) -> None:
        """Tell an application's visitors that it is stopped."""
        ...

    def rest(self, application: str) -> None:
        """Have an application's visitors wait until it is woken."""
        ...

    def forget(self, application: str) -> None:
        """Serve nothing more under the application's name."""
        ...


class StoredPages(Protocol):
    """Keeps what visitors read; filled by delivery."""

    async def forget(self, application: str, organisation: str) -> None:
        """Show none of an application's stored pages any more, as far as that can be had now."""
        ...


class PurgeDoor(Protocol):
    """Lets applications have their stored pages forgotten; filled by delivery."""

    def environment(self, application: str) -> Mapping[str, str]:
        """Return the variables that tell an application its door and its token."""
        ...

    def mount(self) -> Mount:
        """Return what shows an application its door."""
        ...


class Visits(Protocol):
    """Knows when people last used an application; filled by delivery."""

    async def last_visits(self) -> Mapping[str, datetime]:
        """Return, by application, when a person's visit last reached it.

        What was answered from stored pages, and what crawlers and probes asked, is no visit.
        """
        ...


class PublicAddresses(Protocol):
    """Knows where visitors find an application; filled by delivery."""

    def url_of(self, application: Application) -> str:
        """Return the address of its home page, without a final slash."""
        ...


class WantedApplications(Protocol):
    """Knows the declared applications; filled by the territory."""

    async def applications(self) -> Mapping[str, Application]:
        """Return them by name."""
        ...


class SourceDriver(Protocol):
    """Brings an application's files."""

    async def fetch(self, source: Source, into: Path) -> str:
        """Put the files into a new folder.

        Returns:
            Where they came from, with the commit where there is one.

        Raises:
            FailedError: They cannot be had; why is told.
        """
        ...


class RuntimeCapabilities(msgspec.Struct, frozen=True):
    """What a runtime can do.

    Attributes:
        own_user: Each application has a user of its own.
        whole_unit_limits: Limits count over all of an instance's processes.
    """

    name: str
    own_user: bool
    whole_unit_limits: bool


class InstancePlan(msgspec.Struct, frozen=True):
    """A process to run for an application.

    Attributes:
        unit: Its name.
        command: Its command line, as seen inside.
        mounts: What it sees, besides the system.
        log_path: Where its output is appended.
    """

    unit: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    identity: Identity | None
    limits: Limits
    network: bool
    log_path: Path
    working_folder: Path = Path("/app")


class Ended(msgspec.Struct, frozen=True):
    """How a process ended.

    Attributes:
        status: Exit status, negative for a signal; nothing when it cannot be known.
    """

    status: int | None
    timed_out: bool = False
    memory_kills: int = 0


class Runtime(Protocol):
    """Runs processes for applications; the state is read from the machine."""

    @property
    def capabilities(self) -> RuntimeCapabilities:
        """Tell what it can do on this machine."""
        ...

    def launch(self, plan: InstancePlan) -> None:
        """Start an instance."""
        ...

    async def run(self, plan: InstancePlan, deadline_s: float) -> Ended:
        """Run a command to its end; kill all of it at the deadline."""
        ...

    def launched_units(self) -> frozenset[str]:
        """Name the instances and commands of which something is left, alive or ended."""
        ...

    def running_units(self) -> frozenset[str]:
        """Name the instances alive now."""
        ...

    async def wait_for_exit(self, unit: str) -> Ended:
        """Wait until an instance ends."""
        ...

    async def stop(self, unit: str, within_s: float) -> None:
        """Ask an instance to end, force it after the delay, leave nothing of it.

        A frozen one is let go on first: it could not hear.
        """
        ...

    async def freeze(self, unit: str) -> None:
        """Halt all of an instance; it keeps its memory and its connections.

        Raises:
            FailedError: It cannot be halted; it goes on.
        """
        ...

    async def thaw(self, unit: str) -> bool:
        """Let a frozen instance go on; tell whether it does or had ended meanwhile."""
        ...

    def is_frozen(self, unit: str) -> bool:
        """Tell whether an instance is halted, whoever halted it."""
        ...

    def usage(self, unit: str) -> Usage | None:
        """Tell what an instance takes now, and which launch of it that is."""
        ...

    def open_connections(self, unit: str, socket: Path) -> int:
        """Count the connections that an instance has open on its socket."""
        ...
