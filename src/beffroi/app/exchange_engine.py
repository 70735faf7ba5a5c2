"""The further processes at the exchange's door, as engines that the platform keeps running."""

import signal
import sys
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

from beffroi.app.exchange_process import DATABASE_VARIABLE, ExchangeProcessSettings
from beffroi.app.mqtt_wiring import mqtt_settings
from beffroi.app.settings import Settings
from beffroi.delivery.model import CONSOLE, DeliverySettings
from beffroi.engines.drivers.engine_process import EngineProcess
from beffroi.engines.model import EngineStatus
from beffroi.exchange.api.door import DOOR_PATH
from beffroi.kernel.http.probing import probed_status
from beffroi.kernel.places import Places
from beffroi.kernel.processes.model import ProcessPlan, RunningProcess
from beffroi.kernel.secrets import Secret

_START_WITHIN_S: Final = 30.0
_STOP_WITHIN_S: Final = 15.0
_ANSWER_WITHIN_S: Final = 2.0


def console_socket(places: Places) -> Path:
    """Return where the platform's own process answers."""
    return places.instances / CONSOLE / "listen" / "http.sock"


def door_sockets(places: Places, processes: int) -> tuple[Path, ...]:
    """Return where the exchange's door is answered: by the platform's own process, then others."""
    beside = console_socket(places)
    return tuple(beside.with_name(f"exchange-{number}.sock") for number in range(processes + 1))


class ExchangeEngine:
    """Runs one more process that answers at the exchange's door."""

    def __init__(
        self,
        number: int,
        places: Places,
        settings: ExchangeProcessSettings,
        database_url: Secret,
    ) -> None:
        self.name = f"exchange-{number}"
        self._places = places
        self._settings = settings
        self._database_url = database_url
        self._process = EngineProcess(self.name, places, sandboxed=False)
        self._silences = 0

    async def start(self) -> None:
        """Run it, unless it runs."""
        file = self._settings_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(self._settings))
        if self._process.running() is None:
            await self._process.start(self._plan(file), self._answers, _START_WITHIN_S)

    async def stop(self) -> None:
        """Let it finish what it answers."""
        await self._process.stop(signal.SIGTERM, _STOP_WITHIN_S)

    def running(self) -> RunningProcess | None:
        """Find its process, whoever started it."""
        return self._process.running()

    async def status(self) -> EngineStatus:
        """Read its process and ask it."""
        answers = await self._answers()
        self._silences = 0 if answers else self._silences + 1
        return self._process.told(version("beffroi"), "", answers=answers, silences=self._silences)

    async def _answers(self) -> bool:
        status = await probed_status(
            Path(self._settings.socket),
            f"{DOOR_PATH}/types",
            "exchange",
            within_s=_ANSWER_WITHIN_S,
        )
        return status == HTTPStatus.UNAUTHORIZED

    def _settings_file(self) -> Path:
        return self._places.engines / self.name / "settings.json"

    def _plan(self, settings_file: Path) -> ProcessPlan:
        return ProcessPlan(
            unit=self.name,
            command=(sys.executable, "-m", "beffroi.app.exchange_process", str(settings_file)),
            folder=self._process.folder,
            log_path=self._process.log_path,
            environment={
                "PATH": "/usr/bin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
                DATABASE_VARIABLE: self._database_url.reveal(),
            },
        )


async def end_leftovers(places: Places, processes: int) -> None:
    """End processes of a platform that was killed while it was to have more of them than now."""
    began = places.process_folder("exchange-")
    for folder in began.parent.glob(f"{began.name}*"):
        number = folder.name.removeprefix(began.name)
        if number.isdecimal() and int(number) > processes:
            process = EngineProcess(f"exchange-{number}", places, sandboxed=False)
            await process.stop(signal.SIGTERM, _STOP_WITHIN_S)


def exchange_engines(
    places: Places, database_url: Secret, addresses: DeliverySettings, settings: Settings
) -> tuple[ExchangeEngine, ...]:
    """Prepare the processes beside the platform's own."""
    return tuple(
        ExchangeEngine(
            number,
            places,
            ExchangeProcessSettings(
                data=str(places.data),
                socket=str(socket),
                public_url=addresses.url(addresses.console_host),
                contexts_folder=settings.contexts_folder,
                reach_internal_network=settings.reach_internal_network,
                mqtt=mqtt_settings(settings),
            ),
            database_url,
        )
        for number, socket in enumerate(addresses.exchange_sockets[1:], start=1)
    )
