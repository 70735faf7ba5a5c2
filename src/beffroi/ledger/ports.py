"""What metering asks of the rest of the platform."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from beffroi.energy.ports import EnergyReading
from beffroi.kernel.processes.workers import Told
from beffroi.ledger.documents.model import Documents, DocumentsRequest
from beffroi.ledger.metering import MeteredHost


class ApplicationLoad(msgspec.Struct, frozen=True):
    """What a running application has taken.

    Attributes:
        run: Its launch: after a wake, a crash or a restart it is another one, which begins at 0.
        cpu_s: CPU time since it was launched.
        memory_bytes: What it holds now.
        began_at: When it was launched, where that is known.
    """

    application: str
    organisation: str
    run: str
    cpu_s: float
    memory_bytes: int
    began_at: datetime | None = None


class VisitTotal(msgspec.Struct, frozen=True):
    """All that was ever counted of an application's visits.

    Attributes:
        run: Changes when the totals begin at 0 again.
    """

    application: str
    organisation: str
    run: str
    requests: int
    traffic_bytes: int


class HostReading(msgspec.Struct, frozen=True):
    """What a host has taken.

    Attributes:
        run: Its boot.
        energy: Nothing without a meter, or while it is silent.
        began_at: When it was booted, where that is known: it took nothing while it was off.
    """

    host: str
    run: str
    cpu_s: float
    energy: EnergyReading | None = None
    began_at: datetime | None = None


class Loads(Protocol):
    """What changes every second; quick to read."""

    async def applications(self) -> Sequence[ApplicationLoad]:
        """Read the applications that run."""
        ...

    async def hosts(self) -> Sequence[HostReading]:
        """Read the hosts."""
        ...

    async def visits(self) -> Sequence[VisitTotal]:
        """Return the visits counted so far, of applications at rest too."""
        ...


class Sizes(Protocol):
    """What is slow to measure."""

    async def stored_bytes(self) -> Mapping[str, int]:
        """Measure each application's volumes and releases; gives way to everything else."""
        ...

    async def database_bytes(self) -> Mapping[str, int]:
        """Measure each application's database."""
        ...

    async def backup_bytes(self) -> Mapping[str, int]:
        """Measure each application's backups."""
        ...


class Standing(Protocol):
    """Who stands where."""

    async def metered_hosts(self) -> Sequence[MeteredHost]:
        """Return the hosts whose energy is divided, with those who stand there."""
        ...

    async def organisations(self) -> Mapping[str, str]:
        """Return the organisation of each declared application."""
        ...


class DocumentMaker(Protocol):
    """Makes documents apart from the platform, so that typesetting holds nobody up."""

    async def make(self, request: DocumentsRequest, told: Told) -> Documents:
        """Write the documents wanted into the request's folder.

        Raises:
            InvalidInputError: A statement cannot become the document wanted.
        """
        ...
