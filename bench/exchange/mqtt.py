"""What a message over MQTT costs, from the socket to committed latest value, history and log.

Target: 10,000 messages of QoS 1 each second on two cores.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from beffroi.app.exchange_foundation import ExchangeFoundation
from beffroi.app.exchange_wiring import exchange_loops, exchange_services
from beffroi.app.mqtt_wiring import mqtt_door
from beffroi.exchange.api.mounting import ExchangeServices
from beffroi.exchange.declarations import GivenDeclarations
from beffroi.exchange.loading import load_declarations
from beffroi.exchange.mqtt.listener import MqttAddresses
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.log import LogWatch
from beffroi.kernel.processes.collecting import collect_seldom
from beffroi.kernel.processes.tables import descendants_of
from beffroi.kernel.rights.model import PLATFORM
from beffroi.kernel.secrets import SealingKey, Secret
from bench.accelerator.tables import keep_with_table
from bench.exchange.mqtt_load import CONNECTIONS, DEVICES, IN_FLIGHT, MqttLoad, MqttLoaded
from bench.exchange.serving import Scratch, scratch_exchange
from bench.measuring import Figures, cpu_s

_RUN_S: Final = 15.0
_ROUNDS: Final = 3
_SEVERAL: Final = 2
_LISTENING: Final = "0A"
_DATABASE_URL: Final = "BENCH_DATABASE_URL"
_DECLARED: Final = "sensors/{}/up"
_TOPICS: Final = {"native": "ngsi-ld/Device/urn:ngsi-ld:Device:{}", "declared": _DECLARED}
_UPLINKS: Final = """
uplinks:
  sensors:
    devices_most: 20000
    topic: "sensors/{device}/up"
    codec: {kind: json}
    id: "urn:ngsi-ld:Device:{device}"
    type: Device
    observed_at: {field: object.observedAt}
    attributes:
      temperature: {field: object.temperature, measured: true}
      humidity: {field: object.humidity, measured: true}
      battery: {field: object.battery, measured: true}
"""
_LISTENS_WITHIN_S: Final = 30.0
_PEERS: Final = {
    "mosquitto": (
        ("/usr/sbin/mosquitto", "-c"),
        "listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\nlog_type none\n",
    ),
    "nats-server": (
        ("/usr/sbin/nats-server", "-l", "/dev/null", "-c"),
        "server_name: bench\nport: -1\njetstream {{store_dir: {folder}}}\nmqtt {{port: {port}}}\n",
    ),
}
_METHOD: Final = (
    f"{CONNECTIONS} connections of MQTT 3.1.1 with {IN_FLIGHT} messages of QoS 1 in flight each, "
    f"{DEVICES} devices, 3 measures in each message. PostgreSQL from the wheel, fsync on, the "
    f"platform's settings. Runs of {_RUN_S:.0f} s after 2 s, {_ROUNDS} rounds; each row is the "
    "median by wall. The sender is a process of its own on the same two cores: its CPU is not "
    "counted, and lowers the wall figure. beffroi answers a message after latest values, history "
    "and log are committed; native: the topic names the entity; declared: by a declaration of "
    "uplinks; the followers of the log run, without subscriptions. CPU is of all processes of the "
    "side. Peers take the same messages and keep none, for nobody subscribed: what a listener "
    f"costs that writes nothing. {_SEVERAL} processes: as many listen at one port, as the setting "
    "exchange_processes has it. Target: 10,000 messages/s."
)


class _Listener(msgspec.Struct, frozen=True):
    """What is loaded.

    Attributes:
        spent: CPU so far: of the listener, and of PostgreSQL.
    """

    port: int
    user: str
    password: str
    spent: Callable[[], tuple[float, float]]


class _Run(msgspec.Struct, frozen=True):
    """One run: what the sender saw, and what it took meanwhile."""

    loaded: MqttLoaded
    listener_s: float
    postgresql_s: float

    @property
    def figures(self) -> Figures:
        """Return what is kept of it."""
        count = self.loaded.messages
        spent_us = (self.listener_s + self.postgresql_s) / count * 1e6
        return {
            "messages_per_s": round(count / self.loaded.wall_s),
            "listener_cpu_us": round(self.listener_s / count * 1e6, 1),
            "postgresql_cpu_us": round(self.postgresql_s / count * 1e6, 1),
            "per_core": round(1e6 / spent_us),
            "p50_ms": self.loaded.p50_ms,
            "p99_ms": self.loaded.p99_ms,
        }


@asynccontextmanager
async def _door(scratch: Scratch, processes: int = 1) -> AsyncIterator[_Listener]:
    """Run the door in other processes, with all that runs beside it on the platform."""
    port = _free_port()
    command = (sys.executable, "-m", "bench.exchange.mqtt", str(port), str(processes))
    environment = {_DATABASE_URL: scratch.database.url.reveal()}
    with ExitStack() as running:
        begun = [running.enter_context(_running(command, environment)) for _ in range(processes)]
        await _listens(port, processes)
        yield _Listener(
            port,
            scratch.actor.name,
            scratch.token,
            lambda: (sum(cpu_s(one.pid) for one in begun), scratch.postgresql_cpu_s),
        )


@asynccontextmanager
async def _peer(command: tuple[str, ...], configuration: str) -> AsyncIterator[_Listener]:
    """Run a broker of others; {port} and {folder} in its configuration are filled in."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "broker.conf"
        file.write_text(configuration.format(port=port, folder=folder), encoding="utf-8")
        with _running((*command, str(file)), {}) as process:
            await _listens(port)
            yield _Listener(port, "", "", lambda: (cpu_s(process.pid), 0.0))


async def _run(listener: _Listener, topic: str, round_: int) -> _Run:
    load = MqttLoad(listener.port, topic, listener.user, listener.password, _RUN_S, round_)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.exchange.mqtt_load",
        msgspec.json.encode(load).decode(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    before = listener.spent()
    await process.stdout.readline()
    after = listener.spent()
    loaded = msgspec.json.decode(await process.stdout.readline(), type=MqttLoaded)
    await process.wait()
    return _Run(loaded, after[0] - before[0], after[1] - before[1])


def _median(runs: list[_Run]) -> Figures:
    in_order = sorted(runs, key=lambda one: one.loaded.messages / one.loaded.wall_s)
    return in_order[len(in_order) // 2].figures


async def _measured() -> dict[str, Figures]:
    runs: dict[str, list[_Run]] = {}
    async with scratch_exchange() as scratch:
        for round_ in range(2 * _ROUNDS):
            processes = _SEVERAL if round_ % 2 else 1
            shown = f", {processes} processes" if processes > 1 else ""
            async with _door(scratch, processes) as door:
                for place, (topic_name, topic) in enumerate(_TOPICS.items()):
                    run, name = await _run(door, topic, 2 * round_ + place), topic_name + shown
                    print(name, run.figures, flush=True)
                    runs.setdefault(f"beffroi: {name}", []).append(run)
    for name, (command, configuration) in _PEERS.items():
        if shutil.which(command[0]) is None:
            continue
        async with _peer(command, configuration) as peer:
            for round_ in range(_ROUNDS):
                runs.setdefault(name, []).append(await _run(peer, _DECLARED, round_))
    return {name: _median(several) for name, several in runs.items()}


def measure() -> None:
    keep_with_table("exchange_mqtt", _METHOD, asyncio.run(_measured()))


@contextmanager
def _running(
    command: tuple[str, ...], environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        yield process
    finally:
        for row in reversed(descendants_of(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(row.pid, signal.SIGKILL)
        process.wait()


async def _listens(port: int, processes: int = 1) -> None:
    async with asyncio.timeout(_LISTENS_WITHIN_S):
        while _listeners(port) < processes:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)


def _listeners(port: int) -> int:
    """Count the sockets of this machine that listen at a port."""
    count = 0
    for table in ("tcp", "tcp6"):
        lines = Path("/proc/net", table).read_text(encoding="utf-8").splitlines()[1:]
        for _, local, _, state, *_ in (line.split() for line in lines):
            count += state == _LISTENING and local.endswith(f":{port:04X}")
    return count


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


async def _serve(port: int, processes: int) -> None:
    database, clock = Database(Secret(os.environ[_DATABASE_URL])), SystemClock()
    await database.open()
    with tempfile.TemporaryDirectory() as folder:
        async with Outgoing(allow_internal=False) as outgoing:
            given = ExchangeFoundation(
                database=database,
                watch=LogWatch(database),
                outgoing=outgoing,
                known_contexts={},
                public_url="https://bench.invalid",
                key=SealingKey.of_folder(Path(folder)),
                clock=clock,
            )
            services = exchange_services(given)
            await _declare(services, Path(folder) / "uplinks.yaml")
            door = mqtt_door(given, services, has_peers=processes > 1)
            collect_seldom()
            await asyncio.gather(
                given.watch.run(),
                *exchange_loops(given, services),
                door.run(MqttAddresses(port=port)),
            )


async def _declare(services: ExchangeServices, file: Path) -> None:
    file.write_text(_UPLINKS, encoding="utf-8")
    given = GivenDeclarations(
        source=file.name, declared=load_declarations(file), organisation="arras"
    )
    await services.flow_parts.declarations.apply(PLATFORM, given)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
