"""What the ledger's meters read: the parts of the platform put together."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

from beffroi.app.adapters import TerritoryInForce
from beffroi.app.machine_meter import MachineMeter, machine_host
from beffroi.capacity.host_models import HOST_MODELS, MODELLED_EMBODIED, MODELLED_POWER
from beffroi.delivery.results import Host
from beffroi.delivery.results_service import ResultsCollector
from beffroi.delivery.results_usage import HOST, UsageReading
from beffroi.energy.model import Machine, PowerModel, power_model
from beffroi.engines.databases import ApplicationDatabases
from beffroi.kernel.places import Places
from beffroi.kernel.units import MIB
from beffroi.ledger.drivers.folder_sizes import folder_sizes
from beffroi.ledger.metering import MeteredHost, MeteredTenant
from beffroi.ledger.ports import ApplicationLoad, HostReading, VisitTotal
from beffroi.territory.model import Application, ApplicationKind, Territory

# Totals of visits are kept for good: they never begin at 0 again.
_VISITS_RUN = "visits"
# Every processor among our models runs two threads a core, and is written off in five years.
_THREADS_PER_CORE = 2
_LIFETIME_YEARS = 5.0


class PlatformLoads:
    """Fills the ledger's ``Loads`` and ``Standing`` with the round that was taken last.

    All of it stands on this machine, which is one of the declared hosts. How much this machine has
    is asked of itself: who declares more or less than there is gets no other energy for it.
    """

    def __init__(self, collector: ResultsCollector, machine: Host, meter: MachineMeter) -> None:
        self._collector = collector
        self._machine = machine
        self._meter = meter
        self._readings: Sequence[UsageReading] = ()
        self._began: Mapping[str, datetime] = {}
        self._applications: Mapping[str, Application] = {}
        self._host_name = ""
        self._power = machine.power

    def take(
        self,
        territory: Territory,
        readings: Sequence[UsageReading],
        began: Mapping[str, datetime],
    ) -> None:
        """Hold what the platform has just read of itself and of its applications.

        Args:
            territory: As declared now.
            readings: Of this moment.
            began: When the machine was booted, and each application launched.
        """
        self._readings = readings
        self._began = began
        self._applications = territory.applications
        host = machine_host(territory)
        self._host_name = host.name if host is not None else ""
        declared = declared_power(host.model, self._machine.cpus) if host is not None else None
        self._power = declared or self._machine.power

    async def applications(self) -> Sequence[ApplicationLoad]:
        """Tell the applications that run."""
        return [
            ApplicationLoad(
                *(one.subject, one.organisation, one.run, one.cpu_s, one.memory_bytes),
                began_at=self._began.get(one.subject),
            )
            for one in self._readings
            if one.organisation
        ]

    async def hosts(self) -> Sequence[HostReading]:
        """Tell this machine; nothing where no host is declared."""
        if not self._host_name:
            return []
        energy = self._meter.reading()
        return [
            HostReading(self._host_name, one.run, one.cpu_s, energy, self._began.get(HOST))
            for one in self._readings
            if one.subject == HOST
        ]

    async def visits(self) -> Sequence[VisitTotal]:
        """Return the visits counted so far of each declared application.

        Of one that nobody ever visited these are 0: so its very first visits count too.
        """
        totals = {one.application: one for one in await self._collector.visit_totals()}
        return [
            VisitTotal(
                name,
                one.organisation,
                _VISITS_RUN,
                totals[name].requests if name in totals else 0,
                totals[name].bytes if name in totals else 0,
            )
            for name, one in self._applications.items()
        ]

    async def metered_hosts(self) -> Sequence[MeteredHost]:
        """Return this machine with those who stand there."""
        if not self._host_name:
            return []
        return [
            MeteredHost(
                name=self._host_name,
                power=self._power,
                cpus=self._machine.cpus,
                memory_mib=self._machine.memory_bytes // MIB,
                tenants=tuple(
                    MeteredTenant(one.name, one.organisation, _reserved_mib(one))
                    for _, one in sorted(self._applications.items())
                ),
                meter=self._meter.capabilities,
            )
        ]

    async def organisations(self) -> Mapping[str, str]:
        """Return the organisation of each declared application."""
        return {name: one.organisation for name, one in self._applications.items()}


class PlatformSizes:
    """Fills the ledger's ``Sizes``: folders of this machine, databases of its PostgreSQL."""

    def __init__(
        self, places: Places, databases: ApplicationDatabases, territory: TerritoryInForce
    ) -> None:
        self._places = places
        self._databases = databases
        self._territory = territory

    async def stored_bytes(self) -> Mapping[str, int]:
        """Measure each application's volumes and releases."""
        folders = {
            name: (self._places.volumes / name, self._places.releases / name)
            for name in await self._territory.applications()
        }
        return await asyncio.to_thread(folder_sizes, folders)

    async def database_bytes(self) -> Mapping[str, int]:
        """Measure each application's database."""
        found = await self._territory.applications()
        return await self._databases.sizes([one.name for one in found.values() if one.database])

    async def backup_bytes(self) -> Mapping[str, int]:
        """Return nothing: no backups are made yet."""
        return {}


@lru_cache(maxsize=8)
def declared_power(model: str, cpus: int) -> PowerModel | None:
    """Return the power of our part of a model of host; nothing of one that is not published.

    Args:
        model: As the host declares it.
        cpus: Threads that are ours: fewer than the model has where we are a virtual machine.
    """
    found = HOST_MODELS.get(model)
    if found is None:
        return None
    threads = found.amounts.cpu_milli // 1000 * _THREADS_PER_CORE
    machine = Machine(
        threads=threads,
        points=tuple((point.load, point.power_w) for point in found.power),
        low=MODELLED_POWER.low,
        high=MODELLED_POWER.high,
        embodied_kg=MODELLED_EMBODIED.scaled(found.embodied_kg),
        lifetime_years=_LIFETIME_YEARS,
        source=found.power_source,
    )
    return power_model(machine, cpus, shared=cpus < threads)


def _reserved_mib(application: Application) -> int:
    """Return what is kept for an application: files alone need no memory of their own."""
    if application.kind is ApplicationKind.STATIC:
        return 0
    return application.limits.memory_mib
