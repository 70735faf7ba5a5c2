"""Starting the platform, keeping it running, stopping it."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from beffroi.app.addresses import Ports, chosen_ports
from beffroi.app.exchange_engine import (
    console_socket,
    door_sockets,
    end_leftovers,
    exchange_engines,
)
from beffroi.app.exchange_wiring import exchange_loops
from beffroi.app.http import platform_application
from beffroi.app.measuring import measured_host
from beffroi.app.mqtt_wiring import mqtt_addresses
from beffroi.app.ownership import Ownership, write_control
from beffroi.app.settings import Settings, database_url, nats_url
from beffroi.app.wiring import (
    CONTROLLERS,
    DOMAINS,
    PAGE_STORE,
    Foundation,
    Platform,
    acme_settings,
    wired,
)
from beffroi.delivery.drivers import FillerEngine
from beffroi.delivery.model import CONSOLE, DeliverySettings
from beffroi.delivery.routes import RouteTable
from beffroi.engines.databases import socket_folder
from beffroi.engines.drivers import JoinedPostgresql, NginxEngine, PostgresqlEngine, found_nginx
from beffroi.exchange.api.mounting import mounted_door
from beffroi.exchange.carrying.carrier import LogCarrier
from beffroi.exchange.contexts.known import known_documents
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.database.migrations import migrate
from beffroi.kernel.errors import NotFoundError
from beffroi.kernel.http.loop_serving import answered_on
from beffroi.kernel.log import Entry, Teller
from beffroi.kernel.log.trimming import Keeping
from beffroi.kernel.places import Places
from beffroi.kernel.processes.collecting import collect_seldom
from beffroi.kernel.rights.model import PLATFORM, Role
from beffroi.kernel.secrets import SealingKey
from beffroi.kernel.units import MIB
from beffroi.territory.loading import load_territory
from beffroi.territory.service import TerritoryService

_logger = logging.getLogger(__name__)
_Loop = Coroutine[None, None, None]
OPERATOR = "operator"
_ANYBODY_CONNECTS = 0o666
_HEADER_SETS_AFTER_S = 1.5
_CONTROLLED_BY = ("territory.", "delivery.header_set_added")
_PAGES_CHANGE_WITH = (
    "hosting.deployment_serving",
    "hosting.application_stopped",
    "territory.application",
)
_THIS_MACHINE = "this machine"


@asynccontextmanager
async def running_platform(
    data: Path, settings: Settings, environment: Mapping[str, str], territory_file: Path | None
) -> AsyncIterator[Platform]:
    """Run the platform of a data folder; on the way out stop all of it, applications included.

    Raises:
        ConflictError: Another process runs the same data folder.
        TerritoryInvalidError: The territory file has mistakes; nothing was changed.
    """
    if territory_file is not None:
        await asyncio.to_thread(load_territory, territory_file)
    places = Places.of(data)
    async with AsyncExitStack() as undo:
        ownership = Ownership(places.data)
        undo.callback(ownership.release)
        ownership.tell(f"process {os.getpid()}")
        foundation = await _foundation(places, settings, environment, undo)
        if territory_file is not None:
            await foundation.territory.apply(territory_file, OPERATOR)
        addresses = await _delivery_settings(foundation, settings)
        at_the_door = exchange_engines(places, foundation.postgresql.url, addresses, settings)
        platform = wired(foundation, addresses, at_the_door)
        undo.push_async_callback(_stop_hosting, platform)
        await undo.enter_async_context(_served(platform))
        for engine in at_the_door:
            undo.push_async_callback(engine.stop)
        await end_leftovers(places, len(at_the_door))
        await asyncio.gather(*(engine.start() for engine in at_the_door))
        ownership.tell(f"process {os.getpid()}, {platform.services.delivery.console_url()}")
        await undo.enter_async_context(platform.waking.serving())
        await undo.enter_async_context(_controlled(platform, _as_set(platform, settings)))
        yield platform


async def sign_in_link(platform: Platform) -> str:
    """Make a one-time link for the operator's account."""
    proof = await platform.services.rights.issue_link(PLATFORM, OPERATOR)
    return f"{platform.services.delivery.console_url()}sign-in/{proof.secret.reveal()}"


async def _foundation(
    places: Places, settings: Settings, environment: Mapping[str, str], undo: AsyncExitStack
) -> Foundation:
    key, clock = SealingKey.of_folder(places.data), SystemClock()
    own = database_url(settings, environment)
    postgresql = PostgresqlEngine(places, key) if own is None else JoinedPostgresql(own)
    undo.push_async_callback(postgresql.stop)
    await postgresql.start()
    database = Database(postgresql.url)
    undo.push_async_callback(database.close)
    await database.open()
    await migrate(database, DOMAINS)
    ports = await _ports(places, settings)
    nginx = NginxEngine(places, await found_nginx(), (ports.http, ports.https))
    undo.push_async_callback(nginx.stop)
    filler = FillerEngine(
        places,
        postgresql.url,
        socket_folder(postgresql.url),
        settings.pages_mib * MIB,
    )
    undo.push_async_callback(filler.stop)
    outgoing = Outgoing(allow_internal=settings.reach_internal_network)
    await undo.enter_async_context(outgoing)
    return Foundation(
        places=places,
        key=key,
        clock=clock,
        database=database,
        postgresql=postgresql,
        nginx=nginx,
        filler=filler,
        ports=ports,
        outgoing=outgoing,
        known_contexts=_known_contexts(settings),
        host=measured_host(settings.machine, len(os.sched_getaffinity(0))),
        wattmeter_file=settings.wattmeter_file,
        territory=TerritoryService(database, clock),
        keeping=Keeping(
            changes=timedelta(days=settings.log_changes_days),
            acts=timedelta(days=settings.log_acts_days),
        ),
        carries_log=bool(settings.nats_url_file),
    )


def _known_contexts(settings: Settings) -> Mapping[str, Path]:
    return known_documents(Path(settings.contexts_folder)) if settings.contexts_folder else {}


async def _ports(places: Places, settings: Settings) -> Ports:
    trial = NginxEngine(places, await found_nginx(), ())
    runs = (await trial.status()).pid is not None
    if not runs:
        await trial.stop()
    return chosen_ports(settings, places.data, nginx_runs=runs)


async def _delivery_settings(foundation: Foundation, settings: Settings) -> DeliverySettings:
    held = await foundation.territory.current()
    if held is None:
        raise NotFoundError("app.no_territory")
    return DeliverySettings(
        addresses=settings.listen_addresses,
        http_port=foundation.ports.http,
        https_port=foundation.ports.https,
        console_host=held.document.console_host,
        exchange_sockets=door_sockets(foundation.places, settings.exchange_processes),
        acme=acme_settings(
            settings.acme_directory, settings.acme_contact, settings.acme_authority_file
        ),
    )


@asynccontextmanager
async def _served(platform: Platform) -> AsyncIterator[None]:
    """Serve the console and the API on a unix socket, and the sites by nginx."""
    foundation, services = platform.foundation, platform.services
    await services.rights.put_account(PLATFORM, OPERATOR, Role.OPERATOR)
    await services.operations.settle_interrupted()
    await platform.deployer.settle_interrupted()
    socket = console_socket(foundation.places)
    folder = socket.parents[1]
    socket.parent.mkdir(parents=True, exist_ok=True)
    for path in (folder, socket.parent):
        path.chmod(0o755)
    door = mounted_door(services.rights, services.exchange, foundation.clock)
    application = platform_application(services, door, foundation.clock)
    own_door, *_ = door_sockets(foundation.places, processes=0)
    collect_seldom()
    async with (
        answered_on(socket, application, _ANYBODY_CONNECTS),
        answered_on(own_door, door, _ANYBODY_CONNECTS),
    ):
        RouteTable(foundation.places).point(CONSOLE, folder)
        await platform.delivery_controller.prepare()
        await asyncio.gather(foundation.nginx.start(), foundation.filler.start())
        await _let_commands_in(platform, socket)
        yield


async def _let_commands_in(platform: Platform, socket: Path) -> None:
    """Make a token for this machine's commands; those of earlier starts end once it is told."""
    rights = platform.services.rights
    actor = (await rights.put_account(PLATFORM, OPERATOR, Role.OPERATOR)).actor
    earlier = [one for one in await rights.tokens(actor) if one.label == _THIS_MACHINE]
    issued = await rights.issue_token(actor, _THIS_MACHINE)
    write_control(platform.foundation.places.data, socket, issued.secret)
    for token in earlier:
        await rights.withdraw(actor, token.digest)


@asynccontextmanager
async def _controlled(platform: Platform, as_set: Iterable[_Loop]) -> AsyncIterator[None]:
    """Run the controllers, the jobs and the followers of the log."""

    async def wake(entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.kind.startswith("territory."):
                platform.hosting.forgive(entry.subject)
                platform.delivery.wake()
                platform.machine_meter.wake()
            elif entry.kind == "delivery.header_set_added":
                # The first pages of a site bring several: one reload for all.
                asyncio.get_running_loop().call_later(_HEADER_SETS_AFTER_S, platform.delivery.wake)

    async def forget_pages(entries: Sequence[Entry]) -> None:
        changed = {(entry.subject, entry.organisation) for entry in entries}
        for name, organisation in sorted(changed):
            await platform.services.page_store.forget_site(name, organisation)

    database, watch = platform.foundation.database, platform.watch
    loops = (
        platform.watch.run(),
        platform.log_keeper.run(),
        Teller(CONTROLLERS, database, watch, wake, _CONTROLLED_BY).run(),
        Teller(PAGE_STORE, database, watch, forget_pages, _PAGES_CHANGE_WITH).run(),
        platform.engines.run(),
        platform.delivery.run(),
        platform.hosting.run(),
        platform.jobs.run(),
        platform.machine_meter.run(),
        platform.measuring.run(),
        platform.weighing.run(),
        platform.services.retentions.run(),
        platform.services.live_views.run(),
        *exchange_loops(platform.exchange, platform.services.exchange),
        *as_set,
        _deploy_changed_sources(platform),
    )
    tasks = [asyncio.create_task(loop) for loop in loops]
    for task in tasks:
        task.add_done_callback(_tell_early_end)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _as_set(platform: Platform, settings: Settings) -> Iterator[_Loop]:
    """Give the loops that settings ask for: the log carried elsewhere, the door of MQTT."""
    foundation, services = platform.foundation, platform.services
    if url := nats_url(settings):
        yield LogCarrier(foundation.database, platform.watch, url).run()
    yield services.mqtt_door.run(mqtt_addresses(settings, services.delivery, foundation.places))


async def _deploy_changed_sources(platform: Platform) -> None:
    """Deploy the applications whose folder or archive changed while nothing watched it."""
    hosting = platform.services.hosting
    held = await platform.foundation.territory.current()
    for application in held.document.applications.values() if held else ():
        if not application.source.git:
            await hosting.deploy_if_changed(PLATFORM, application)


async def _stop_hosting(platform: Platform) -> None:
    await platform.services.operations.close()
    await platform.deployer.close()
    await platform.hosting_controller.close()
    await platform.engine_controller.close()
    await platform.deployer.stop_all()


def _tell_early_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _logger.error("BUG in loop %s", task.get_coro(), exc_info=task.exception())
