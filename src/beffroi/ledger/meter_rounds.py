"""A round of metering a minute: what is quick is read each time, what is slow now and then."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError
from beffroi.ledger.metering import LONGEST_MINUTE_BY_MINUTE, Meter, MeterReading
from beffroi.ledger.metering_service import MeteringService
from beffroi.ledger.ports import Loads, Sizes, Standing

_logger = logging.getLogger(__name__)
_KEPT_UP_EVERY: Final = timedelta(days=1)
_FOLDERS_EVERY: Final = timedelta(hours=1)
_DATABASES_EVERY: Final = timedelta(minutes=10)


def _is_due(last: datetime | None, every: timedelta, now: datetime) -> bool:
    """Tell whether something was not done for long, or is said to be done in a far future.

    A clock that jumped ahead and was set right again must not hold it up until then.
    """
    return last is None or abs(now - last) >= every


class _Held:
    """Sizes that are measured aside now and then, and hold until they are measured again."""

    def __init__(
        self, meter: Meter, every: timedelta, measure: Callable[[], Awaitable[Mapping[str, int]]]
    ) -> None:
        self._meter = meter
        self._every = every
        self._measure = measure
        self._sizes: Mapping[str, int] = {}
        self._measured_at: datetime | None = None
        self._begun_at: datetime | None = None
        self._measuring: asyncio.Task[Mapping[str, int]] | None = None

    def readings(self, now: datetime, organisations: Mapping[str, str]) -> Iterator[MeterReading]:
        """Tell what was measured last, and measure again where it is time."""
        self._take_over(now)
        if self._measuring is None and _is_due(self._begun_at, self._every, now):
            self._begun_at = now
            self._measuring = asyncio.ensure_future(self._measure())
        measured_at = self._measured_at
        if not _is_due(measured_at, LONGEST_MINUTE_BY_MINUTE, now):
            for application, size in self._sizes.items():
                if application in organisations:
                    organisation = organisations[application]
                    yield MeterReading(application, organisation, self._meter, "", size, now)

    def stop(self) -> None:
        """Leave off measuring."""
        if self._measuring is not None:
            self._measuring.cancel()

    def _take_over(self, now: datetime) -> None:
        if self._measuring is None or not self._measuring.done():
            return
        task, self._measuring = self._measuring, None
        error = task.exception()
        if error is None:
            self._sizes, self._measured_at = task.result(), now
        elif isinstance(error, BeffroiError | OSError):
            _logger.warning("ledger meter=%s sizes could not be measured: %s", self._meter, error)
        else:
            raise error


class MeterRounds:
    """Reads every meter and has what was used recorded."""

    def __init__(
        self,
        service: MeteringService,
        loads: Loads,
        sizes: Sizes,
        standing: Standing,
        clock: Clock,
    ) -> None:
        self._service = service
        self._loads = loads
        self._standing = standing
        self._clock = clock
        self._kept_up_at: datetime | None = None
        self._held = (
            _Held(Meter.STORAGE_BYTES, _FOLDERS_EVERY, sizes.stored_bytes),
            _Held(Meter.DATABASE_BYTES, _DATABASES_EVERY, sizes.database_bytes),
            _Held(Meter.BACKUP_BYTES, _FOLDERS_EVERY, sizes.backup_bytes),
        )

    async def measure(self) -> None:
        """Do one round; call it once a minute.

        Raises:
            BeffroiError: Something needed does not answer: the next round makes up for it.
        """
        hosts = await self._standing.metered_hosts()
        await self._service.record(await self._readings(), hosts)
        now = self._clock.now()
        if _is_due(self._kept_up_at, _KEPT_UP_EVERY, now):
            await self._service.keep_up(now)
            self._kept_up_at = now

    def stop(self) -> None:
        """Leave off what is being measured aside."""
        for held in self._held:
            held.stop()

    async def _readings(self) -> list[MeterReading]:
        organisations = await self._standing.organisations()
        loads = await self._loads.applications()
        visits = await self._loads.visits()
        hosts = await self._loads.hosts()
        now = self._clock.now()
        found = []
        for load in loads:
            whose = (load.application, load.organisation)
            shown = ((Meter.CPU_S, load.cpu_s), (Meter.MEMORY_BYTES, load.memory_bytes))
            for meter, value in shown:
                found.append(MeterReading(*whose, meter, load.run, value, now, load.began_at))
        for visit in visits:
            whose = (visit.application, visit.organisation)
            found.append(MeterReading(*whose, Meter.REQUESTS, visit.run, visit.requests, now))
            found.append(
                MeterReading(*whose, Meter.TRAFFIC_BYTES, visit.run, visit.traffic_bytes, now)
            )
        for host in hosts:
            machine = (host.host, "", Meter.HOST_CPU_S)
            found.append(MeterReading(*machine, host.run, host.cpu_s, now, host.began_at))
            if host.energy is not None:
                found.append(
                    MeterReading(
                        *(host.host, "", Meter.HOST_ENERGY_J),
                        *(host.energy.run, host.energy.joules, now),
                    )
                )
        for held in self._held:
            found.extend(held.readings(now, organisations))
        return found
